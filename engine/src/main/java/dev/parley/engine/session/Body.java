package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * What a client says in a message or a presence event; null is absent.
 *
 * @param name the message's name
 * @param data the content
 * @param encoding how {@code data} is to be decoded, without any element that only one wire format needs
 * @param extras a JSON object as text
 */
public record Body(
        @Nullable String name,
        @Nullable Data data,
        @Nullable String encoding,
        @Nullable String extras) {
    /** Nothing at all. */
    public static final Body EMPTY = new Body(null, null, null, null);

    /** Roughly its size in bytes, by which limits and retention count. */
    public int size() {
        return length(name) + (data == null ? 0 : data.bytes().length) + length(encoding) + length(extras);
    }

    /** This content with the fields that {@code change} has. The encoding says how the data is to be read, so it goes with it. */
    public Body mixedWith(Body change) {
        return new Body(
                change.name == null ? name : change.name,
                change.data == null ? data : change.data,
                change.data == null ? encoding : change.encoding,
                change.extras == null ? extras : change.extras);
    }

    /** This content with another name. */
    public Body named(@Nullable String other) {
        return new Body(other, data, encoding, extras);
    }

    private static int length(@Nullable String text) {
        return text == null ? 0 : text.length();
    }
}
