package dev.parley.client.agent;

import static dev.parley.client.agent.ToolLoopTest.call;
import static dev.parley.client.agent.ToolLoopTest.crash;
import static dev.parley.client.agent.ToolLoopTest.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Inputs;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Calls of which nobody knows whether they have had an effect, and those who settle them: the agent, people, and several at once. */
@ExtendWith(SharedServer.class)
class UnknownOutcomeTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Settlement PAID = new Settlement.Result(json("\"paid, says the bank\""));
    private static final Settlement NOT_DONE = new Settlement.NotDone();

    private final TestServer server;

    UnknownOutcomeTest(TestServer server) {
        this.server = server;
    }

    private static ToolLoop loop(ToolLoopTest.Pay pay) {
        return ToolLoop.of(ToolLoopTest::model, List.of(Tool.of("pay", pay::execute)));
    }

    /** Lets another process find out that the outcome is not known, which does not stay. */
    private static Sent suspend(People people, ClientSession ann, ToolLoopTest.Pay pay) throws Exception {
        Sent sent = crash(people, ann, loop(pay), pay);
        AgentSession second = people.agent("agent");
        await().atMost(LONG).until(() -> !second.abandonedRuns().isEmpty());
        second.adopt(second.abandonedRuns().get(0), loop(pay));
        second.leave();
        assertThat(ann.awaitRun(sent, LONG)).map(Node.Run::status).contains(RunStatus.SUSPENDED);
        return sent;
    }

    private static UnknownOutcome only(AgentSession agent) {
        assertThat(agent.unknownOutcomes()).hasSize(1);
        return agent.unknownOutcomes().get(0);
    }

    private static Node.Run complete(ClientSession person, Sent sent) {
        Node.Run run = person.awaitEnd(sent, LONG).orElseThrow();
        assertThat(run.status()).as("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
        assertThat(run.messages().get(run.messages().size() - 1).text()).isEqualTo("Done.");
        return run;
    }

    @Test
    void anyProcessOfTheAgentSettlesACallAndAnotherGoesOn() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);

            AgentSession settles = people.agent("agent");
            UnknownOutcome unknown = only(settles);
            assertThat(unknown.key().value()).isEqualTo(pay.keys.get(0));
            assertThat(unknown.call().toolName()).isEqualTo("pay");
            assertThat(ann.unknownOutcomes(unknown.key().runId())).containsExactly(unknown);
            assertThat(settles.settle(unknown, PAID)).isPresent();
            assertThat(settles.unknownOutcomes()).isEmpty();
            // It ends before anybody has gone on.
            settles.close();
            assertThat(ann.awaitEnd(sent, Duration.ZERO)).isEmpty();

            people.agent("agent").serve(loop(pay));
            assertThat(call(complete(ann, sent)).output()).isEqualTo(json("\"paid, says the bank\""));
            assertThat(pay.keys).hasSize(1);
        }
    }

    @Test
    void whoIsHandedTheInvocationGoesOn() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession agent = people.agent("agent");
            Sent settled = agent.settle(only(agent), new Settlement.Failure("ask the bank"))
                    .orElseThrow();
            agent.run(settled.invocation(), loop(pay));
            ToolCall failed = call(complete(ann, sent));
            assertThat(failed.state()).isEqualTo(ToolCall.State.OUTPUT_ERROR);
            assertThat(failed.errorText()).isEqualTo("ask the bank");
            assertThat(pay.keys).hasSize(1);
        }
    }

    @Test
    void whatIsNotDoneIsDoneOnceMore() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession agent = people.agent("agent");
            UnknownOutcome unknown = only(agent);
            assertThat(agent.settle(unknown, NOT_DONE)).isPresent();
            // As after an answer that did not come: it is settled so, and otherwise no more.
            assertThat(agent.settle(unknown, NOT_DONE)).isPresent();
            assertThat(agent.settle(unknown, PAID)).isEmpty();
            agent.serve(loop(pay));
            assertThat(call(complete(ann, sent)).output()).isEqualTo(json("\"paid\""));
            assertThat(pay.keys).containsExactly(pay.keys.get(0), pay.keys.get(0));
            assertThat(agent.unknownOutcomes()).isEmpty();
            assertThat(ann.settle(unknown, new Settlement.Failure("too late"))).isEmpty();
        }
    }

    @Test
    void aCallWhoseProcessDiesAgainIsUnknownAnew() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession second = people.agent("agent");
            UnknownOutcome unknown = only(second);
            Sent again = second.settle(unknown, NOT_DONE).orElseThrow();
            // This one hangs, too.
            CountDownLatch calledAgain = new CountDownLatch(1);
            AtomicInteger calls = new AtomicInteger();
            ToolLoop hangs = ToolLoop.of(ToolLoopTest::model, List.of(Tool.of("pay", execution -> {
                calls.incrementAndGet();
                calledAgain.countDown();
                new CountDownLatch(1).await();
                return null;
            })));
            Thread working = new Thread(() -> second.run(again.invocation(), hangs));
            working.start();
            calledAgain.await();
            second.leave();
            working.join();

            AgentSession third = people.agent("agent");
            await().atMost(LONG).until(() -> !third.abandonedRuns().isEmpty());
            third.adopt(third.abandonedRuns().get(0), hangs);
            UnknownOutcome anew = only(third);
            assertThat(anew.key()).isEqualTo(unknown.key());
            assertThat(anew.attempts()).isGreaterThan(unknown.attempts());
            // What was said about the earlier attempts, also if it is said again, is not about these.
            assertThat(third.settle(unknown, PAID)).isEmpty();
            third.serve(hangs);
            assertThat(third.settle(anew, PAID)).isPresent();
            assertThat(call(complete(ann, sent)).output()).isEqualTo(json("\"paid, says the bank\""));
            assertThat(calls).hasValue(1);
        }
    }

    @Test
    void theAgentIsTooLateAfterAPerson() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession agent = people.agent("agent");
            UnknownOutcome unknown = only(agent);
            ann.toolResult("c", json("\"paid, says ann\""));
            assertThat(agent.settle(unknown, NOT_DONE)).isEmpty();
            assertThat(agent.settle(unknown, PAID)).isEmpty();
            agent.serve(loop(pay));
            assertThat(call(complete(ann, sent)).output()).isEqualTo(json("\"paid, says ann\""));
            assertThat(pay.keys).hasSize(1);
        }
    }

    @Test
    void theAgentIsTooLateAfterAPersonWithAnotherClient() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession agent = people.agent("agent");
            UnknownOutcome unknown = only(agent);
            // As the npm library publishes it: under an id of its own.
            var placement = new Inputs.Placement(
                    "e", unknown.messageId(), "ann", unknown.key().runId(), unknown.messageId(), null);
            ann.session().publish(SessionMessages.write(Inputs.toolResult(placement, "c", json("\"paid, says ann\""))));
            assertThat(agent.settle(unknown, NOT_DONE)).isEmpty();
            agent.serve(loop(pay));
            assertThat(call(complete(ann, sent)).output()).isEqualTo(json("\"paid, says ann\""));
            assertThat(pay.keys).hasSize(1);
        }
    }

    @Test
    void aPersonIsTooLateAfterTheAgent() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession agent = people.agent("agent");
            UnknownOutcome unknown = only(agent);
            assertThat(agent.settle(unknown, PAID)).isPresent();
            assertThat(bob.settle(unknown, new Settlement.Failure("no"))).isEmpty();
            Sent late = ann.toolError("c", "no");
            agent.serve(loop(pay));
            complete(ann, late);
            ann.toolResult("c", json("\"no\""));
            assertThat(call(complete(ann, sent)).output()).isEqualTo(json("\"paid, says the bank\""));
            assertThat(call(ann.runOf(sent).orElseThrow()).output()).isEqualTo(json("\"paid, says the bank\""));
        }
    }

    @Test
    void ofManyAtOnceTheFirstSettles() throws Exception {
        try (People people = new People(server);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            List<AgentSession> agents = List.of(people.agent("agent"), people.agent("agent"));
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            await().atMost(LONG)
                    .until(() -> agents.stream()
                            .allMatch(agent -> agent.unknownOutcomes().size() == 1));
            UnknownOutcome unknown = only(agents.get(0));
            List<Settlement> said = new ArrayList<>();
            List<Callable<Optional<Sent>>> settlers = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                Settlement settlement = switch (i % 3) {
                    case 0 -> new Settlement.Result(json("" + i));
                    case 1 -> new Settlement.Failure("" + i);
                    default -> NOT_DONE;
                };
                boolean isAgent = i % 2 == 0;
                AgentSession agent = agents.get(i / 2 % 2);
                ClientSession person = i / 2 % 2 == 0 ? ann : bob;
                said.add(settlement);
                settlers.add(() -> isAgent ? agent.settle(unknown, settlement) : person.settle(unknown, settlement));
            }
            List<Settlement> counted = new ArrayList<>();
            List<Future<Optional<Sent>>> settled = threads.invokeAll(settlers);
            for (int i = 0; i < said.size(); i++) {
                if (settled.get(i).get().isPresent()) {
                    counted.add(said.get(i));
                }
            }
            // Those who say the same are told the same.
            assertThat(counted.stream().distinct()).hasSize(1);
            agents.get(0).serve(loop(pay));
            ToolCall call = call(complete(ann, sent));
            if (counted.get(0) instanceof Settlement.Result result) {
                assertThat(call.output()).isEqualTo(result.output());
            } else if (counted.get(0) instanceof Settlement.Failure failure) {
                assertThat(call.errorText()).isEqualTo(failure.message());
            } else {
                assertThat(call.output()).isEqualTo(json("\"paid\""));
            }
            assertThat(pay.keys).hasSize(counted.get(0) instanceof Settlement.NotDone ? 2 : 1);
        }
    }

    @Test
    void nothingIsSettledInARunThatHasEnded() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ToolLoopTest.Pay pay = new ToolLoopTest.Pay();
            Sent sent = suspend(people, ann, pay);
            AgentSession agent = people.agent("agent");
            UnknownOutcome unknown = only(agent);
            ClientSession elsewhere = ClientSession.open(people.client("ann"), "another");
            assertThatThrownBy(() -> elsewhere.settle(unknown, PAID)).isInstanceOf(IllegalArgumentException.class);
            elsewhere.close();
            agent.serve(loop(pay));
            ann.cancel(sent);
            assertThat(ann.awaitEnd(sent, LONG)).map(Node.Run::status).contains(RunStatus.CANCELLED);
            assertThat(agent.settle(unknown, NOT_DONE)).isEmpty();
            assertThat(ann.unknownOutcomes(unknown.key().runId())).isEmpty();
            assertThat(pay.keys).hasSize(1);
        }
    }
}
