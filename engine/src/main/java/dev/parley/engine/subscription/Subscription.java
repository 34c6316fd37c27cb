package dev.parley.engine.subscription;

import java.util.Collection;
import java.util.Collections;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * A subscription as readers may see it: durable and applied. Thread-safe; its links may be ahead of a state that was
 * taken before.
 */
public final class Subscription {
    private final ConcurrentSkipListMap<String, Link> links = new ConcurrentSkipListMap<>();
    private volatile SubscriptionState state;

    Subscription(SubscriptionState state) {
        this.state = state;
    }

    /** What it is now. */
    public SubscriptionState state() {
        return state;
    }

    /** Its links, in the order of paths. */
    public Collection<Link> links() {
        return Collections.unmodifiableCollection(links.values());
    }

    /** The link to the stream at {@code path}, or null. */
    public @Nullable Link link(String path) {
        return links.get(path);
    }

    void become(SubscriptionState newest) {
        state = newest;
    }

    /** False if there was a link to the same path. */
    boolean put(Link link) {
        return links.put(link.path(), link) == null;
    }

    /** False if there was none. */
    boolean remove(String path) {
        return links.remove(path) != null;
    }
}
