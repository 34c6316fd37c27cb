package dev.parley.engine.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.parley.engine.registry.RegistryCommand.AddApp;
import dev.parley.engine.registry.RegistryCommand.ForgetApp;
import dev.parley.engine.registry.RegistryCommand.ForgetRevocations;
import dev.parley.engine.registry.RegistryCommand.NameAgents;
import dev.parley.engine.registry.RegistryCommand.RemoveApp;
import dev.parley.engine.registry.RegistryCommand.RevokeTokens;
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
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What commands do to the registry, and what is heard of it. */
class RegistryMachineTest {
    private static final long NOW = 1_800_000_000_000L;

    private final SimulatedStore store = new SimulatedStore();
    private final List<Object> heard = new ArrayList<>();
    private Registry registry = open();

    private Registry open() {
        Registry opened = new Registry(store);
        opened.listen(new Registry.Listener() {
            @Override
            public void appRemoved(String id) {
                heard.add(id);
            }

            @Override
            public void tokensRevoked(Revocation revocation) {
                heard.add(revocation);
            }
        });
        return opened;
    }

    /** Applies commands as one batch. */
    private List<RegistryOutcome> apply(RegistryCommand<?>... commands) {
        StoreTx rows = new StoreTx(store);
        RegistryTx tx = new RegistryTx(registry, rows);
        List<RegistryOutcome> outcomes = new ArrayList<>();
        for (RegistryCommand<?> command : commands) {
            outcomes.add(RegistryMachine.apply(command, tx));
        }
        rows.commit();
        tx.show();
        registry.tell(tx, Runnable::run);
        return outcomes;
    }

    private static AddApp add(String id) {
        return new AddApp(
                NOW,
                new RegisteredApp(
                        id,
                        false,
                        List.of(new RegisteredApp.Key(id + ".a", new SealedSecret(new byte[] {7}), "{}", false)),
                        List.of()));
    }

    private static RevokeTokens revoke(String target, long issuedBefore, long appliesAt) {
        return new RevokeTokens(NOW, new Revocation("app.a", target, issuedBefore, appliesAt));
    }

    @Test
    void anAppIsRegisteredOnce() {
        assertThat(apply(add("app"), add("app"), add("other"))).containsExactly(new Done(), new IdTaken(), new Done());
        assertThat(apply(add("app"))).containsExactly(new IdTaken());
        assertThat(registry.app("app")).isEqualTo(add("app").app());
        assertThat(registry.appCount()).isEqualTo(2);
    }

    @Test
    void aRemovedAppLosesItsKeysAtOnceAndItsIdLater() {
        apply(add("app"));

        assertThat(apply(new ForgetApp(NOW, "app"), new RemoveApp(NOW, "app"), new RemoveApp(NOW, "app")))
                .containsExactly(new NoSuchApp(), new Done(), new NoSuchApp());

        assertThat(heard).containsExactly("app");
        assertThat(registry.app("app")).isEqualTo(new RegisteredApp("app", true, List.of(), List.of()));
        assertThat(apply(add("app"), new ForgetApp(NOW, "app"), new ForgetApp(NOW, "app"), add("app")))
                .containsExactly(new IdTaken(), new Done(), new NoSuchApp(), new Done());
        assertThat(registry.app("app")).isEqualTo(add("app").app());
    }

    @Test
    void theNumberOfAppsIsBoundedByTheMachine() {
        for (int i = 0; i < RegistryMachine.MAX_APPS - 1; i++) {
            apply(add("app" + i));
        }
        apply(new RemoveApp(NOW, "app7"));

        assertThat(apply(add("last"), add("one more")))
                .containsExactly(new Done(), new TooManyApps(RegistryMachine.MAX_APPS));
        assertThat(apply(new ForgetApp(NOW, "app7"), add("one more"), add("two more")))
                .containsExactly(new Done(), new Done(), new TooManyApps(RegistryMachine.MAX_APPS));
    }

