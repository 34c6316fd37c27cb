package dev.parley.engine.subscription;

import dev.parley.engine.memory.Room;
import java.util.Collection;
import java.util.Collections;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * A subscription as readers may see it: durable and applied. Thread-safe. Its links may be newer than a state that was
 * read before.
 */
public final class Subscription {
    private final ConcurrentSkipListMap<String, Link> links = new ConcurrentSkipListMap<>();
    private final Room room;
    private volatile SubscriptionState state;

    Subscription(SubscriptionState state, Room room) {
        this.state = state;
        this.room = room;
    }

    /** Where the memory of the subscription and its links is counted: the share of its owner. */
    public Room room() {
        return room;
    }

    /** The present state. */
    public SubscriptionState state() {
        return state;
    }

    /** The links, in the order of their paths. */
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

    /** Adds or replaces a link. Returns false if there was a link to the same path. */
    boolean put(Link link) {
        return links.put(link.path(), link) == null;
    }

    /** Removes a link. Returns false if there was none. */
    boolean remove(String path) {
        return links.remove(path) != null;
    }
}
