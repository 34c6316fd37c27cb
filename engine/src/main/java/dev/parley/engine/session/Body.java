package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * The content of a message or a presence event. Absent fields are null.
 *
 * @param name the name of the message
 * @param data the data
 * @param encoding how {@code data} is to be decoded, without elements that only one wire format needs
 * @param extras a JSON object as text
 */
public record Body(
        @Nullable String name,
        @Nullable Data data,
        @Nullable String encoding,
        @Nullable String extras) {
    /** A content without any fields. */
    public static final Body EMPTY = new Body(null, null, null, null);

    /** The size in bytes, roughly. Limits and retention use it. */
    public int size() {
        return length(name) + (data == null ? 0 : data.bytes().length) + length(encoding) + length(extras);
    }

    /**
     * This content with the fields that {@code change} has. The encoding belongs to the data, so both are replaced
     * together.
     */
    public Body mixedWith(Body change) {
        return new Body(
                change.name == null ? name : change.name,
                change.data == null ? data : change.data,
                change.data == null ? encoding : change.encoding,
                change.extras == null ? extras : change.extras);
    }

    /** The same content with another name. */
    public Body named(@Nullable String other) {
        return new Body(other, data, encoding, extras);
    }

    private static int length(@Nullable String text) {
        return text == null ? 0 : text.length();
    }
}
