package dev.parley.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a stream is created.
 *
 * @param contentType the type of its data. With {@code application/json}, every append holds one message, or an array of them
 * @param lifetime after what time without reads and writes it is deleted, in whole seconds; null for never
 */
public record StreamOptions(String contentType, @Nullable Duration lifetime) {
    /** A stream of JSON messages. */
    public static final StreamOptions JSON = new StreamOptions("application/json", null);

    /** A stream of bytes. */
    public static final StreamOptions BYTES = new StreamOptions("application/octet-stream", null);

    /** A stream of text. */
    public static final StreamOptions TEXT = new StreamOptions("text/plain; charset=utf-8", null);

    /**
     * {@return the same, deleted after this time without reads and writes}
     *
     * @param newLifetime in whole seconds; null for never
     */
    public StreamOptions withLifetime(@Nullable Duration newLifetime) {
        return new StreamOptions(contentType, newLifetime);
    }
}
