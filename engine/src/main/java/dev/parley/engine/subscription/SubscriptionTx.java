package dev.parley.engine.subscription;

import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The subscriptions as a batch of commands sees and changes them. Nobody else sees the changes before {@link #show()},
 * which follows the write of the batch. Not thread-safe.
 */
public final class SubscriptionTx {
    private final Subscriptions subscriptions;
    private final StoreTx rows;
    private final Map<String, Optional<SubscriptionState>> changed = new LinkedHashMap<>();

    /** By incarnation and path, for subscriptions that exist. */
    private final Map<Long, Map<String, Optional<Link>>> changedLinks = new HashMap<>();

    /** Starts with what {@code subscriptions} shows, and writes to {@code rows}. */
    public SubscriptionTx(Subscriptions subscriptions, StoreTx rows) {
        this.subscriptions = subscriptions;
        this.rows = rows;
    }

    /** The ids of the subscriptions that have changed. */
    public Collection<String> changed() {
        return changed.keySet();
    }

    /** Adds the new states of subscriptions to the batch, which already has their links. */
    public void write() {
        changed.forEach((id, state) -> state.ifPresentOrElse(
                put -> rows.append(Table.SUBSCRIPTIONS, SubscriptionRows.stateKey(id), SubscriptionRows.state(put)),
                () -> rows.remove(Table.SUBSCRIPTIONS, SubscriptionRows.stateKey(id))));
    }

    /** Makes the changes visible to readers. The batch must have been written. */
    public void show() {
        changed.forEach((id, state) -> state.ifPresentOrElse(subscriptions::show, () -> subscriptions.retire(id)));
        changed.values()
                .forEach(change -> change.ifPresent(state -> changedLinks
                        .getOrDefault(state.incarnation(), Map.of())
                        .forEach((path, link) -> link.ifPresentOrElse(
                                put -> subscriptions.show(state, put), () -> subscriptions.retire(state, path)))));
    }

    @Nullable
    SubscriptionState find(String id) {
        Optional<SubscriptionState> state = changed.get(id);
        if (state != null) {
            return state.orElse(null);
        }
        Subscription known = subscriptions.find(id);
        return known == null ? null : known.state();
    }

    SubscriptionState put(SubscriptionState state) {
        changed.put(state.id(), Optional.of(state));
        return state;
    }

    void remove(SubscriptionState state) {
        changed.put(state.id(), Optional.empty());
        changedLinks.remove(state.incarnation());
        rows.removeRange(
                Table.SUBSCRIPTIONS,
                SubscriptionRows.firstLinkKey(state.incarnation()),
                SubscriptionRows.firstLinkKey(state.incarnation() + 1));
    }

    @Nullable
    Link link(SubscriptionState of, String path) {
        Optional<Link> link =
                changedLinks.getOrDefault(of.incarnation(), Map.of()).get(path);
        if (link != null) {
            return link.orElse(null);
        }
        Subscription known = subscriptions.find(of.id());
        return known == null || known.state().incarnation() != of.incarnation() ? null : known.link(path);
    }

    /** Sets a link, and returns the state with the new number of links. */
    SubscriptionState putLink(SubscriptionState of, Link link) {
        boolean isNew = link(of, link.path()) == null;
        changeLink(of, link.path(), Optional.of(link));
        rows.append(
                Table.SUBSCRIPTIONS,
                SubscriptionRows.linkKey(of.incarnation(), link.path()),
                SubscriptionRows.link(link));
        return put(isNew ? of.withLinks(of.links() + 1) : of);
    }

    /** Removes a link that exists, and returns the state with the new number of links. */
    SubscriptionState removeLink(SubscriptionState of, String path) {
        changeLink(of, path, Optional.empty());
        rows.remove(Table.SUBSCRIPTIONS, SubscriptionRows.linkKey(of.incarnation(), path));
        return put(of.withLinks(of.links() - 1));
    }

    private void changeLink(SubscriptionState of, String path, Optional<Link> link) {
        changedLinks.computeIfAbsent(of.incarnation(), key -> new HashMap<>()).put(path, link);
    }
}
