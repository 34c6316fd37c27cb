package dev.parley.engine.subscription;

import dev.parley.engine.memory.Owner;
import dev.parley.engine.memory.OwnerShares;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.subscription.SubscriptionCommand.AddStreams;
import dev.parley.engine.subscription.SubscriptionCommand.Create;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All subscriptions as readers may see them: durable and applied. Thread-safe.
 *
 * <p>All of them are in memory, with their links, and their memory is counted for their owners, who leave room to others.
 * Subscriptions belong to several shards, so no state machine can know whether there is room for one more link. A submitter
 * of a command that makes links therefore reserves the memory before. What is there is always counted, even if it is more
 * than there is room for: the log and the store say who owns it, so a restart changes nothing about it.
 */
public final class Subscriptions {
    private final Purse memory;
    private final OwnerShares shares = new OwnerShares();
    private final ConcurrentHashMap<String, Subscription> byId = new ConcurrentHashMap<>();

    /**
     * The subscriptions by the first segment of their pattern, so that a path need not be compared with all of them.
     */
    private final ConcurrentHashMap<String, Map<String, Subscription>> byPattern = new ConcurrentHashMap<>();

    private final ConcurrentHashMap<String, Set<String>> idsByPath = new ConcurrentHashMap<>();
    private volatile Watcher watcher = Watcher.NOBODY;

    /** Is told of changes, on an engine thread. It must hand its work over to another thread and return. */
    public interface Watcher {
        /** A watcher that does nothing. */
        Watcher NOBODY = new Watcher() {
            @Override
            public void streamsChanged(Collection<String> paths) {}

            @Override
            public void subscriptionsChanged(Collection<String> ids) {}
        };

        /**
         * Streams at these paths have changed, or were created or deleted. Not called as long as there is no
         * subscription.
         */
        void streamsChanged(Collection<String> paths);

        /** These subscriptions have changed, or were created or deleted. */
        void subscriptionsChanged(Collection<String> ids);
    }

    /**
     * Loads the subscriptions from {@code store}.
     *
     * @param memory the memory in which subscriptions and links are counted, even if there are more than it has room
     *     for
     */
    public Subscriptions(Store store, Purse memory) {
        this.memory = memory;
        try (Rows states =
                store.scan(Table.SUBSCRIPTIONS, SubscriptionRows.firstStateKey(), SubscriptionRows.lastStateKey())) {
            for (Row row = states.next(); row != null; row = states.next()) {
                show(SubscriptionRows.state(row.value()));
            }
        }
        byId.values().forEach(subscription -> {
            long incarnation = subscription.state().incarnation();
            try (Rows links = store.scan(
                    Table.SUBSCRIPTIONS,
                    SubscriptionRows.firstLinkKey(incarnation),
                    SubscriptionRows.firstLinkKey(incarnation + 1))) {
                for (Row row = links.next(); row != null; row = links.next()) {
                    show(subscription.state(), SubscriptionRows.link(row.key(), row.value()));
                }
            }
        });
    }

    /** The memory in which subscriptions and links are counted. */
    public Purse memory() {
        return memory;
    }

    /** Where the memory is counted of what {@code owner} has. */
    private Room room(@Nullable Owner owner) {
        return owner == null ? memory : shares.of(memory, owner);
    }

    /**
     * Reserves memory for the subscription that {@code command} creates if it does not exist. Returns null if there is
     * no room. The reservation has to be given back when the command has its outcome, because its result is counted by
     * then.
     */
    public @Nullable Reservation reserve(Create command) {
        if (byId.containsKey(command.id())) {
            return memory.reserve(0);
        }
        long bytes = SubscriptionState.of(command, 0).bytes();
        for (StreamTail tail : command.tails()) {
            bytes += Link.bytes(tail.path());
        }
        return room(command.owner()).reserve(bytes);
    }

    /**
     * Reserves memory for links to streams that are not linked yet, which the owner of the subscription will have. Returns
     * null if there is no room.
     */
    public @Nullable Reservation reserve(AddStreams command) {
        Subscription known = byId.get(command.id());
        if (known == null) {
            return memory.reserve(0);
        }
        long bytes = 0;
        for (StreamTail tail : command.tails()) {
            if (known.link(tail.path()) == null) {
                bytes += Link.bytes(tail.path());
            }
        }
        return known.room().reserve(bytes);
    }

