package dev.parley.engine.store;

import java.util.Iterator;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * States that were changed recently, beside the store, which has all of them. Thread-safe.
 *
 * @param <K> what they are states of
 * @param <V> the states
 */
public final class StateCache<K, V> {
    private final int maxCached;
    private final ConcurrentHashMap<K, V> cached = new ConcurrentHashMap<>();

    /**
     * An empty cache.
     *
     * @param maxCached how many states it keeps at most
     */
    public StateCache(int maxCached) {
        this.maxCached = maxCached;
    }

    /** The state, or null if it is not here. */
    public @Nullable V get(K key) {
        return cached.get(key);
    }

    /** Keeps a state. */
    public void put(K key, V state) {
        cached.put(key, state);
        if (cached.size() > maxCached) {
            evict();
        }
    }

    /** Forgets a state. */
    public void remove(K key) {
        cached.remove(key);
    }

    /** Removes some states, whichever: the store has them. Removing many at once keeps this work off most calls of put. */
    private void evict() {
        Iterator<K> keys = cached.keySet().iterator();
        for (int i = maxCached / 16 + 1; i > 0 && keys.hasNext(); i--) {
            keys.next();
            keys.remove();
        }
    }
}
