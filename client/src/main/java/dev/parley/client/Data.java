package dev.parley.client;

import java.util.Arrays;
import tools.jackson.databind.JsonNode;

/** What a message, a member or an annotation carries. */
public sealed interface Data {
    /**
     * Text.
     *
     * @param text the text
     */
    record Text(String text) implements Data {}

    /**
     * Bytes.
     *
     * @param bytes the bytes; the array is not copied
     */
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

    /**
     * A JSON value. Data of this kind cannot be appended to.
     *
     * @param value the value
     */
    record Json(JsonNode value) implements Data {}

    /**
     * {@return data that is text}
     *
     * @param text the text
     */
    static Data of(String text) {
        return new Text(text);
    }

    /**
     * {@return data that is bytes}
     *
     * @param bytes the bytes; the array is not copied
     */
    static Data of(byte[] bytes) {
        return new Bytes(bytes);
    }

    /**
     * {@return data that is a JSON value}
     *
     * @param value the value
     */
    static Data of(JsonNode value) {
        return new Json(value);
    }
}
