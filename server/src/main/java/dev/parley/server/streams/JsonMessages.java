package dev.parley.server.streams;

import dev.parley.engine.stream.Payload;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * Bodies in JSON mode (section 9.1). A body must be JSON. If it is an array, its elements are the messages. The
 * messages keep the bytes with which they arrived.
 */
final class JsonMessages {
    /** The greatest depth of nested arrays and objects. */
    static final int MAX_DEPTH = 500;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    // The limit of the body bounds strings as well.
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private JsonMessages() {}

    /** The body is not JSON, or is nested too deeply. */
    static final class InvalidJsonException extends Exception {
        private static final long serialVersionUID = 1L;

        InvalidJsonException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** The messages of a body. An empty array gives an empty payload. */
    static Payload parse(byte[] body) throws InvalidJsonException {
        requireUtf8(body);
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), body)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw new InvalidJsonException("the body holds no JSON value", null);
            }
            int start = offset(parser);
            Payload payload;
            if (first == JsonToken.START_ARRAY) {
                payload = elements(parser, body);
            } else {
                parser.skipChildren();
                payload = null;
            }
            if (parser.nextToken() != null) {
                throw new InvalidJsonException("the body holds more than one JSON value", null);
            }
            return payload == null ? single(body, start) : payload;
        } catch (JacksonException e) {
            throw new InvalidJsonException("the body is not valid JSON: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Refuses bodies that are not UTF-8. The parser would accept UTF-16, UTF-32 and some malformed UTF-8, which readers
     * of the stream would not.
     */
    private static void requireUtf8(byte[] body) throws InvalidJsonException {
        for (byte b : body) {
            if (b <= 0) {
                decode(body);
                return;
            }
        }
    }

    private static void decode(byte[] body) throws InvalidJsonException {
        for (int i = 0; i < Math.min(body.length, 4); i++) {
            if (body[i] == 0) {
                throw new InvalidJsonException("the body is not JSON in UTF-8", null);
            }
        }
        try {
            var _ = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
        } catch (CharacterCodingException e) {
            throw new InvalidJsonException("the body is not JSON in UTF-8", e);
        }
    }

    private static int offset(JsonParser parser) {
        return (int) parser.currentTokenLocation().getByteOffset();
    }

    private static Payload single(byte[] body, int start) {
        int end = endBefore(body, start, body.length);
        return Payload.ofMessages(Arrays.copyOfRange(body, start, end), new int[] {end - start});
    }

    private static Payload elements(JsonParser parser, byte[] body) {
        int[] starts = new int[8];
        int count = 0;
        JsonToken token = parser.nextToken();
        while (token != JsonToken.END_ARRAY) {
            if (count == starts.length) {
                starts = Arrays.copyOf(starts, count * 2);
            }
            starts[count++] = offset(parser);
            Objects.requireNonNull(token);
            parser.skipChildren();
            token = parser.nextToken();
        }
        int arrayEnd = offset(parser);
        int[] lengths = new int[count];
        int total = Math.max(0, count - 1);
        for (int i = 0; i < count; i++) {
            int end = i + 1 < count ? endBefore(body, starts[i], commaBefore(body, starts[i + 1])) : arrayEnd;
            lengths[i] = endBefore(body, starts[i], end) - starts[i];
            total += lengths[i];
        }
        byte[] joined = new byte[total];
        int at = 0;
        for (int i = 0; i < count; i++) {
            if (i > 0) {
                joined[at++] = ',';
            }
            System.arraycopy(body, starts[i], joined, at, lengths[i]);
            at += lengths[i];
        }
        return Payload.ofMessages(joined, lengths);
    }

    /** The index of the comma before an element. Only white space can be beside it. */
    private static int commaBefore(byte[] body, int next) {
        int at = next - 1;
        while (body[at] != ',') {
            at--;
        }
        return at;
    }

    private static int endBefore(byte[] body, int start, int limit) {
        int end = limit;
        while (end > start && body[end - 1] <= ' ') {
            end--;
        }
        return end;
    }
}
