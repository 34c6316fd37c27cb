package dev.parley.engine.subscription;

import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Reservation;
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
 * <p>All of them are in memory, with their links, and counted there. Subscriptions belong to several shards, so no state
 * machine can tell whether there is room for one more link: whoever submits a command that makes some reserves it before.
 */
public final class Subscriptions {
    private final Purse memory;
    private final ConcurrentHashMap<String, Subscription> byId = new ConcurrentHashMap<>();

    /** By the first segment of the pattern, so that a path is not held against all of them. */
    private final ConcurrentHashMap<String, Map<String, Subscription>> byPattern = new ConcurrentHashMap<>();

    private final ConcurrentHashMap<String, Set<String>> idsByPath = new ConcurrentHashMap<>();
    private volatile Watcher watcher = Watcher.NOBODY;

    /** Hears of changes, on an engine thread: pass the word on and return. */
    public interface Watcher {
        /** Whom nothing interests. */
        Watcher NOBODY = new Watcher() {
            @Override
            public void streamsChanged(Collection<String> paths) {}

            @Override
            public void subscriptionsChanged(Collection<String> ids) {}
        };

        /** Streams at these paths have changed, come or gone. Not told as long as there is no subscription. */
        void streamsChanged(Collection<String> paths);

        /** These subscriptions have changed, come or gone. */
        void subscriptionsChanged(Collection<String> ids);
    }

    /**
     * Loads what {@code store} has.
     *
     * @param memory what subscriptions and links are counted in, however many have been stored
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

    /** What subscriptions and links are counted in. */
    public Purse memory() {
        return memory;
    }

    /**
     * Reserves memory for the subscription that {@code command} makes if there is none yet, or returns null if there is
     * no room. To be given back when the command is over: what has come of it is counted by then.
     */
    public @Nullable Reservation reserve(Create command) {
        if (byId.containsKey(command.id())) {
            return memory.reserve(0);
        }
        long bytes = SubscriptionState.of(command, 0).bytes();
        for (StreamTail tail : command.tails()) {
            bytes += Link.bytes(tail.path());
        }
        return memory.reserve(bytes);
    }

    /** The same for links to streams that are not linked yet. */
    public @Nullable Reservation reserve(AddStreams command) {
        Subscription known = byId.get(command.id());
        long bytes = 0;
        for (StreamTail tail : command.tails()) {
            if (known != null && known.link(tail.path()) == null) {
                bytes += Link.bytes(tail.path());
            }
        }
        return memory.reserve(bytes);
    }

    /** The subscription, or null. */
    public @Nullable Subscription find(String id) {
        return byId.get(id);
    }

    /** All of them. */
    public Collection<Subscription> all() {
        return Collections.unmodifiableCollection(byId.values());
    }

    /** How many there are. */
    public int count() {
        return byId.size();
    }

    /** Hands on every subscription that has a link to {@code path}, or a pattern that covers it. */
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

    /** From now on {@code newWatcher} hears of changes, and nobody else. */
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
            memory.adjust(state.bytes() - known.state().bytes());
            known.become(state);
            return;
        }
        retire(state.id());
        memory.adjust(state.bytes());
        Subscription created = new Subscription(state);
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
            memory.giveBack(bytes);
        }
    }

    void show(SubscriptionState of, Link link) {
        Subscription subscription = byId.get(of.id());
        if (subscription != null && subscription.state().incarnation() == of.incarnation()) {
            if (subscription.put(link)) {
                memory.adjust(Link.bytes(link.path()));
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
                memory.giveBack(Link.bytes(path));
            }
            unindex(of.id(), path);
        }
    }

    private void unindex(String id, String path) {
        idsByPath.computeIfPresent(path, (key, ids) -> ids.remove(id) && ids.isEmpty() ? null : ids);
    }
}
