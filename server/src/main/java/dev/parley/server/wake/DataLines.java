package dev.parley.server.wake;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the lines of server-sent events that have data, which is all that agents say with them. */
final class DataLines {
    /** The greatest size of a line. Some agents repeat all of a text with each piece of it. */
    static final int MAX_LINE_BYTES = 256 << 10;

    private static final String DATA = "data:";

    /** A line is too long. */
    static final class TooLongException extends Exception {
        private static final long serialVersionUID = 1;

        private TooLongException() {
            super("a line of the answer has more than " + MAX_LINE_BYTES + " bytes");
        }
    }

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    /** What the lines say that have ended with {@code bytes}. */
    List<String> read(Buffer bytes) throws TooLongException {
        List<String> data = new ArrayList<>();
        for (int i = 0; i < bytes.length(); i++) {
            byte b = bytes.getByte(i);
            if (b == '\n' || b == '\r') {
                end(data);
            } else if (line.size() == MAX_LINE_BYTES) {
                throw new TooLongException();
            } else {
                line.write(b);
            }
        }
        return data;
    }

    /** What the last line says, if nobody has ended it. */
    List<String> rest() {
        List<String> data = new ArrayList<>();
        end(data);
        return data;
    }

    private void end(List<String> data) {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (text.startsWith(DATA)) {
            String said = text.substring(DATA.length()).strip();
            if (!said.isEmpty()) {
                data.add(said);
            }
        }
    }
}
