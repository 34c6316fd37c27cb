package dev.parley.engine.registry;

import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The registry as a batch of commands sees and changes it. Nobody else sees the changes before {@link #show()}, which
 * follows the write of the batch. Not thread-safe.
 */
public final class RegistryTx {
    private final Registry registry;
    private final StoreTx rows;
    private final Map<String, Optional<RegisteredApp>> apps = new LinkedHashMap<>();
    private final Map<Target, List<Revocation>> revocations = new LinkedHashMap<>();
    private final List<String> removed = new ArrayList<>();
    private final List<Revocation> revoked = new ArrayList<>();
    private final Map<Namespace, Optional<NamespaceAgents>> agents = new LinkedHashMap<>();
    private int moreNamespaces;
    private int moreApps;
    private int moreRevocations;

    /** The common part of revocations of which one may include another. */
    record Target(String keyName, String target) {}

    /** A namespace of an app. */
    record Namespace(String app, String id) {}

    /** Starts with what {@code registry} shows, and writes to {@code rows}. */
    public RegistryTx(Registry registry, StoreTx rows) {
        this.registry = registry;
        this.rows = rows;
    }

    /** The ids of the apps that the batch has removed. */
    List<String> removed() {
        return removed;
    }

    /** The revocations that the batch has put into force. */
    List<Revocation> revoked() {
        return revoked;
    }

    /** Makes the changes visible to readers. The batch must have been written. */
    public void show() {
        apps.forEach((id, app) -> app.ifPresentOrElse(registry::show, () -> registry.retire(id)));
        revocations.forEach(registry::show);
        agents.forEach((namespace, named) -> registry.show(namespace, named.orElse(null)));
    }

    @Nullable
    NamespaceAgents agents(String app, String namespace) {
        var of = new Namespace(app, namespace);
        Optional<NamespaceAgents> changed = agents.get(of);
        return changed == null ? registry.agents(of) : changed.orElse(null);
    }

    int namespaceCount() {
        return registry.namespaceCount() + moreNamespaces;
    }

    /** The newest revision of what namespaces of an app name. */
    long revision(String app) {
        return Stream.concat(
                        registry.agentsOf(app).stream(),
                        agents.values().stream().flatMap(Optional::stream))
                .filter(named -> named.app().equals(app))
                .mapToLong(NamespaceAgents::revision)
                .max()
                .orElse(0);
    }

    void put(NamespaceAgents named) {
        if (agents(named.app(), named.namespace()) == null) {
            moreNamespaces++;
        }
        agents.put(new Namespace(named.app(), named.namespace()), Optional.of(named));
        rows.put(Table.REGISTRY, RegistryRows.agentsKey(named), RegistryRows.agents(named));
    }

    /** Nobody uses the agents of an app any more, whose sessions are to be removed. */
    private void dropAgents(String app) {
        List<NamespaceAgents> all = new ArrayList<>();
        registry.agentsOf(app).forEach(known -> {
            NamespaceAgents now = agents(app, known.namespace());
            if (now != null) {
                all.add(now);
            }
        });
        agents.forEach((namespace, named) ->
                named.filter(now -> now.app().equals(app) && !all.contains(now)).ifPresent(all::add));
        for (NamespaceAgents named : all) {
            moreNamespaces--;
            agents.put(new Namespace(named.app(), named.namespace()), Optional.empty());
            rows.remove(Table.REGISTRY, RegistryRows.agentsKey(named));
        }
    }

    @Nullable
    RegisteredApp app(String id) {
        Optional<RegisteredApp> changed = apps.get(id);
        return changed == null ? registry.app(id) : changed.orElse(null);
    }

    int appCount() {
        return registry.appCount() + moreApps;
    }

    void put(RegisteredApp app) {
        moreApps++;
        write(app);
    }

    void remove(RegisteredApp app) {
        write(app.gone());
        dropAgents(app.id());
        removed.add(app.id());
    }

    private void write(RegisteredApp app) {
        apps.put(app.id(), Optional.of(app));
        rows.append(Table.REGISTRY, RegistryRows.appKey(app.id()), RegistryRows.app(app));
    }

    void forget(RegisteredApp app) {
        moreApps--;
        apps.put(app.id(), Optional.empty());
        rows.remove(Table.REGISTRY, RegistryRows.appKey(app.id()));
    }

    List<Revocation> revocations(String keyName, String target) {
        List<Revocation> changed = revocations.get(new Target(keyName, target));
        return changed == null ? registry.revocations(keyName, target) : changed;
    }

    int revocationCount() {
        return registry.revocationCount() + moreRevocations;
    }

    /** The oldest revocations of tokens that were issued before a time. */
    List<Revocation> revocationsBefore(long issuedBefore, int limit) {
        List<Revocation> found = new ArrayList<>();
        for (Row row : rows.list(
                Table.REGISTRY, RegistryRows.firstRevocationKey(), RegistryRows.revocationKeyAt(issuedBefore), limit)) {
            found.add(RegistryRows.revocation(row.key(), row.value()));
        }
        return found;
    }

    void put(Revocation revocation) {
        List<Revocation> after = new ArrayList<>(revocations(revocation.keyName(), revocation.target()));
        after.add(revocation);
        change(revocation, after);
        moreRevocations++;
        revoked.add(revocation);
        rows.put(Table.REGISTRY, RegistryRows.revocationKey(revocation), RegistryRows.revocation(revocation));
    }

    void drop(Revocation revocation) {
        List<Revocation> after = new ArrayList<>(revocations(revocation.keyName(), revocation.target()));
        after.remove(revocation);
        change(revocation, after);
        moreRevocations--;
        rows.remove(Table.REGISTRY, RegistryRows.revocationKey(revocation));
    }

    private void change(Revocation of, List<Revocation> after) {
        revocations.put(new Target(of.keyName(), of.target()), List.copyOf(after));
    }
}
