package dev.parley.dayout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.parley.client.ParleyClient;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentWorker;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Sent;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Role;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import dev.parley.langchain4j.testing.ScriptedChatModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The day out with a real server, Bernard with the scripted model, and people with clients of their own. */
@ExtendWith(SharedServer.class)
class DayOutTest {
    private static final String SESSION = Bernard.NAMESPACE + ":saturday";
    private static final Duration LONG = Duration.ofSeconds(30);

    private final TestServer server;
    private final String key;
    private final List<AutoCloseable> open = new ArrayList<>();
    private final ClientSession alice;
    private final ClientSession steve;

    DayOutTest(TestServer server) throws Exception {
        this.server = server;
        this.key = server.newKey();
        this.alice = person("Alice");
        this.steve = person("Steve");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
    }

    private ParleyClient client(String clientId) {
        ParleyClient client = ParleyClient.of(
                TestServer.options(server.uri(), key).clientId(clientId).build());
        open.add(client);
        return client;
    }

    private ClientSession person(String name) {
        ClientSession person = ClientSession.open(client(name), SESSION);
        open.add(person);
        return person;
    }

    private void bernard(StreamingChatModel model) {
        AgentWorker worker = Bernard.work(client(Bernard.ID), model);
        open.add(worker);
    }

    private static StreamingChatModel planner() {
        return ScriptedChatModel.answering(new Planner());
    }

