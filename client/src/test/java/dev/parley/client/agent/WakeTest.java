package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.NamedAgent;
import dev.parley.client.NewRequest;
import dev.parley.client.ParleyException;
import dev.parley.client.SessionAgents;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.Wake;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.json.JsonMapper;

/** Agents that a session names, and that work on their wakes; with a real server. */
@ExtendWith(SharedServer.class)
class WakeTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final TestServer server;

    WakeTest(TestServer server) {
        this.server = server;
    }

    private static void awaitStatus(ClientSession person, Sent sent, RunStatus status) {
        await().atMost(LONG)
                .until(() -> person.runOf(sent).map(Node.Run::status).equals(Optional.of(status)));
    }

    private static void say(Run run, String text) {
        try (Output output = run.output()) {
            output.text(text);
        }
    }

    private static String answer(ClientSession person, Sent sent) {
        return String.join("|", People.texts(person.runOf(sent).orElseThrow()));
    }

    @Test
    void agentsAreNamedAndTheirWakesAreClaimedAndSettled() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            SessionAgents agents = ann.session().agents();
            NamedAgent helper = NamedAgent.of("helper").withName("Helper").withMentions("@helper", "@help-*");
            NamedAgent called = NamedAgent.of("called")
                    .withTrigger(NamedAgent.Trigger.INVOCATION)
                    .withDebounce(Duration.ofMillis(5))
                    .withEndpoint(URI.create("https://agents.example/wake"), Map.of("Authorization", "Bearer s3cret"));
            agents.name(helper, called);
            assertThat(agents.list()).contains(helper).hasSize(2).anySatisfy(shown -> {
                assertThat(shown.id()).isEqualTo("called");
                assertThat(shown.trigger()).isEqualTo(called.trigger());
                assertThat(shown.debounce()).isEqualTo(called.debounce());
                assertThat(shown.endpoint()).isEqualTo(called.endpoint());
                assertThat(shown.headers()).isEmpty();
            });
            SessionAgents work = people.client("helper").session("s").agents();
            assertThat(work.claim("helper", "one", LEASE, Duration.ZERO)).isEmpty();
            assertThatThrownBy(() -> agents.claim("helper", "ann", LEASE, Duration.ZERO))
                    .isInstanceOf(ParleyException.AccessDenied.class);

            Sent sent = ann.send("@helper, are you there?");
            Wake wake = work.claim("helper", "one", LEASE, LEASE).orElseThrow();
            assertThat(wake.inputEventIds()).containsExactly(sent.invocation().inputEventId());
            assertThat(wake.sessionName()).isEqualTo("s");
            assertThat(wake.agentId()).isEqualTo("helper");
            assertThat(wake.attempt()).isEqualTo(1);
            assertThat(work.claim("helper", "two", LEASE, Duration.ZERO)).isEmpty();
            wake.extend(LEASE);
            wake.release(Duration.ZERO);

            Wake again = work.claim("helper", "two", LEASE, LEASE).orElseThrow();
            assertThat(again.id()).isEqualTo(wake.id());
            assertThat(again.attempt()).isEqualTo(2);
            assertThatThrownBy(wake::done)
                    .isInstanceOfSatisfying(
                            ParleyException.Refused.class,
                            e -> assertThat(e.code()).isEqualTo(40990));
            again.giveUp();
            assertThat(work.claim("helper", "two", LEASE, Duration.ZERO)).isEmpty();

            agents.wake("helper", sent.invocation().inputEventId());
            work.claim("helper", "three", LEASE, LEASE).orElseThrow().done();
            agents.remove("called");
            assertThat(agents.list()).extracting(NamedAgent::id).containsExactly("helper");
        }
    }

    @Test
    void whatIsSaidWhileNoAgentIsThereIsAnsweredOnceByOneOfThem() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ann.session().agents().name(NamedAgent.of("agent"));
            ann.send("one");
            Sent last = ann.send("two");
            List<String> runs = new CopyOnWriteArrayList<>();
            for (int i = 0; i < 4; i++) {
                people.agent("agent").work(run -> {
                    runs.add(run.id());
                    say(run, Integer.toString(run.prompt().messages().size()));
                });
            }
            awaitStatus(ann, last, RunStatus.COMPLETE);
            assertThat(answer(ann, last)).isEqualTo("2");
            for (int i = 0; i < 20; i++) {
                Sent sent = ann.send("more " + i);
                awaitStatus(ann, sent, RunStatus.COMPLETE);
            }
            assertThat(runs).hasSize(21).doesNotHaveDuplicates();
        }
    }

    @Test
    void anotherProcessGoesOnWithTheRunOfOneThatHasDied() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ann.session().agents().name(NamedAgent.of("agent"));
            SessionAgents work = people.client("agent").session("s").agents();
            Sent sent = ann.send("hello");
            // It has the wake for a second, says something, and is seen no more.
            AgentSession dying = people.agent("agent");
            Wake wake =
                    work.claim("agent", "dying", Duration.ofSeconds(1), LEASE).orElseThrow();
            Run begun = dying.run(new Invocation(wake.inputEventId(), wake.sessionName()));
            Output half = begun.output();
            half.text("half an ans");
            dying.leave();
            people.agent("agent").work(run -> say(run, "the whole answer"));
            awaitStatus(ann, sent, RunStatus.COMPLETE);
            assertThat(answer(ann, sent)).isEqualTo("the whole answer");
            await().atMost(LONG)
                    .until(() ->
                            work.claim("agent", "late", LEASE, Duration.ZERO).isEmpty());
        }
    }

    @Test
    void aWakeRestsWhileAPersonHasTheControlAndGoesOnAfterwards() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ann.session().agents().name(NamedAgent.of("agent"));
            CountDownLatch speaking = new CountDownLatch(1);
            AtomicInteger calls = new AtomicInteger();
            people.agent("agent").work(run -> {
                if (calls.incrementAndGet() == 1) {
                    try (Output output = run.output()) {
                        while (true) {
                            output.text("word ");
                            speaking.countDown();
                            Thread.onSpinWait();
                        }
                    }
                }
                say(run, "back");
            });
            Sent sent = ann.send("hello");
            speaking.await();
            ann.takeOver();
            awaitStatus(ann, sent, RunStatus.SUSPENDED);
            ann.giveBack();
            awaitStatus(ann, sent, RunStatus.COMPLETE);
            assertThat(answer(ann, sent)).endsWith("|back");
            assertThat(calls).hasValue(2);
        }
    }

    @Test
    void anApprovalWakesTheAgentWhoseRunWaitsForIt() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ann.session().agents().name(NamedAgent.of("agent"));
            RunHandler handler = run -> {
                if (run.approvedCalls().isEmpty()) {
                    try (Output output = run.output()) {
                        output.toolCall("c", "pay", JsonMapper.shared().readTree("{\"sum\":5}"));
                        output.requestApproval("c");
                    }
                    run.suspend();
                } else {
                    say(run, "paid " + run.approvedCalls().size());
                }
            };
            Sent sent;
            try (People earlier = new People(people.uri(), people.key())) {
                earlier.agent("agent").work(handler);
                sent = ann.send("pay 5");
                awaitStatus(ann, sent, RunStatus.SUSPENDED);
            }
            people.agent("agent").work(handler);
            ann.approve("c", true, null);
            awaitStatus(ann, sent, RunStatus.COMPLETE);
            assertThat(answer(ann, sent)).isEqualTo("paid 1");
        }
    }

    @Test
    void aRunGoesOnWhenPeopleHaveAnsweredWhatItHasAsked() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ann.session().agents().name(NamedAgent.of("agent"));
            AgentSession agent = people.agent("agent");
            agent.work(run -> {
                String id = "where-" + run.id();
                if (run.isResumed()) {
                    var decision =
                            agent.session().requests().get(id).decisions().get(0);
                    say(run, "to " + Objects.requireNonNull(decision.answer()).asString());
                    return;
                }
                agent.session()
                        .requests()
                        .ask(NewRequest.question("Where to?").withId(id).withRun(run.id()));
                run.suspend();
            });
            Sent sent = ann.send("book a trip");
            awaitStatus(ann, sent, RunStatus.SUSPENDED);
            String asked = "where-" + ann.runOf(sent).orElseThrow().key();
            ann.session().requests().answer(asked, JsonMapper.shared().readTree("\"Rome\""));
            awaitStatus(ann, sent, RunStatus.COMPLETE);
            assertThat(answer(ann, sent)).isEqualTo("to Rome");
        }
    }
}