    /** Whose share has the least room for what {@code owner} makes: that of the owner or of its app. Null if all have less. */
    public @Nullable Owner narrowest(@Nullable Owner owner) {
        Owner narrowest = null;
        if (owner != null) {
            long least = memory.capacity() - memory.held();
            for (Owner of : List.of(owner.whole(), owner)) {
                Room share = room(of);
                if (share.capacity() - share.held() < least) {
                    least = share.capacity() - share.held();
                    narrowest = of;
                }
            }
        }
        return narrowest;
    }

    /** The subscription, or null. */
    public @Nullable Subscription find(String id) {
        return byId.get(id);
    }

    /** All subscriptions. */
    public Collection<Subscription> all() {
        return Collections.unmodifiableCollection(byId.values());
    }

    /** The number of subscriptions. */
    public int count() {
        return byId.size();
    }

    /** The number of subscriptions that {@code owner} has. */
    public int count(Owner owner) {
        int count = 0;
        for (Subscription subscription : byId.values()) {
            Owner of = subscription.state().owner();
            if (of != null && owner.includes(of)) {
                count++;
            }
        }
        return count;
    }

    /** Passes on every subscription that has a link to {@code path}, or a pattern that covers it. */
    public void following(String path, Consumer<Subscription> action) {
        Set<String> linked = idsByPath.getOrDefault(path, Set.of());
        for (String id : linked) {
            Subscription subscription = byId.get(id);
            if (subscription != null) {
                action.accept(subscription);
            }
        }
        for (String head : List.of(Glob.head(path), Glob.ONE, Glob.ANY)) {
            byPattern.getOrDefault(head, Map.of()).forEach((id, subscription) -> {
                if (!linked.contains(id) && subscription.state().config().matches(path)) {
                    action.accept(subscription);
                }
            });
        }
    }

    /** From now on, {@code newWatcher} is told of changes, and no other watcher. */
    public void watch(Watcher newWatcher) {
        watcher = newWatcher;
    }

    /** Tells the watcher about a batch that has been shown. */
    public void tell(Collection<String> changedStreams, Collection<String> changedSubscriptions) {
        if (!changedSubscriptions.isEmpty()) {
            watcher.subscriptionsChanged(changedSubscriptions);
        }
        if (!changedStreams.isEmpty() && !byId.isEmpty()) {
            watcher.streamsChanged(changedStreams);
        }
    }

    void show(SubscriptionState state) {
        Subscription known = byId.get(state.id());
        if (known != null && known.state().incarnation() == state.incarnation()) {
            known.room().adjust(state.bytes() - known.state().bytes());
            known.become(state);
            return;
        }
        retire(state.id());
        Subscription created = new Subscription(state, room(state.owner()));
        created.room().adjust(state.bytes());
        byId.put(state.id(), created);
        String pattern = state.config().pattern();
        if (pattern != null) {
            byPattern.compute(Glob.head(pattern), (head, ids) -> {
                Map<String, Subscription> more = ids == null ? new ConcurrentHashMap<>(1) : ids;
                more.put(state.id(), created);
                return more;
            });
        }
    }

    void retire(String id) {
        Subscription gone = byId.remove(id);
        if (gone != null) {
            String pattern = gone.state().config().pattern();
            if (pattern != null) {
                byPattern.computeIfPresent(Glob.head(pattern), (head, ids) -> {
                    ids.remove(id);
                    return ids.isEmpty() ? null : ids;
                });
            }
            long bytes = gone.state().bytes();
            for (Link link : gone.links()) {
                unindex(id, link.path());
                bytes += Link.bytes(link.path());
            }
            gone.room().giveBack(bytes);
        }
    }

    void show(SubscriptionState of, Link link) {
        Subscription subscription = byId.get(of.id());
        if (subscription != null && subscription.state().incarnation() == of.incarnation()) {
            if (subscription.put(link)) {
                subscription.room().adjust(Link.bytes(link.path()));
            }
            idsByPath.compute(link.path(), (path, ids) -> {
                Set<String> linked = ids == null ? ConcurrentHashMap.newKeySet(1) : ids;
                linked.add(of.id());
                return linked;
            });
        }
    }

    void retire(SubscriptionState of, String path) {
        Subscription subscription = byId.get(of.id());
        if (subscription != null && subscription.state().incarnation() == of.incarnation()) {
            if (subscription.remove(path)) {
                subscription.room().giveBack(Link.bytes(path));
            }
            unindex(of.id(), path);
        }
    }

    private void unindex(String id, String path) {
        idsByPath.computeIfPresent(path, (key, ids) -> ids.remove(id) && ids.isEmpty() ? null : ids);
    }
}
