package dev.parley.engine.registry;

import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Apps and revocations as readers may see them: durable and applied. All of them are in memory, and their number is
 * bounded by {@link RegistryMachine}. Thread-safe; only the shard that applies commands of the registry changes it.
 */
public final class Registry {
    private final Store store;
    private final ConcurrentHashMap<String, RegisteredApp> apps = new ConcurrentHashMap<>();

    /**
     * The revocations by key and target, so that one look-up is enough for tokens of a key that has never revoked any.
     */
    private final ConcurrentHashMap<String, Map<String, List<Revocation>>> revocations = new ConcurrentHashMap<>();

    /** What namespaces name, by app and namespace. */
    private final ConcurrentHashMap<String, Map<String, NamespaceAgents>> agents = new ConcurrentHashMap<>();

    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private volatile int revocationCount;
    private volatile int namespaceCount;

    /**
     * Is told what has ended for clients, whichever node received the request, when it is durable and can be read.
     * Called by an engine thread: it must hand its work over to another thread and return.
     */
    public interface Listener {
        /** An app was removed. */
        default void appRemoved(String id) {}

        /** Tokens were revoked. Not called for a revocation that adds nothing to earlier ones. */
        default void tokensRevoked(Revocation revocation) {}
    }

    /** Loads apps and revocations from {@code store}. */
    public Registry(Store store) {
        this.store = store;
        forEach(RegistryRows.firstAppKey(), RegistryRows.lastAppKey(), row -> show(RegistryRows.app(row.value())));
        loadAgents();
        forEach(RegistryRows.firstRevocationKey(), RegistryRows.lastRevocationKey(), row -> {
            Revocation revocation = RegistryRows.revocation(row.key(), row.value());
            List<Revocation> known = revocations(revocation.keyName(), revocation.target());
            show(
                    new RegistryTx.Target(revocation.keyName(), revocation.target()),
                    Stream.concat(known.stream(), Stream.of(revocation)).toList());
        });
    }

    private void loadAgents() {
        forEach(RegistryRows.firstAgentsKey(), RegistryRows.lastAgentsKey(), row -> {
            NamespaceAgents named = RegistryRows.agents(row.value());
            show(new RegistryTx.Namespace(named.app(), named.namespace()), named);
        });
    }

    private void forEach(byte[] from, byte[] to, Consumer<Row> action) {
        try (Rows rows = store.scan(Table.REGISTRY, from, to)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                action.accept(row);
            }
        }
    }

    /** The app with this id, which may be removed; null if there is none. */
    public @Nullable RegisteredApp app(String id) {
        return apps.get(id);
    }

    /** All apps, including removed ones whose sessions may still exist. */
    public Collection<RegisteredApp> apps() {
        return Collections.unmodifiableCollection(apps.values());
    }

    /** The number of apps, including removed ones whose sessions may still exist. */
    public int appCount() {
        return apps.size();
    }

    /** What a namespace names for its sessions; null if it has never named any. */
    public @Nullable NamespaceAgents agents(String app, String namespace) {
        return agents(new RegistryTx.Namespace(app, namespace));
    }

    /** The namespace whose agents a session has; null if it has none of any. */
    public @Nullable NamespaceAgents agents(SessionName session) {
        return NamespaceAgents.first(
                own(session), others(session), named -> !named.agents().isEmpty());
    }

    /** The namespace whose application wants to be told of what happens in a session; null if there is none. */
    public @Nullable NamespaceAgents notify(SessionName session) {
        return NamespaceAgents.first(own(session), others(session), named -> named.told() != null);
    }

    private @Nullable NamespaceAgents own(SessionName session) {
        return agents(session.app(), NamespaceAgents.namespaceOf(session.name()));
    }

    private @Nullable NamespaceAgents others(SessionName session) {
        return agents(session.app(), NamespaceAgents.OTHERS);
    }

    /** What a session is told of what its namespace names; null if there is nothing that it has to know. */
    public @Nullable Inherited inherited(SessionName session) {
        return agents.containsKey(session.app()) ? NamespaceAgents.of(own(session), others(session)) : null;
    }

    /** Whether a key has revoked tokens. */
    public boolean hasRevocations(String keyName) {
        return revocations.containsKey(keyName);
    }

    /** The revocations of a key for one target. None of them includes another one. */
    public List<Revocation> revocations(String keyName, String target) {
        return revocations.getOrDefault(keyName, Map.of()).getOrDefault(target, List.of());
    }

    /** The number of revocations in force. */
    public int revocationCount() {
        return revocationCount;
    }

    /**
     * Whether there are revocations of tokens that were issued before {@code time}, in milliseconds since 1970. If all
     * those tokens have expired, {@link RegistryCommand.ForgetRevocations} is due. Reads the store.
     */
    public boolean hasRevocationsBefore(long time) {
        return !store.isEmpty(Table.REGISTRY, RegistryRows.firstRevocationKey(), RegistryRows.revocationKeyAt(time));
    }

    /** Tells {@code listener} of everything that happens from now on. */
    public void listen(Listener listener) {
        listeners.add(listener);
    }

    /** Tells the listeners about a batch that has been shown, each call by way of {@code each}. */
    public void tell(RegistryTx written, Consumer<Runnable> each) {
        for (Listener listener : listeners) {
            written.removed().forEach(id -> each.accept(() -> listener.appRemoved(id)));
            written.revoked().forEach(revocation -> each.accept(() -> listener.tokensRevoked(revocation)));
        }
    }

    @Nullable
    NamespaceAgents agents(RegistryTx.Namespace namespace) {
        return agents.getOrDefault(namespace.app(), Map.of()).get(namespace.id());
    }

    Collection<NamespaceAgents> agentsOf(String app) {
        return agents.getOrDefault(app, Map.of()).values();
    }

    /** The number of namespaces that have named agents. */
    public int namespaceCount() {
        return namespaceCount;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    void show(RegistryTx.Namespace namespace, @Nullable NamespaceAgents named) {
        boolean known = agents(namespace) != null;
        agents.compute(namespace.app(), (app, all) -> {
            Map<String, NamespaceAgents> after = all == null ? new ConcurrentHashMap<>(1) : all;
            if (named == null) {
                after.remove(namespace.id());
            } else {
                after.put(namespace.id(), named);
            }
            return after.isEmpty() ? null : after;
        });
        namespaceCount += (named == null ? 0 : 1) - (known ? 1 : 0);
    }

    void show(RegisteredApp app) {
        apps.put(app.id(), app);
    }

    void retire(String id) {
        apps.remove(id);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    void show(RegistryTx.Target of, List<Revocation> after) {
        int before = revocations(of.keyName(), of.target()).size();
        revocations.compute(of.keyName(), (name, known) -> {
            Map<String, List<Revocation>> byTarget = known == null ? new ConcurrentHashMap<>(1) : known;
            if (after.isEmpty()) {
                byTarget.remove(of.target());
            } else {
                byTarget.put(of.target(), after);
            }
            return byTarget.isEmpty() ? null : byTarget;
        });
        revocationCount += after.size() - before;
    }
}