    @Test
    void aRevocationTakesThePlaceOfThoseThatSayLess() {
        apply(revoke("clientId:x", 100, 500), revoke("clientId:x", 90, 400), revoke("clientId:y", 100, 500));
        assertThat(registry.revocations("app.a", "clientId:x")).hasSize(2);

        assertThat(apply(revoke("clientId:x", 100, 400), revoke("clientId:x", 99, 401)))
                .containsExactly(new Done(), new Done());

        assertThat(registry.revocations("app.a", "clientId:x"))
                .containsExactly(new Revocation("app.a", "clientId:x", 100, 400));
        assertThat(registry.revocationCount()).isEqualTo(2);
        assertThat(heard).as("what adds nothing is not told").hasSize(4);
        assertThat(registry.revocations("app.b", "clientId:x")).isEmpty();
        assertThat(registry.hasRevocations("app.b")).isFalse();
    }

    @Test
    void revocationsAreBoundedAndForgottenFromTheOldestOn() {
        for (int i = 0; i < RegistryMachine.MAX_REVOCATIONS; i++) {
            apply(revoke("clientId:" + i, i, 0));
        }
        assertThat(apply(revoke("clientId:x", 1, 0), revoke("clientId:7", 7, 0), revoke("clientId:7", 8, 0)))
                .containsExactly(new TooManyRevocations(RegistryMachine.MAX_REVOCATIONS), new Done(), new Done());

        assertThat(registry.hasRevocationsBefore(0)).isFalse();
        assertThat(registry.hasRevocationsBefore(1)).isTrue();
        assertThat(apply(new ForgetRevocations(NOW, 3_000)))
                .containsExactly(new Forgotten(RegistryMachine.MAX_FORGOTTEN));
        assertThat(registry.hasRevocationsBefore(1_000)).isFalse();
        assertThat(apply(new ForgetRevocations(NOW, 1_002), revoke("clientId:x", 1, 0)))
                .containsExactly(new Forgotten(2), new Done());
        assertThat(registry.revocations("app.a", "clientId:1002")).hasSize(1);
        assertThat(registry.revocationCount()).isEqualTo(RegistryMachine.MAX_REVOCATIONS - 1_001);
    }

    @Test
    void whatIsStoredIsThereAfterARestart() {
        apply(add("app"), add("gone"), new RemoveApp(NOW, "gone"));
        apply(revoke("clientId:x", 100, 500), revoke("clientId:x", 90, 400), revoke("channel:*", -5, 0));
        Registry before = registry;

        registry = open();

        assertThat(registry.apps()).containsExactlyInAnyOrderElementsOf(before.apps());
        assertThat(registry.revocationCount()).isEqualTo(3);
        assertThat(registry.revocations("app.a", "clientId:x"))
                .containsExactlyInAnyOrderElementsOf(before.revocations("app.a", "clientId:x"));
        assertThat(registry.hasRevocationsBefore(0)).as("of before 1970").isTrue();
    }

