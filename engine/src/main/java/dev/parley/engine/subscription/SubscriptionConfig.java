package dev.parley.engine.subscription;

import dev.parley.engine.codec.BinaryWriter;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of a subscription (Durable Streams 6.2).
 *
 * @param target the target of wakes
 * @param pattern covers the streams that are followed when they are created, see {@link Glob}; or null
 * @param streams the streams that are followed by name; sorted, without duplicates
 * @param leaseMillis how long a worker may send nothing
 * @param description a text for people, or null
 */
public record SubscriptionConfig(
        Target target,
        @Nullable String pattern,
        List<String> streams,
        long leaseMillis,
        @Nullable String description) {

    /** Sorts the streams, and removes duplicates. */
    public SubscriptionConfig {
        streams = List.copyOf(new TreeSet<>(streams));
    }

    /** The target of wakes. */
    public sealed interface Target {}

    /** A URL that is called. */
    public record Webhook(String url) implements Target {}

    /** A stream to which wake events are appended, for workers that claim wakes. */
    public record PullWake(String wakeStream) implements Target {}

    /**
     * Whether the pattern covers {@code path}. The subscription's own wake stream never counts, because each wake would
     * cause the next one.
     */
    public boolean matches(String path) {
        return pattern != null
                && Glob.matches(pattern, path)
                && !(target instanceof PullWake pull && pull.wakeStream().equals(path));
    }

    /** A hash that is the same for the same configuration, and for no other. */
    public String hash() {
        BinaryWriter canonical = new BinaryWriter(256);
        SubscriptionValues.config(canonical, this);
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(canonical.toBytes()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The number of characters that are stored. */
    int chars() {
        int named = switch (target) {
            case Webhook hook -> hook.url().length();
            case PullWake pull -> pull.wakeStream().length();
        };
        return named + (pattern == null ? 0 : pattern.length()) + (description == null ? 0 : description.length());
    }

    /** The configuration in the form that is stored. The streams are stored as links, because there may be many. */
    SubscriptionConfig withoutStreams() {
        return new SubscriptionConfig(target, pattern, List.of(), leaseMillis, description);
    }
}
