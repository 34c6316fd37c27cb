package dev.parley.engine.store;

import java.util.Iterator;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Recently changed states, in memory. The store has all states. Thread-safe.
 *
 * @param <K> identifies a state
 * @param <V> a state
 */
public final class StateCache<K, V> {
    private final int maxCached;
    private final ConcurrentHashMap<K, V> cached = new ConcurrentHashMap<>();

    /**
     * An empty cache.
     *
     * @param maxCached the greatest number of states
     */
    public StateCache(int maxCached) {
        this.maxCached = maxCached;
    }

    /** The state, or null if it is not in the cache. */
    public @Nullable V get(K key) {
        return cached.get(key);
    }

    /** Adds or replaces a state. */
    public void put(K key, V state) {
        cached.put(key, state);
        if (cached.size() > maxCached) {
            evict();
        }
    }

    /** Removes a state. */
    public void remove(K key) {
        cached.remove(key);
    }

    /**
     * Removes some states, any of them, because the store has them. Many are removed at once, so that most calls of put
     * need not do this.
     */
    private void evict() {
        Iterator<K> keys = cached.keySet().iterator();
        for (int i = maxCached / 16 + 1; i > 0 && keys.hasNext(); i--) {
            keys.next();
            keys.remove();
        }
    }
}
