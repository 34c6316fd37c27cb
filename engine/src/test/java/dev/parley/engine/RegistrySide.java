package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.registry.NamespaceAgents;
import dev.parley.engine.registry.NamespaceNotify;
import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.registry.RegistryCommand.AddApp;
import dev.parley.engine.registry.RegistryCommand.ForgetApp;
import dev.parley.engine.registry.RegistryCommand.ForgetRevocations;
import dev.parley.engine.registry.RegistryCommand.NameAgents;
import dev.parley.engine.registry.RegistryCommand.RemoveApp;
import dev.parley.engine.registry.RegistryCommand.RevokeTokens;
import dev.parley.engine.registry.RegistryCommand.SetNotify;
import dev.parley.engine.registry.RegistryOutcome;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.Forgotten;
import dev.parley.engine.registry.RegistryOutcome.IdTaken;
import dev.parley.engine.registry.RegistryOutcome.NoSuchApp;
import dev.parley.engine.registry.Revocation;
import dev.parley.engine.registry.SealedSecret;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.RunTexts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The registry in a {@link History} or on a node of a {@link ClusterHistory}: what is asked of it, what must become of it,
 * and what listeners must have heard.
 */
final class RegistrySide implements Registry.Listener {
    private static final List<String> IDS = List.of("shop", "bank");
    /** Also apps that are not registered have namespaces. */
    private static final List<String> APPS = List.of("shop", "app", "app", "other");

    private static final List<String> NAMESPACES = List.of("*", "a", "");
    private static final List<String> AGENTS = List.of("ben", "bot", "cid", "dan");
    private static final List<String> KEYS = List.of("shop.a", "bank.b");
    private static final List<String> TARGETS = List.of("clientId:x", "channel:*");

    private final SplittableRandom random;

    // The model: an app is there or not, and a revocation is in force as long as no other one says more.
    private final TreeMap<String, RegisteredApp> apps = new TreeMap<>();
    private final List<Revocation> revocations = new ArrayList<>();
    private final Map<List<String>, NamespaceAgents> agents = new HashMap<>();
    private final Set<Revocation> everDropped = new HashSet<>();

    // What is to be heard in this life, and what was heard.
    private final List<Object> news = new ArrayList<>();
    private final List<Object> heard = new ArrayList<>();
    private @Nullable Registry registry;

    RegistrySide(SplittableRandom random) {
        this.random = random;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    /** Listens to a registry that has what the model has. */
    void start(Registry started) {
        news.clear();
        heard.clear();
        registry = started;
        started.listen(this);
    }

    // What is asked.

    RegistryCommand<?> command(long now) {
        String id = oneOf(IDS);
        return switch (random.nextInt(16)) {
            case 9, 10, 11, 12 ->
                new NameAgents(
                        now,
                        oneOf(APPS),
                        oneOf(NAMESPACES),
                        agents(),
                        random.nextBoolean() ? List.of(oneOf(AGENTS), oneOf(AGENTS)) : List.of());
            case 13, 14, 15 -> new SetNotify(now, oneOf(APPS), oneOf(NAMESPACES), notifies());
            case 0, 1 -> new AddApp(now, app(id));
            case 2 -> new RemoveApp(now, id);
            case 3 -> new ForgetApp(now, id);
            case 4 -> new ForgetRevocations(now, now - random.nextInt(60));
            default ->
                new RevokeTokens(
                        now,
                        new Revocation(
                                oneOf(KEYS), oneOf(TARGETS), now - random.nextInt(30), now + 10L * random.nextInt(3)));
        };
    }

    private @Nullable NamespaceNotify notifies() {
        if (random.nextInt(4) == 0) {
            return null;
        }
        List<Notification.Event> events = new ArrayList<>(List.of(Notification.Event.values()));
        if (random.nextBoolean()) {
            events.remove(random.nextInt(events.size()));
        }
        return new NamespaceNotify(
                new Agent.Endpoint(
                        "url" + random.nextInt(3),
                        random.nextBoolean() ? null : Data.of(new byte[] {(byte) random.nextInt(4)})),
                new NotifyRule(
                        List.copyOf(events),
                        random.nextBoolean() ? List.of() : List.of("agents"),
                        new RunTexts.Notice("not told", random.nextInt(3) + "(", ",", ")", null)));
    }

    private List<Agent> agents() {
        if (random.nextInt(3) == 0) {
            return List.of();
        }
        int count = random.nextInt(20) == 0 ? 17 : 1;
        List<Agent> named = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            named.add(agent(count == 1 ? oneOf(AGENTS) : "agent" + i));
        }
        return named;
    }

    private Agent agent(String id) {
        return new Agent(
                id,
                null,
                random.nextBoolean()
                        ? null
                        : new Agent.Endpoint("url" + random.nextInt(9), Data.of(new byte[] {(byte) random.nextInt(4)})),
                oneOf(List.of(Agent.Trigger.values())),
                List.of("@" + id),
                random.nextInt(20),
                random.nextInt(3) == 0,
                new RunTexts.Notice("gave up", random.nextInt() + "(", ",", ")", null),
                new RunTexts.Notice("loop", random.nextInt() + "(", ",", ")", null));
    }

    private RegisteredApp app(String id) {
        return new RegisteredApp(
                id,
                false,
                List.of(new RegisteredApp.Key(
                        id + ".a",
                        new SealedSecret(new byte[] {1, (byte) random.nextInt()}),
                        "{\"*\":[\"*\"]}",
                        random.nextBoolean())),
                List.of(new RegisteredApp.Namespace("*", true, 1_000, 1_000, 1 + random.nextInt(5), true, false)));
    }

    /** Forgets all revocations. */
    static ForgetRevocations forgetAll(long now) {
        return new ForgetRevocations(now, Long.MAX_VALUE);
    }

