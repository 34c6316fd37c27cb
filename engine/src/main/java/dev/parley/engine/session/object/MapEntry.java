package dev.parley.engine.session.object;

import dev.parley.engine.session.ObjectValue;
import org.jspecify.annotations.Nullable;

/**
 * What a map has under a key.
 *
 * @param position when it was set or removed
 * @param value null if it was removed: kept for a while, so that clients who come back hear of it
 */
public record MapEntry(long position, @Nullable ObjectValue value) {
    /** Roughly what it takes in the store, in bytes. */
    public int size(String key) {
        return 64 + key.length() + (value == null ? 0 : value.size());
    }
}