    private static Node.Run ended(ClientSession person, Sent sent) {
        Node.Run run = person.awaitEnd(sent, LONG).orElseThrow();
        assertThat(run.status()).describedAs("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
        assertThat(calls(run)).extracting(ToolCall::errorText).containsOnlyNulls();
        return run;
    }

    private static String lastWords(Node.Run run) {
        return run.messages().getLast().text();
    }

    private static List<ToolCall> calls(Node.Run run) {
        return run.messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .toList();
    }

    private List<Stop> list() {
        return new Itinerary(alice.session().objects()).read();
    }

    private List<String> places() {
        return list().stream().map(Stop::place).toList();
    }

    @Test
    void whoIsMentionedHasReadEverythingAlsoWhatTwoWroteInTheSameInstant() {
        bernard(planner());
        CompletableFuture<Sent> one = CompletableFuture.supplyAsync(() -> alice.send("I would like a museum"));
        CompletableFuture<Sent> other = CompletableFuture.supplyAsync(() -> steve.send("I want to swim, and no walk"));
        CompletableFuture.allOf(one, other).join();
        Node.Run run = ended(alice, alice.send("@bernard what shall we do?"));
        // Nobody else's words have woken him.
        assertThat(alice.read(Conversation::nodes))
                .filteredOn(Node.Run.class::isInstance)
                .hasSize(1);
        assertThat(lastWords(run)).contains("for Alice", "for Steve");
        assertThat(calls(run)).extracting(ToolCall::toolName).contains("readItinerary", "findPlaces", "planStop");
        assertThat(list())
                .extracting(stop -> Places.get(stop.place()).is())
                .containsExactlyInAnyOrder(Kind.MUSEUM, Kind.LUNCH, Kind.SWIM);

        // A late joiner sees all of it.
        ClientSession late = person("Late");
        assertThat(late.read(Conversation::room).entries()).isEmpty();
        late.view().loadOlder(100);
        assertThat(late.read(Conversation::room).entries().stream()
                        .map(entry -> entry.message().text())
                        .toList())
                .isEqualTo(alice.read(Conversation::room).entries().stream()
                        .map(entry -> entry.message().text())
                        .toList())
                .contains("I would like a museum", "I want to swim, and no walk");
    }

    @Test
    void whatPeopleChangeOnTheListIsRespected() {
        bernard(planner());
        ended(alice, alice.send("@bernard a museum and the market, please"));
        assertThat(places()).contains("clock-museum", "market");
        Itinerary itinerary = new Itinerary(steve.session().objects());
        itinerary.drop("market");
        itinerary.put(new Stop("lido", "16:00", "with the kids", "Steve", null));
        Node.Run run = ended(steve, steve.send("@bernard and an ice later"));
        assertThat(places()).contains("lido", "clock-museum").doesNotContain("market");
        assertThat(list())
                .filteredOn(stop -> stop.place().equals("lido"))
                .extracting(Stop::at)
                .containsExactly("16:00");
        assertThat(lastWords(run)).contains("as Steve has it", "Saturday Market off the list");
    }

    @Test
    void aReservationIsMadeOnceWhenSomebodyApproves() {
        bernard(planner());
        Sent sent = alice.send("@bernard lunch and a view, and book a table for three");
        Node.Run asked = steve.awaitRun(sent, LONG).orElseThrow();
        assertThat(asked.status()).isEqualTo(RunStatus.SUSPENDED);
        ToolCall call = calls(asked).stream()
                .filter(each -> each.state() == ToolCall.State.APPROVAL_REQUESTED)
                .findFirst()
                .orElseThrow();
        assertThat(call.toolName()).isEqualTo("book");
        assertThat(call.input()).hasToString("{\"place\":\"four-tables\",\"time\":\"12:00\",\"people\":3}");
        assertThat(list()).extracting(Stop::booked).containsOnlyNulls();
        steve.approve(call.toolCallId(), true, null);
        Node.Run run = ended(alice, sent);
        assertThat(lastWords(run)).contains("Reserved for 3 at 12:00", "reserved (SB-");
        assertThat(list()).filteredOn(stop -> stop.booked() != null).hasSize(1);
        // What was asked for is done, so it is not asked for again.
        assertThat(calls(ended(alice, alice.send("@bernard add a walk"))))
                .extracting(ToolCall::toolName)
                .doesNotContain("book");
    }

    @Test
    void nothingIsReservedIfSomebodyDeclines() {
        bernard(planner());
        Sent sent = alice.send("@bernard book a table");
        Node.Run asked = steve.awaitRun(sent, LONG).orElseThrow();
        steve.approve(calls(asked).getLast().toolCallId(), false, "too dear");
        assertThat(lastWords(ended(alice, sent))).contains("I have reserved nothing", "too dear");
        assertThat(list()).isNotEmpty().extracting(Stop::booked).containsOnlyNulls();
    }

    /** Speaks until so many words are said, and then waits. */
    private static final class Waiting implements Paced.Pause {
        final CountDownLatch reached = new CountDownLatch(1);
        final CountDownLatch go = new CountDownLatch(1);
        private final AtomicInteger left;

        Waiting(int words) {
            left = new AtomicInteger(words);
        }

        @Override
        public void take() throws InterruptedException {
            if (left.decrementAndGet() == 0) {
                reached.countDown();
                go.await();
            }
        }
    }

    @Test
    void whoIsStoppedKnowsByWhomAndTakesUpWhatIsWantedNow() throws Exception {
        var pause = new Waiting(10);
        bernard(new Paced(planner(), pause));
        Sent sent = alice.send("@bernard the market, please");
        pause.reached.await();
        steve.cancel(sent);
        assertThat(alice.awaitEnd(sent, LONG).orElseThrow().status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(list()).isEmpty();
        Node.Run run = ended(steve, steve.send("@bernard no market, the museum"));
        assertThat(run.messages().getFirst().text())
                .startsWith("Steve stopped me.")
                .contains("No market, says Steve");
        assertThat(places()).contains("clock-museum").doesNotContain("market");
    }

    @Test
    void whoIsSteeredChangesThePlanInTheSameRun() throws Exception {
        var pause = new Waiting(10);
        bernard(new Paced(planner(), pause));
        Sent sent = alice.send("@bernard the market, please");
        pause.reached.await();
        await().atMost(LONG).until(() -> steve.runOf(sent).isPresent());
        Node.Run active = steve.runOf(sent).orElseThrow();
        steve.steer(active.key(), "it rains, and no market!");
        await().atMost(LONG)
                .until(() ->
                        alice.read(conversation -> conversation.run(active.key())).orElseThrow().messages().stream()
                                .anyMatch(message -> message.role() == Role.USER));
        pause.go.countDown();
        Node.Run run = ended(alice, sent);
        assertThat(run.messages().stream().map(Message::text)).anyMatch(text -> text.contains("Understood, **Steve**"));
        assertThat(places())
                .isNotEmpty()
                .doesNotContain("market")
                .allMatch(id -> Places.get(id).indoors());
    }
}
