package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.Control;
import dev.parley.client.Control.Mode;
import dev.parley.client.Data;
import dev.parley.client.Gap;
import dev.parley.client.ParleyException;
import dev.parley.client.SessionEvent;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.WireForm;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A person takes over from an agent, and gives the session back; with a real server. */
@ExtendWith(SharedServer.class)
class HandoverTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final String FULL = "PARLEY_TEST_FULL";
    private static final int ROUNDS = "1".equals(System.getenv(FULL)) ? 1_000 : 20;

    private final TestServer server;

    HandoverTest(TestServer server) {
        this.server = server;
    }

    private static List<String> texts(List<Message> messages) {
        return messages.stream().map(Message::text).toList();
    }

    private static void awaitStatus(ClientSession person, Sent sent, RunStatus status) {
        await().atMost(LONG)
                .until(() -> person.runOf(sent).map(Node.Run::status).equals(Optional.of(status)));
    }

    /** Speaks until it is stopped. */
    private static void speak(Run run, CountDownLatch speaking) {
        try (Output output = run.output()) {
            for (int i = 0; ; i++) {
                output.text(i + " ");
                speaking.countDown();
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void aRunIsSuspendedAndGoesOnWithWhatWasSaidMeanwhile() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            ClientSession eve = people.person("eve");
            List<Control> seen = new CopyOnWriteArrayList<>();
            var _ = ann.onControl(seen::add);
            CountDownLatch speaking = new CountDownLatch(1);
            List<String> told = new CopyOnWriteArrayList<>();
            agent.serve(run -> {
                if (!run.isResumed()) {
                    var hook = run.takeover().onCancel(() -> told.add("taken over"));
                    speak(run, speaking);
                    hook.close();
                }
                told.addAll(texts(run.prompt().messages()).stream()
                        .filter(text -> !text.startsWith("0 "))
                        .toList());
                try (Output output = run.output()) {
                    output.text("I am back");
                }
            });
            Sent sent = ann.send("hello");
            speaking.await();
            assertThat(eve.takeOver().holder()).isEqualTo("eve");
            awaitStatus(ann, sent, RunStatus.SUSPENDED);
            Sent meanwhile = eve.send("let me help");
            assertThat(ann.control().isTakenOver()).isTrue();
            eve.giveBack();
            awaitStatus(ann, sent, RunStatus.COMPLETE);
            assertThat(told).containsExactly("taken over", "hello", "let me help");
            assertThat(ann.runOf(sent).orElseThrow().messages())
                    .last()
                    .extracting(Message::text)
                    .isEqualTo("I am back");
            assertThat(ann.runOf(meanwhile)).isEmpty();
            assertThat(seen).extracting(Control::mode).containsExactly(Mode.PERSON, Mode.AGENT);
        }
    }

    @Test
    void whatIsSaidWhileAPersonHasTheControlIsAnsweredOnceItIsGivenBack() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            ann.takeOver();
            AtomicInteger runs = new AtomicInteger();
            agent.serve(run -> {
                runs.incrementAndGet();
                try (Output output = run.output()) {
                    output.text(String.join(",", texts(run.prompt().messages())));
                }
            });
            Sent first = ann.send("one");
            Sent second = ann.send("two");
            AgentSession other = people.agent("other");
            assertThatThrownBy(() -> other.run(second.invocation()))
                    .isInstanceOfSatisfying(
                            ParleyException.class, e -> assertThat(e.code()).isEqualTo(WireForm.TAKEN_OVER_ERROR));
            // Who is handed the input that is served already is refused, or too late, and takes it from nobody.
            assertThatThrownBy(() -> agent.run(second.invocation()))
                    .isInstanceOfAny(ParleyException.class, RunExistsException.class);
            ann.giveBack();
            awaitStatus(ann, second, RunStatus.COMPLETE);
            assertThat(ann.runOf(first)).isEmpty();
            assertThat(texts(ann.runOf(second).orElseThrow().messages())).containsExactly("one,two");
            assertThat(runs).hasValue(1);
        }
    }

    @Test
    void anotherProcessGoesOnAfterATimeThatIsOver() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            CountDownLatch speaking = new CountDownLatch(1);
            Sent sent;
            try (People earlier = new People(people.uri(), people.key())) {
                earlier.agent("agent").serve(run -> speak(run, speaking));
                sent = ann.send("hello");
                speaking.await();
                ann.takeOver();
                awaitStatus(ann, sent, RunStatus.SUSPENDED);
            }
            // The time begins only now, so the agent that is gone cannot miss the takeover.
            ann.session().control().take(Instant.now().plusSeconds(1));
            people.agent("agent").serve(run -> {
                try (Output output = run.output()) {
                    output.text("again");
                }
            });
            awaitStatus(ann, sent, RunStatus.COMPLETE);
            assertThat(ann.control()).isEqualTo(Control.DEFAULT);
        }
    }

    @Test
    void aTakeoverIsNoEndForWhoWantsToCancel() throws Exception {
        try (People people = new People(server)) {
            CountDownLatch speaking = new CountDownLatch(1);
            people.agent("agent").serve(run -> speak(run, speaking));
            ClientSession ann = people.person("ann");
            Sent sent = ann.send("hello");
            speaking.await();
            ann.takeOver();
            awaitStatus(ann, sent, RunStatus.SUSPENDED);
            ann.cancel(sent);
            awaitStatus(ann, sent, RunStatus.CANCELLED);
        }
    }

    /** Reads the log as it grows, and notes what an agent says while a person has the control. */
    private static final class Auditor {
        private final Map<String, String> texts = new HashMap<>();
        private final List<String> wrong = new CopyOnWriteArrayList<>();
        private final AtomicInteger takeovers = new AtomicInteger();
        private boolean held;

        void see(SessionEvent event) {
            if (event instanceof Gap) {
                wrong.add("a gap");
            } else if (event instanceof dev.parley.client.Message message) {
                see(message);
            }
        }

        private void see(dev.parley.client.Message message) {
            String name = String.valueOf(message.name());
            String known = texts.get(message.serial());
            if (WireForm.OUTPUT.equals(name) || known != null) {
                String data = message.data() instanceof Data.Text text ? text.text() : "";
                boolean appends = message.action() == dev.parley.client.Message.Action.APPEND;
                String now = appends ? known + data : data;
                texts.put(message.serial(), now);
                check(message, held && !now.equals(known));
            } else if (WireForm.INPUT.equals(name) && "eve".equals(message.clientId())) {
                held = true;
                takeovers.incrementAndGet();
            } else if (Control.MESSAGE.equals(name) && message.data() instanceof Data.Json json) {
                held = Control.of(json.value()).isTakenOver();
            } else {
                check(
                        message,
                        held
                                && List.of(WireForm.RUN_START, WireForm.RUN_RESUME, WireForm.STEP_START)
                                        .contains(name));
            }
        }

        private void check(dev.parley.client.Message message, boolean isWrong) {
            if (isWrong) {
                wrong.add(takeovers + ": " + message);
            }
        }
    }

    @Test
    void nothingOfAnAgentStandsBehindAPersonsMessage() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ClientSession eve = people.person("eve");
            Auditor auditor = new Auditor();
            var _ = people.person("auditor").session().onEvent(auditor::see);
            Semaphore spoken = new Semaphore(0);
            people.agent("agent").serve(run -> {
                try (Output output = run.output()) {
                    for (int i = 0; ; i++) {
                        output.text(i + " ");
                        if (i == 3) {
                            spoken.release();
                        }
                    }
                }
            });
            // Ann may take over as well, but she asks before anybody takes over by writing.
            ann.send("question");
            for (int round = 1; round <= ROUNDS; round++) {
                Control given = eve.session().control().change(Mode.AGENT, null, true);
                assertThat(given.mode()).isEqualTo(Mode.AGENT);
                assertThat(spoken.tryAcquire(30, TimeUnit.SECONDS))
                        .as("round %s", round)
                        .isTrue();
                eve.send(eve.newView(), List.of(new Part.Text("stop")));
                await().atMost(LONG).until(() -> isAllQuiet(eve));
                assertThat(auditor.wrong).as("round %s", round).isEmpty();
            }
            await().atMost(LONG).until(() -> auditor.takeovers.get() == ROUNDS);
            assertThat(auditor.wrong).isEmpty();
        }
    }

    private static boolean isAllQuiet(ClientSession person) {
        return person.tree().stream()
                .noneMatch(node -> node instanceof Node.Run run && run.status() == RunStatus.ACTIVE);
    }
}
