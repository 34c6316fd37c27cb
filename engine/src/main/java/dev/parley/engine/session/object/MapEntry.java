package dev.parley.engine.session.object;

import dev.parley.engine.session.ObjectValue;
import org.jspecify.annotations.Nullable;

/**
 * The entry of a map for a key.
 *
 * @param position when the key was set or removed
 * @param value null if the key was removed: the entry is kept for a while, so that clients that come back learn of it
 */
public record MapEntry(long position, @Nullable ObjectValue value) {
    /** The size in the store in bytes, roughly. */
    public int size(String key) {
        return 64 + key.length() + (value == null ? 0 : value.size());
    }
}
