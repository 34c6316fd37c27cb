package dev.parley.engine.subscription;

import dev.parley.engine.codec.BinaryWriter;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a subscription was asked to be (Durable Streams 6.2).
 *
 * @param target whom it wakes
 * @param pattern streams it follows as they come, see {@link Glob}; or null
 * @param streams streams it follows by name; sorted, each once
 * @param leaseMillis how long a worker may be silent
 * @param description for people, or null
 */
public record SubscriptionConfig(
        Target target,
        @Nullable String pattern,
        List<String> streams,
        long leaseMillis,
        @Nullable String description) {

    /** Normalises the streams. */
    public SubscriptionConfig {
        streams = List.copyOf(new TreeSet<>(streams));
    }

    /** Whom a subscription wakes. */
    public sealed interface Target {}

    /** A URL that is called. */
    public record Webhook(String url) implements Target {}

    /** A stream that wake events are appended to, for workers who come and claim. */
    public record PullWake(String wakeStream) implements Target {}

    /** True if the pattern covers {@code path}. Its own wake stream never counts: each wake would cause the next. */
    public boolean matches(String path) {
        return pattern != null
                && Glob.matches(pattern, path)
                && !(target instanceof PullWake pull && pull.wakeStream().equals(path));
    }

    /** The same for the same configuration, and for no other. */
    public String hash() {
        BinaryWriter canonical = new BinaryWriter(256);
        SubscriptionRows.config(canonical, this);
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(canonical.toBytes()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** What is stored of it, in characters. */
    int chars() {
        int named = switch (target) {
            case Webhook hook -> hook.url().length();
            case PullWake pull -> pull.wakeStream().length();
        };
        return named + (pattern == null ? 0 : pattern.length()) + (description == null ? 0 : description.length());
    }

    /** For the record: the streams live on as links, and may be many. */
    SubscriptionConfig withoutStreams() {
        return new SubscriptionConfig(target, pattern, List.of(), leaseMillis, description);
    }
}
