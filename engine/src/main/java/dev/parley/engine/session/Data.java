package dev.parley.engine.session;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The data of a message, which the engine does not look into.
 *
 * @param bytes the bytes, or a text in UTF-8; not to be changed afterwards
 * @param text whether it is a text
 */
public record Data(byte[] bytes, boolean text) {
    /** A text. */
    public static Data of(String text) {
        return new Data(text.getBytes(StandardCharsets.UTF_8), true);
    }

    /** Bytes. */
    public static Data of(byte[] bytes) {
        return new Data(bytes, false);
    }

    /** The text. */
    public String asText() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Data that && text == that.text && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return text ? asText() : bytes.length + " bytes";
    }
}
