package dev.parley.client;

import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import tools.jackson.databind.JsonNode;

/**
 * A writer of a stream whose appends have one effect each: every append carries a number, by which the server recognises it
 * if it comes again. Appends of several threads are sent one after the other. Made by {@link Stream#producer}.
 *
 * <p>If an append fails with {@link ParleyException#retryHelps}, or because the thread was interrupted or the time was over,
 * the next call first settles it: with the same data it is the same append, and with other data the producer refuses to go
 * on, since nobody knows whether the first one was stored.
 */
public final class Producer {
    private final Stream stream;
    private final String id;
    private final ReentrantLock lock = new ReentrantLock();

    /** Whether a greater epoch may be taken if the first one turns out to be too small. */
    @GuardedBy("lock")
    private boolean mayClaim;

    @GuardedBy("lock")
    private long epoch;

    @GuardedBy("lock")
    private long nextSeq;

    /** An append of which nobody knows whether it was stored; empty if there is none. A copy: callers use arrays again. */
    @GuardedBy("lock")
    private byte[] unsettled = new byte[0];

    /** Whether that append is to close the stream. */
    @GuardedBy("lock")
    private boolean unsettledCloses;

    Producer(Stream stream, String id, long epoch, boolean mayClaim) {
        this.stream = stream;
        this.id = id;
        this.epoch = epoch;
        this.mayClaim = mayClaim;
    }

    /** {@return the id of the producer} */
    public String id() {
        return id;
    }

    /** {@return the epoch, by which a later process takes over} */
    public long epoch() {
        lock.lock();
        try {
            return epoch;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Appends data, and waits until it is durable. It is sent again until the server has answered, for up to
     * {@link ClientOptions#requestTimeout()}.
     *
     * @param contentType the type of the stream
     * @param data at least one byte; it is copied
     * @return the offset behind the data; if the data was stored by an earlier attempt, the end of the stream
     * @throws ParleyException.AccessDenied with the reason {@code STALE_EPOCH} if another producer with this id has
     *     taken over
     * @throws ParleyException.Refused with the reason {@code STREAM_CLOSED} if the stream is closed
     */
    public String append(String contentType, byte[] data) {
        return send(contentType, data, false);
    }

    /**
     * Appends a message to a JSON stream, or all messages of an array; see {@link #append(String, byte[])}.
     *
     * @param message the message, or an array of messages
     * @return the offset behind the data
     */
    public String append(JsonNode message) {
        return append(StreamOptions.JSON.contentType(), Wire.MAPPER.writeValueAsBytes(message));
    }

    /**
     * Appends text to a stream of text; see {@link #append(String, byte[])}.
     *
     * @param text at least one character
     * @return the offset behind the data
     */
    public String append(String text) {
        return append(StreamOptions.TEXT.contentType(), Stream.bytes(text));
    }

    /**
     * Appends data as the last of the stream, which is closed by that.
     *
     * @param contentType the type of the stream
     * @param data at least one byte; it is copied
     * @return the offset behind the data, where the stream ends
     */
    public String appendAndClose(String contentType, byte[] data) {
        return send(contentType, data, true);
    }

    private String send(String contentType, byte[] data, boolean close) {
        if (data.length == 0) {
            throw new IllegalArgumentException("An append needs data.");
        }
        lock.lock();
        try {
            if (unsettled.length > 0 && !(Arrays.equals(unsettled, data) && unsettledCloses == close)) {
                throw new IllegalStateException(
                        "The last append of the producer " + id
                                + " has failed, and it may have been stored. Append the same data again, or make another producer.");
            }
            unsettledCloses = close;
            while (true) {
                unsettled = data.clone();
                HttpResponse<byte[]> response = Http.await(
                        stream.send(
                                "POST",
                                "",
                                headers(contentType, close),
                                data,
                                true,
                                stream.options().requestTimeout()),
                        stream.options().requestTimeout());
                if (response.statusCode() < 300) {
                    unsettled = new byte[0];
                    mayClaim = false;
                    nextSeq++;
                    return Stream.offset(response);
                }
                ParleyException error = Http.error(response);
                if (!error.retryHelps()) {
                    // The server has decided.
                    unsettled = new byte[0];
                }
                if (!mayClaim || !error.reason().equals("STALE_EPOCH")) {
                    throw error;
                }
                mayClaim = false;
                epoch = response.headers().firstValueAsLong("Producer-Epoch").orElse(epoch) + 1;
            }
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private Map<String, String> headers(String contentType, boolean close) {
        Map<String, String> headers = new HashMap<>();
        headers.put("Content-Type", contentType);
        headers.put("Producer-Id", id);
        headers.put("Producer-Epoch", Long.toString(epoch));
        headers.put("Producer-Seq", Long.toString(nextSeq));
        if (close) {
            headers.put("Stream-Closed", "true");
        }
        return headers;
    }
}
