package dev.parley.engine.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.RunTexts;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Apps and revocations are stored as they always were. */
class RegistryFormatTest {
    private static final long TIME = 1_800_000_000_000L;

    @Test
    void rows() throws IOException {
        GoldenBytes golden = new GoldenBytes("registry");
        golden.bytes("firstAppKey", RegistryRows.firstAppKey());
        golden.bytes("appKey", RegistryRows.appKey("äpp"));
        golden.bytes("lastAppKey", RegistryRows.lastAppKey());
        golden.example(
                "app of keys and namespaces",
                new RegisteredApp(
                        "äpp",
                        false,
                        List.of(
                                new RegisteredApp.Key(
                                        "äpp.a", new SealedSecret(new byte[] {1, -2, 3}), "{\"*\":[\"*\"]}", true),
                                new RegisteredApp.Key("äpp.b", new SealedSecret(new byte[] {4}), "{}", false)),
                        List.of(
                                new RegisteredApp.Namespace("chät", true, 120_000, 1L << 30, 250, false, true),
                                new RegisteredApp.Namespace("*", false, 300, 1, 1, true, false))),
                RegistryRows::app,
                RegistryRows::app);
        golden.example(
                "app of which nothing is left",
                new RegisteredApp("äpp", true, List.of(), List.of()),
                RegistryRows::app,
                RegistryRows::app);
        golden.bytes("firstRevocationKey", RegistryRows.firstRevocationKey());
        golden.bytes("revocationKeyAt", RegistryRows.revocationKeyAt(TIME));
        golden.bytes("lastRevocationKey", RegistryRows.lastRevocationKey());
        for (Revocation revocation : List.of(
                new Revocation("app.a", "clientId:ü", TIME, TIME + 30_000),
                new Revocation("app.a", "channel:*", -9, TIME))) {
            String what = revocation.issuedBefore() < 0 ? " of times before 1970" : " of a client";
            byte[] key = RegistryRows.revocationKey(revocation);
            golden.bytes("revocationKey" + what, key);
            golden.example(
                    "revocation" + what,
                    revocation,
                    RegistryRows::revocation,
                    row -> RegistryRows.revocation(key, row));
        }
        golden.bytes("firstAgentsKey", RegistryRows.firstAgentsKey());
        golden.bytes("lastAgentsKey", RegistryRows.lastAgentsKey());
        var called = new Agent(
                "bot",
                "Bot ü",
                new Agent.Endpoint("https://bot.example/", Data.of(new byte[] {1, -2})),
                Agent.Trigger.MENTION,
                List.of("@bot"),
                300,
                true,
                new RunTexts.Notice("wake", "{", ",", "}", "json"),
                new RunTexts.Notice("loop", "", ",", "", null));
        List<Agent> agents = new ArrayList<>(List.of(called));
        for (Agent.Trigger trigger : Agent.Trigger.values()) {
            Data secrets = trigger == Agent.Trigger.MENTION ? Data.of("täxt") : null;
            var endpoint = new Agent.Endpoint("https://" + trigger + ".example/", secrets);
            agents.add(new Agent(
                    "b" + trigger,
                    null,
                    trigger == Agent.Trigger.ALL ? null : endpoint,
                    trigger,
                    List.of(),
                    0,
                    false,
                    called.gaveUp(),
                    called.loopEnded()));
        }
        var answers = called.at(new Agent.Endpoint("https://bot.example/", null, true));
        golden.example(
                "agents of a namespace that answer what they say",
                new NamespaceAgents("app", "chat", 300, List.of(answers), null),
                RegistryRows::agents,
                RegistryRows::agents);
        var notify = new NamespaceNotify(
                new Agent.Endpoint("https://app.example/", Data.of(new byte[] {1, -2})),
                new NotifyRule(List.of(Notification.Event.values()), List.of("ü"), called.gaveUp()));
        for (NamespaceAgents named : List.of(
                new NamespaceAgents("äpp", "chät", 300, agents, null),
                new NamespaceAgents("äpp", "", 301, List.of(), null),
                new NamespaceAgents("äpp", "", 302, List.of(), notify))) {
            String what = " of a namespace with " + named.agents().size()
                    + (named.told() == null ? "" : " and an application that is told");
            golden.bytes("agentsKey" + what, RegistryRows.agentsKey(named));
            golden.example("agents" + what, named, RegistryRows::agents, RegistryRows::agents);
        }
        golden.haveAllOf(RegistryRows.class);
        golden.complete();
    }

    @Test
    void revocationsAreInTheOrderOfTheirTimes() {
        List<Long> times = List.of(Long.MIN_VALUE, -TIME, -1L, 0L, 1L, TIME, TIME + 1, Long.MAX_VALUE);
        byte[] before = RegistryRows.firstRevocationKey();
        for (long time : times) {
            byte[] from = RegistryRows.revocationKeyAt(time);
            byte[] key = RegistryRows.revocationKey(new Revocation("k", "t", time, 0));
            assertThat(Arrays.compareUnsigned(before, from)).isNegative();
            assertThat(Arrays.compareUnsigned(from, key)).isNegative();
            before = key;
        }
        assertThat(Arrays.compareUnsigned(before, RegistryRows.lastRevocationKey()))
                .isNegative();
    }
}
