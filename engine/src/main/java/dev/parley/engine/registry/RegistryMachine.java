package dev.parley.engine.registry;

import dev.parley.engine.registry.RegistryCommand.AddApp;
import dev.parley.engine.registry.RegistryCommand.ForgetApp;
import dev.parley.engine.registry.RegistryCommand.ForgetRevocations;
import dev.parley.engine.registry.RegistryCommand.NameAgents;
import dev.parley.engine.registry.RegistryCommand.RemoveApp;
import dev.parley.engine.registry.RegistryCommand.RevokeTokens;
import dev.parley.engine.registry.RegistryCommand.SetNotify;
import dev.parley.engine.registry.RegistryOutcome.AgentsTooLarge;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.Forgotten;
import dev.parley.engine.registry.RegistryOutcome.IdTaken;
import dev.parley.engine.registry.RegistryOutcome.NoSuchApp;
import dev.parley.engine.registry.RegistryOutcome.TooManyAgents;
import dev.parley.engine.registry.RegistryOutcome.TooManyApps;
import dev.parley.engine.registry.RegistryOutcome.TooManyNamespaces;
import dev.parley.engine.registry.RegistryOutcome.TooManyRevocations;
import dev.parley.engine.session.Agent;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The rules for commands of the registry. Pure: the same commands in the same order give the same result. */
public final class RegistryMachine {
    /** The greatest number of apps, including removed ones whose sessions may still exist. */
    public static final int MAX_APPS = 1_000;

    /** The greatest number of revocations in force. */
    public static final int MAX_REVOCATIONS = 10_000;

    /** The number of revocations that one command removes, the oldest first. */
    public static final int MAX_FORGOTTEN = 1_000;

    /** The greatest number of agents of one namespace. */
    public static final int MAX_AGENTS = 16;

    /** The greatest size of the agents of one namespace in bytes, roughly, as all of them are in memory. */
    public static final int MAX_AGENT_BYTES = 64 << 10;

    /** The greatest number of namespaces of all apps that have named agents, or where they want to be told of something. */
    public static final int MAX_NAMESPACES = 1_000;

    private RegistryMachine() {}

    /** Applies {@code command}, and returns its outcome. */
    public static RegistryOutcome apply(RegistryCommand<?> command, RegistryTx tx) {
        return switch (command) {
            case AddApp c -> add(c.app(), tx);
            case RemoveApp c -> remove(c.id(), tx);
            case ForgetApp c -> forget(c.id(), tx);
            case RevokeTokens c -> revoke(c.revocation(), tx);
            case NameAgents c -> name(c, tx);
            case SetNotify c -> notify(c, tx);
            case ForgetRevocations c -> {
                List<Revocation> due = tx.revocationsBefore(c.issuedBefore(), MAX_FORGOTTEN);
                due.forEach(tx::drop);
                yield new Forgotten(due.size());
            }
        };
    }

    private static RegistryOutcome add(RegisteredApp app, RegistryTx tx) {
        if (tx.app(app.id()) != null) {
            return new IdTaken();
        }
        if (tx.appCount() >= MAX_APPS) {
            return new TooManyApps(MAX_APPS);
        }
        tx.put(app);
        return new Done();
    }

    private static RegistryOutcome remove(String id, RegistryTx tx) {
        RegisteredApp app = tx.app(id);
        if (app == null || app.removed()) {
            return new NoSuchApp();
        }
        tx.remove(app);
        return new Done();
    }

    private static RegistryOutcome forget(String id, RegistryTx tx) {
        RegisteredApp app = tx.app(id);
        if (app == null || !app.removed()) {
            return new NoSuchApp();
        }
        tx.forget(app);
        return new Done();
    }

    private static RegistryOutcome name(NameAgents c, RegistryTx tx) {
        RegisteredApp app = tx.app(c.app());
        if (app != null && app.removed()) {
            return new NoSuchApp();
        }
        NamespaceAgents known = tx.agents(c.app(), c.namespace());
        var agents = new TreeMap<String, Agent>();
        if (known != null) {
            known.agents().forEach(agent -> agents.put(agent.id(), agent));
        }
        agents.keySet().removeAll(c.removed());
        c.agents().forEach(agent -> agents.put(agent.id(), agent));
        if (agents.size() > MAX_AGENTS) {
            return new TooManyAgents(MAX_AGENTS);
        }
        if (Agent.sizeOf(agents.values()) > MAX_AGENT_BYTES) {
            return new AgentsTooLarge(MAX_AGENT_BYTES);
        }
        List<Agent> named = List.copyOf(agents.values());
        if (named.equals(known == null ? List.of() : known.agents())) {
            return new Done();
        }
        if (known == null && tx.namespaceCount() >= MAX_NAMESPACES) {
            return new TooManyNamespaces(MAX_NAMESPACES);
        }
        tx.put(known(c.app(), c.namespace(), known).with(tx.revision(c.app()) + 1, named));
        return new Done();
    }

    private static NamespaceAgents known(String app, String namespace, @Nullable NamespaceAgents known) {
        return known == null ? new NamespaceAgents(app, namespace, 0, List.of(), null) : known;
    }

    private static RegistryOutcome notify(SetNotify c, RegistryTx tx) {
        RegisteredApp app = tx.app(c.app());
        if (app != null && app.removed()) {
            return new NoSuchApp();
        }
        NamespaceAgents known = tx.agents(c.app(), c.namespace());
        if (Objects.equals(c.told(), known == null ? null : known.told())) {
            return new Done();
        }
        if (known == null && tx.namespaceCount() >= MAX_NAMESPACES) {
            return new TooManyNamespaces(MAX_NAMESPACES);
        }
        tx.put(known(c.app(), c.namespace(), known).with(tx.revision(c.app()) + 1, c.told()));
        return new Done();
    }

    private static RegistryOutcome revoke(Revocation revocation, RegistryTx tx) {
        List<Revocation> superseded = new ArrayList<>();
        for (Revocation known : tx.revocations(revocation.keyName(), revocation.target())) {
            if (known.includes(revocation)) {
                return new Done();
            }
            if (revocation.includes(known)) {
                superseded.add(known);
            }
        }
        if (superseded.isEmpty() && tx.revocationCount() >= MAX_REVOCATIONS) {
            return new TooManyRevocations(MAX_REVOCATIONS);
        }
        superseded.forEach(tx::drop);
        tx.put(revocation);
        return new Done();
    }
}