    @Test
    void secretsAreNotPrinted() {
        assertThat(add("app").toString()).contains("app.a").doesNotContain("7");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new RegisteredApp("app", true, add("app").app().keys(), List.of()));
    }

    private static Agent agent(String id, String url) {
        var notice = new RunTexts.Notice("wake", "", "", "", null);
        return new Agent(
                id,
                null,
                new Agent.Endpoint(url, Data.of(new byte[] {1})),
                Agent.Trigger.ALL,
                List.of(),
                0,
                false,
                notice,
                notice);
    }

    private static NameAgents name(String app, String namespace, Agent... agents) {
        return new NameAgents(NOW, app, namespace, List.of(agents), List.of());
    }

    private static NameAgents remove(String app, String namespace, String... ids) {
        return new NameAgents(NOW, app, namespace, List.of(), List.of(ids));
    }

    private @Nullable Inherited inherited(String session) {
        return registry.inherited(new SessionName("app", session));
    }

    private List<String> agents(String session) {
        Inherited inherited = inherited(session);
        return inherited == null
                ? List.of()
                : inherited.agents().stream().map(Agent::id).toList();
    }

    @Test
    void aSessionHasTheAgentsOfItsNamespaceOrThoseOfAllOthers() {
        assertThat(inherited("a:x")).isNull();
        assertThat(apply(remove("app", "a", "bot"))).containsExactly(new Done());
        assertThat(inherited("a:x")).isNull();

        apply(name("app", "a", agent("bot", "u")), name("app", "*", agent("other", "u")), name("shop", "b"));
        assertThat(agents("a:x")).containsExactly("bot");
        assertThat(agents("[?rewind=1]a:x")).containsExactly("bot");
        assertThat(agents("b:x")).containsExactly("other");
        assertThat(agents("a")).containsExactly("other");
        assertThat(registry.inherited(new SessionName("shop", "a:x"))).isNull();
        assertThat(Objects.requireNonNull(inherited("a:x")).agents().getFirst().endpoint())
                .as("without secrets")
                .isEqualTo(new Agent.Endpoint("u", null));

        apply(remove("app", "a", "bot"));
        assertThat(agents("a:x")).containsExactly("other");
        apply(remove("app", "*", "other"));
        assertThat(Objects.requireNonNull(inherited("a:x")).agents()).isEmpty();
    }

    @Test
    void eachChangeOfWhatASessionHasIsNewerThanTheOneBefore() {
        List<NameAgents> changes = List.of(
                name("app", "a", agent("bot", "u")),
                name("app", "*", agent("other", "u")),
                remove("app", "a", "bot"),
                name("app", "*", agent("other", "v")),
                name("app", "a", agent("bot", "v")),
                remove("app", "a", "bot"),
                remove("app", "*", "other"));
        long before = 0;
        for (NameAgents change : changes) {
            apply(change);
            registry = open();
            Inherited now = Objects.requireNonNull(inherited("a:x"));
            assertThat(now.revision()).isGreaterThan(before);
            before = now.revision();
            // The same again changes nothing.
            apply(change);
            assertThat(inherited("a:x")).isEqualTo(now);
        }
    }

    @Test
    void agentsOfNamespacesHaveLimits() {
        List<Agent> many = new ArrayList<>();
        for (int i = 0; i < RegistryMachine.MAX_AGENTS; i++) {
            many.add(agent("a" + i, "u"));
        }
        assertThat(apply(name("app", "a", many.toArray(Agent[]::new)), name("app", "a", agent("more", "u"))))
                .containsExactly(new Done(), new TooManyAgents(RegistryMachine.MAX_AGENTS));
        String url = "u".repeat(RegistryMachine.MAX_AGENT_BYTES);
        assertThat(apply(name("app", "b", agent("bot", url))))
                .containsExactly(new AgentsTooLarge(RegistryMachine.MAX_AGENT_BYTES));
        for (int i = 1; i < RegistryMachine.MAX_NAMESPACES; i++) {
            apply(name("app", "n" + i, agent("bot", "u")));
        }
        var none = new TooManyNamespaces(RegistryMachine.MAX_NAMESPACES);
        assertThat(apply(name("app", "more", agent("bot", "u")))).containsExactly(none);
        apply(remove("app", "n1", "bot"));
        assertThat(apply(name("app", "more", agent("bot", "u")), name("app", "n1", agent("bot", "u"))))
                .containsExactly(none, new Done());
    }

    @Test
    void aRemovedAppHasNoAgents() {
        apply(add("app"), name("app", "a", agent("bot", "u")));
        apply(name("app", "b", agent("bot", "u")), new RemoveApp(NOW, "app"), name("app", "c", agent("bot", "u")));
        assertThat(inherited("a:x")).isNull();
        assertThat(apply(name("app", "a", agent("bot", "u")))).containsExactly(new NoSuchApp());
        apply(new ForgetApp(NOW, "app"));
        registry = open();
        assertThat(inherited("a:x")).isNull();
        assertThat(apply(add("app"), name("app", "a", agent("new", "u")))).containsExactly(new Done(), new Done());
        assertThat(agents("a:x")).containsExactly("new");
    }
}