    // What must become of it.

    RegistryOutcome happen(RegistryCommand<?> command) {
        return switch (command) {
            case AddApp c -> apps.putIfAbsent(c.app().id(), c.app()) == null ? new Done() : new IdTaken();
            case RemoveApp c -> {
                RegisteredApp app = apps.get(c.id());
                if (app == null || app.removed()) {
                    yield new NoSuchApp();
                }
                apps.put(c.id(), new RegisteredApp(c.id(), true, List.of(), List.of()));
                agents.keySet().removeIf(of -> of.getFirst().equals(c.id()));
                news.add(c.id());
                yield new Done();
            }
            case ForgetApp c -> {
                RegisteredApp app = apps.get(c.id());
                if (app == null || !app.removed()) {
                    yield new NoSuchApp();
                }
                apps.remove(c.id());
                yield new Done();
            }
            case NameAgents c -> name(c);
            case SetNotify c -> notifies(c);
            case RevokeTokens c -> {
                Revocation is = c.revocation();
                if (revocations.stream().noneMatch(other -> saysAsMuch(other, is))) {
                    drop(revocations.stream()
                            .filter(other -> saysAsMuch(is, other))
                            .toList());
                    revocations.add(is);
                    news.add(is);
                }
                yield new Done();
            }
            case ForgetRevocations c -> {
                List<Revocation> old = revocations.stream()
                        .filter(revocation -> revocation.issuedBefore() < c.issuedBefore())
                        .toList();
                drop(old);
                yield new Forgotten(old.size());
            }
        };
    }

    private RegistryOutcome name(NameAgents c) {
        RegisteredApp app = apps.get(c.app());
        if (app != null && app.removed()) {
            return new NoSuchApp();
        }
        List<String> of = List.of(c.app(), c.namespace());
        NamespaceAgents before = agents.get(of);
        var named = new TreeMap<String, Agent>();
        if (before != null) {
            before.agents().forEach(agent -> named.put(agent.id(), agent));
        }
        c.removed().forEach(named::remove);
        c.agents().forEach(agent -> named.put(agent.id(), agent));
        if (named.size() > 16) {
            return new RegistryOutcome.TooManyAgents(16);
        }
        if (before == null ? !named.isEmpty() : !before.agents().equals(List.copyOf(named.values()))) {
            NamespaceNotify notify = before == null ? null : before.told();
            List<Agent> all = List.copyOf(named.values());
            agents.put(of, new NamespaceAgents(c.app(), c.namespace(), newest(c.app()) + 1, all, notify));
        }
        return new Done();
    }

    private RegistryOutcome notifies(SetNotify c) {
        RegisteredApp app = apps.get(c.app());
        if (app != null && app.removed()) {
            return new NoSuchApp();
        }
        List<String> of = List.of(c.app(), c.namespace());
        NamespaceAgents before = agents.get(of);
        if (!Objects.equals(c.told(), before == null ? null : before.told())) {
            List<Agent> named = before == null ? List.of() : before.agents();
            agents.put(of, new NamespaceAgents(c.app(), c.namespace(), newest(c.app()) + 1, named, c.told()));
        }
        return new Done();
    }

    private long newest(String app) {
        return agents.values().stream()
                .filter(other -> other.app().equals(app))
                .mapToLong(NamespaceAgents::revision)
                .max()
                .orElse(0);
    }

    private static boolean saysAsMuch(Revocation one, Revocation other) {
        return one.keyName().equals(other.keyName())
                && one.target().equals(other.target())
                && one.issuedBefore() >= other.issuedBefore()
                && one.appliesAt() <= other.appliesAt();
    }

    private void drop(List<Revocation> dropped) {
        revocations.removeAll(dropped);
        everDropped.addAll(dropped);
    }

    /** Number of rows that the store must have. */
    int rows() {
        return apps.size() + revocations.size() + agents.size();
    }

    // What is heard.

    @Override
    public void appRemoved(String id) {
        heard.add(id);
    }

    @Override
    public void tokensRevoked(Revocation revocation) {
        heard.add(revocation);
        // The model may be ahead, and know that it is no longer in force.
        if (registry != null && !everDropped.contains(revocation)) {
            assertThat(registry.revocations(revocation.keyName(), revocation.target()))
                    .as("who is told of a revocation can look it up")
                    .contains(revocation);
        }
    }

    /** Compares all that can be read and was heard, when nothing waits. */
    void compare(Registry running) {
        assertThat(running.apps()).containsExactlyInAnyOrderElementsOf(apps.values());
        List<Revocation> found = new ArrayList<>();
        for (String key : KEYS) {
            int before = found.size();
            TARGETS.forEach(target -> found.addAll(running.revocations(key, target)));
            assertThat(running.hasRevocations(key)).isEqualTo(found.size() > before);
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(revocations);
        assertThat(running.revocationCount()).isEqualTo(revocations.size());
        for (String app : APPS) {
            for (String namespace : NAMESPACES) {
                assertThat(running.agents(app, namespace)).isEqualTo(agents.get(List.of(app, namespace)));
            }
        }
        long cutoff = revocations.isEmpty()
                ? Long.MAX_VALUE
                : revocations.get(random.nextInt(revocations.size())).issuedBefore();
        assertThat(running.hasRevocationsBefore(cutoff))
                .isEqualTo(revocations.stream().anyMatch(revocation -> revocation.issuedBefore() < cutoff));
        assertThat(of(String.class, heard)).as("apps whose end was told").isEqualTo(of(String.class, news));
        assertThat(of(Revocation.class, heard)).as("revocations that were told").isEqualTo(of(Revocation.class, news));
    }

    private static List<?> of(Class<?> kind, List<Object> all) {
        return all.stream().filter(kind::isInstance).toList();
    }
}
