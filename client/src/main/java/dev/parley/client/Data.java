package dev.parley.client;

import java.util.Arrays;
import tools.jackson.databind.JsonNode;

/** What a message, a member or an annotation carries. */
public sealed interface Data {
    /** Text. */
    record Text(String text) implements Data {}

    /** Bytes; the array is not copied. */
    record Bytes(byte[] bytes) implements Data {
        @Override
        public boolean equals(Object other) {
            return other instanceof Bytes that && Arrays.equals(bytes, that.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public String toString() {
            return bytes.length + " bytes";
        }
    }

    /** A JSON value. Data of this kind cannot be appended to. */
    record Json(JsonNode value) implements Data {}

    /** Data that is text. */
    static Data of(String text) {
        return new Text(text);
    }

    /** Data that is bytes; the array is not copied. */
    static Data of(byte[] bytes) {
        return new Bytes(bytes);
    }

    /** Data that is a JSON value. */
    static Data of(JsonNode value) {
        return new Json(value);
    }
}
