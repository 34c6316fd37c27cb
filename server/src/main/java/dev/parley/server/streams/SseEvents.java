package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.loop.SharedBytes;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/**
 * Encodes entries as server-sent events (section 5.8): one data event, followed by its control event. The first of the
 * events that are sent together has the offset after all of them as its id, so that a browser's EventSource sends it in
 * Last-Event-ID.
 *
 * <p>JSON and base64 have a space after the colon of {@code data:}, which simple readers expect. Lines of text and
 * control events have none, because the public suite compares them in that form.
 */
final class SseEvents {
    private static final byte[] ID = ascii("id: ");
    private static final byte[] DATA = ascii("\nevent: data\ndata:");
    private static final byte[] NEXT_LINE = ascii("\ndata:");
    private static final byte[] END = ascii("\n\n");
    private static final byte[] CONTROL = ascii("event: control\ndata:{\"streamNextOffset\":\"");
    private static final byte[] CURSOR = ascii("\",\"streamCursor\":\"");
    private static final byte[] CLOSED = ascii("\",\"upToDate\":true,\"streamClosed\":true}\n\n");
    private static final byte[] UP_TO_DATE = ascii("\",\"upToDate\":true}\n\n");
    private static final byte[] MORE_FOLLOWS = ascii("\"}\n\n");
    private static final byte[] LINE_END = ascii("\r\n");
    private static final int CONTROL_BYTES = 256;

    /** A comment, which has no meaning. It keeps proxies from closing idle connections. */
    private static final Buffer KEEPALIVE = Buffer.buffer(":\n\n");

    private SseEvents() {}

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Whether data of this type must be sent as base64. */
    static boolean inBase64(StreamState state) {
        return !state.isJson() && !state.isText();
    }

    /** {@code event} as one chunk of a chunked HTTP/1.1 body. */
    static SharedBytes chunk(Buffer event) {
        return new SharedBytes(ascii(Integer.toHexString(event.length())), LINE_END, event.getBytes(), LINE_END);
    }

    /** The bytes that keep a connection alive if nothing else is sent. */
    static Buffer keepalive() {
        return KEEPALIVE;
    }

    /** A data event with all of {@code entries}, which end at {@code next}. */
    static void data(Buffer out, StreamState state, List<Entry> entries, String next) {
        id(out, next).appendBytes(DATA);
        if (inBase64(state)) {
            out.appendByte((byte) ' ')
                    .appendBytes(Base64.getEncoder().encode(join(entries)))
                    .appendBytes(END);
            return;
        }
        boolean json = state.isJson();
        Lines lines = new Lines(out);
        if (json) {
            out.appendByte((byte) ' ');
            lines.separator('[');
        }
        for (int i = 0; i < entries.size(); i++) {
            if (json && i > 0) {
                lines.separator(',');
            }
            lines.append(entries.get(i).payload().bytes());
        }
        if (json) {
            lines.separator(']');
        }
        out.appendBytes(END);
    }

    /** A data event with JSON that has no line breaks, and that ends at {@code next}. */
    static void json(Buffer out, String next, byte[] json) {
        id(out, next).appendBytes(DATA).appendByte((byte) ' ').appendBytes(json).appendBytes(END);
    }

    /**
     * Writes every line of text as a data line of its own, so that text that looks like an event remains data. A line
     * break may be divided between two entries.
     */
    private static final class Lines {
        private final Buffer out;
        private boolean lineStart = true;
        private boolean afterReturn;

        Lines(Buffer out) {
            this.out = out;
        }

        void separator(char c) {
            out.appendByte((byte) c);
            lineStart = false;
            afterReturn = false;
        }

        void append(byte[] bytes) {
            int start = 0;
            for (int i = 0; i < bytes.length; i++) {
                byte b = bytes[i];
                if (b == '\n' && afterReturn) {
                    // The second half of a line break that has been written already.
                    start = i + 1;
                    afterReturn = false;
                } else if (b == '\n' || b == '\r') {
                    text(bytes, start, i);
                    out.appendBytes(NEXT_LINE);
                    lineStart = true;
                    start = i + 1;
                    afterReturn = b == '\r';
                } else {
                    afterReturn = false;
                }
            }
            text(bytes, start, bytes.length);
        }

        private void text(byte[] bytes, int start, int end) {
            if (start < end) {
                if (lineStart && bytes[start] == ' ') {
                    // Readers remove one space at the start of a line.
                    out.appendByte((byte) ' ');
                }
                out.appendBytes(bytes, start, end - start);
                lineStart = false;
            }
        }
    }

    /** The size of the event with {@code more}, or a little less. */
    static long sizeOf(Tail.More more) {
        return sizeOf(more.state(), more.entries());
    }

    private static long sizeOf(StreamState state, List<Entry> entries) {
        long size = CONTROL_BYTES;
        if (inBase64(state)) {
            for (Entry entry : entries) {
                size += entry.payload().bytes().length * 4L / 3 + 4;
            }
            return size;
        }
        for (Entry entry : entries) {
            byte[] bytes = entry.payload().bytes();
            int breaks = 0;
            for (byte b : bytes) {
                breaks += b == '\n' || b == '\r' ? 1 : 0;
            }
            size += bytes.length + 1L + (long) breaks * (NEXT_LINE.length + 1);
        }
        return size;
    }

    private static byte[] join(List<Entry> entries) {
        if (entries.size() == 1) {
            return entries.getFirst().payload().bytes();
        }
        int total = 0;
        for (Entry entry : entries) {
            total += entry.payload().bytes().length;
        }
        byte[] joined = new byte[total];
        int at = 0;
        for (Entry entry : entries) {
            byte[] bytes = entry.payload().bytes();
            System.arraycopy(bytes, 0, joined, at, bytes.length);
            at += bytes.length;
        }
        return joined;
    }

    private static Buffer id(Buffer out, String next) {
        return out.appendBytes(ID).appendBytes(ascii(next));
    }

    /** A control event without a data event. */
    static void loneControl(Buffer out, String next, long cursor, boolean closed) {
        id(out, next).appendByte((byte) '\n');
        control(out, next, cursor, true, closed);
    }

    /** The control event after a data event. */
    static void control(Buffer out, String next, long cursor, boolean upToDate, boolean closed) {
        out.appendBytes(CONTROL).appendBytes(ascii(next));
        if (closed) {
            out.appendBytes(CLOSED);
            return;
        }
        out.appendBytes(CURSOR).appendBytes(ascii(Long.toString(cursor)));
        out.appendBytes(upToDate ? UP_TO_DATE : MORE_FOLLOWS);
    }

    /** A buffer for an event with these entries. */
    static Buffer buffer(StreamState state, List<Entry> entries) {
        return Buffer.buffer(Math.toIntExact(sizeOf(state, entries)));
    }
}
