package dev.parley.conversation;

import static dev.parley.conversation.TestSession.texts;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a conversation makes of messages beyond what the npm library writes. */
class ConversationTest {
    private final TestSession session = new TestSession();
    private final Conversation conversation = session.conversation;

    @Test
    void whatIsModeratedIsShownAsItWasMade() {
        String asked = session.say("ann", null, "something bad");
        String answer = session.answer("agent", asked, "something worse");
        View view = conversation.newView();
        session.moderate(session.log.get(0).serial(), SessionMessage.Action.UPDATE, "something good");
        assertThat(texts(view.messages())).containsExactly("something good", "something worse");
        String grown = serialOf(answer, WireForm.TEXT);
        session.moderate(grown, SessionMessage.Action.UPDATE, "something better");
        assertThat(texts(view.messages())).containsExactly("something good", "something better");
        session.moderate(grown, SessionMessage.Action.DELETE, null);
        session.moderate(session.log.get(0).serial(), SessionMessage.Action.DELETE, null);
        assertThat(texts(view.messages())).containsExactly("", "");
        sameInAnyOrder();
    }

    private String serialOf(String messageId, String kind) {
        return session.log.stream()
                .filter(message -> messageId.equals(message.headers().get(WireForm.MESSAGE_ID))
                        && message.headers().kind().equals(kind))
                .findFirst()
                .orElseThrow()
                .serial();
    }

    private void sameInAnyOrder() {
        for (int seed = 0; seed < 50; seed++) {
            List<SessionMessage> messages = new ArrayList<>(session.log);
            Collections.shuffle(messages, new Random(seed));
            Conversation other = new Conversation();
            other.applyAll(messages);
            assertThat(other.nodes()).as("seed %d", seed).isEqualTo(conversation.nodes());
        }
    }

    @Test
    void aMessageThatIsKnownChangesNothing() {
        session.answer("agent", session.say("ann", null, "hi"), "hello");
        long version = conversation.version();
        List<Node> nodes = conversation.nodes();
        for (SessionMessage message : session.log) {
            assertThat(conversation.apply(message)).isEqualTo(Conversation.Change.NONE);
        }
        conversation.applyAll(Golden.historyAfter(session.log));
        assertThat(conversation.version()).isEqualTo(version);
        assertThat(conversation.nodes()).isEqualTo(nodes);
    }

    @Test
    void whatIsNotOfTheConversationChangesNothing() {
        session.publish("ann", new OutboundMessage("chat", TestSession.string("hi"), Headers.NONE));
        session.publish("ann", new OutboundMessage(WireForm.OUTPUT, TestSession.string("hi"), Headers.NONE));
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        List<Node> nodes = conversation.nodes();
        session.pipe(
                "agent",
                run,
                null,
                List.of(),
                List.of(UiChunk.of("data-progress")
                        .with("data", TestSession.json("50"))
                        .with("transient", true)));
        assertThat(session.log.get(session.log.size() - 1).ephemeral()).isTrue();
        assertThat(conversation.nodes()).isEqualTo(nodes);
    }

    @Test
    void theEndOfARunIsForEver() {
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        session.publish("agent", RunMessages.suspend(run));
        assertThat(status(run)).isEqualTo(RunStatus.SUSPENDED);
        session.publish("agent", RunMessages.resume(run));
        assertThat(status(run)).isEqualTo(RunStatus.ACTIVE);
        session.publish("agent", RunMessages.end(run, RunStatus.ERROR, new Node.RunError(50_000, "lost")));
        session.publish("agent", RunMessages.end(run, RunStatus.COMPLETE, null), RunMessages.resume(run));
        assertThat(status(run)).isEqualTo(RunStatus.ERROR);
        assertThat(conversation.run(run.runId()).orElseThrow().error()).isEqualTo(new Node.RunError(50_000, "lost"));
        sameInAnyOrder();
    }

    private RunStatus status(RunContext run) {
        return conversation.run(run.runId()).orElseThrow().status();
    }

    @Test
    void aLateSuspendDoesNotStopTheInvocationThatWentOn() {
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        RunContext next = new RunContext(run.runId(), "ann", "next", "ann", "m", null, null, null);
        session.publish("agent", RunMessages.resume(next), RunMessages.suspend(run));
        assertThat(status(run)).isEqualTo(RunStatus.ACTIVE);
        session.publish("agent", RunMessages.suspend(next));
        assertThat(status(run)).isEqualTo(RunStatus.SUSPENDED);
    }

    @Test
    void anAnswerToAToolCallMayStandBeforeTheCall() {
        RunContext run = session.begin("agent", session.say("ann", null, "where?"), null);
        session.publish(
                "ann",
                Inputs.toolResult(
                        Inputs.Placement.in(run.runId(), "e", "m", "ann"), "call", TestSession.string("Bern")));
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        session.write("agent", writer.write(UiChunk.toolInput("call", "location", TestSession.json("{}"))));
        ToolCall call = conversation
                .nodeOf("m")
                .orElseThrow()
                .messages()
                .get(0)
                .toolCalls()
                .get(0);
        assertThat(call.state()).isEqualTo(ToolCall.State.OUTPUT_AVAILABLE);
        assertThat(call.output()).isEqualTo(TestSession.string("Bern"));
        sameInAnyOrder();
    }

    @Test
    void theFirstOfTwoRunsThatTakeUpAnAnswerHasIt() {
        String asked = session.say("ann", null, "where?");
        RunContext run = session.begin("agent", asked, null);
        session.pipe(
                "agent", run, null, List.of(), List.of(UiChunk.toolInput("call", "location", TestSession.json("{}"))));
        session.publish("agent", RunMessages.suspend(run));
        session.publish(
                "ann",
                Inputs.toolResultFork(
                        new Inputs.Placement("e", "fork", "ann", null, asked, null),
                        conversation.run(run.runId()).orElseThrow(),
                        "call",
                        TestSession.string("Bern"),
                        null,
                        List.of("seed")));
        for (String agent : List.of("first", "second")) {
            session.publish(
                    agent, RunMessages.start(new RunContext(agent, "ann", agent, "ann", "fork", asked, null, null)));
        }
        assertThat(conversation.nodeOf("fork").orElseThrow().key()).isEqualTo("first");
        assertThat(conversation.run("first").orElseThrow().messages()).hasSize(1);
        assertThat(conversation.run("second").orElseThrow().messages()).isEmpty();
        assertThat(conversation.run("fork")).isEmpty();
        sameInAnyOrder();
    }

    @Test
    void whatIsLoadedOfARunBeforeItsBeginningStandsByItself() {
        RunContext first = session.begin("agent", session.say("ann", null, "one"), null);
        RunContext second = session.begin("agent", session.say("ann", null, "two"), null);
        int loaded = session.log.size();
        for (RunContext run : List.of(first, second)) {
            String id = session.id();
            session.say(
                    "bob", new Inputs.Placement(id, id, "bob", run.runId(), "elsewhere", null), new Part.Text("go on"));
        }
        Conversation late = new Conversation();
        late.applyAll(session.log.subList(loaded, session.log.size()));
        assertThat(late.nodes()).extracting(Node::parent).containsExactly(null, null);
        assertThat(texts(late.newView().messages())).containsExactly("go on", "go on");
        late.applyAll(session.log);
        assertThat(late.nodes()).isEqualTo(conversation.nodes());
    }

    @Test
    void whoHasPublishedAMessageShowsItBeforeItsEcho() {
        OutboundMessage message = Inputs.userMessage(
                        Inputs.Placement.after(null, "e", "m", "ann"), "m", List.of(new Part.Text("hi")))
                .get(0);
        Conversation own = new Conversation();
        own.apply(message.published("000001", "ann", 1));
        View view = own.newView();
        List<Message> shown = view.messages();
        assertThat(texts(shown)).containsExactly("hi");
        session.publish("ann", message);
        assertThat(own.apply(session.log.get(0))).isEqualTo(Conversation.Change.NONE);
        assertThat(view.messages())
                .isEqualTo(shown)
                .isEqualTo(conversation.newView().messages());
    }

    @Test
    void anInputIsFoundByItsEventAndACancelByItsRunOrInput() {
        String asked = session.say(
                "ann", new Inputs.Placement("event", "m", "ann", null, "before", null), new Part.Text("hi"));
        Conversation.Trigger trigger = conversation.trigger("event").orElseThrow();
        assertThat(trigger.messageId()).isEqualTo(asked);
        assertThat(trigger.parent()).isEqualTo("before");
        assertThat(trigger.kind()).isEqualTo(WireForm.USER_MESSAGE);
        assertThat(trigger.clientId()).isEqualTo("ann");
        assertThat(conversation.trigger("another")).isEmpty();
        assertThat(conversation.isCancelRequested("r", asked)).isFalse();
        session.publish("bob", RunMessages.cancel("c", null, asked));
        assertThat(conversation.isCancelRequested("r", asked)).isTrue();
        assertThat(conversation.isCancelRequested("r", null)).isFalse();
        session.publish("bob", RunMessages.cancel("d", "r", null));
        assertThat(conversation.isCancelRequested("r", null)).isTrue();
        Conversation other = new Conversation();
        other.applyAll(Golden.of("a cancel from before the agent has come").history());
        assertThat(other.isCancelRequested("unknown", other.newView().leaf().orElseThrow()))
                .isTrue();
    }

    @Test
    void manyAppendsAreJoinedAndAPageOfHistoryInTheirMidstChangesNothing() {
        RunContext run = session.begin("agent", session.say("ann", null, "count"), null);
        List<UiChunk> chunks = new ArrayList<>(List.of(UiChunk.textStart("t")));
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 3 * LoggedMessage.REORDERED_APPENDS; i++) {
            chunks.add(UiChunk.textDelta("t", i + " "));
            expected.append(i).append(' ');
        }
        chunks.add(UiChunk.textEnd("t"));
        String answer = session.pipe("agent", run, null, List.of(), chunks);
        session.log.forEach(conversation::apply);
        conversation.applyAll(Golden.historyAfter(session.log.subList(0, session.log.size() / 2)));
        assertThat(conversation.nodeOf(answer).orElseThrow().messages().get(0).text())
                .isEqualTo(expected.toString());
        Conversation late = new Conversation();
        int half = session.log.size() / 2;
        late.applyAll(session.log.subList(half, session.log.size()));
        late.applyAll(Golden.historyAfter(session.log.subList(0, half)));
        assertThat(late.nodes()).isEqualTo(conversation.nodes());
    }

    @Test
    void bytesThatAForeignClientHasPublishedBecomeAFile() {
        Headers headers = Inputs.userMessage(
                        Inputs.Placement.after(null, "e", "m", "ann"), "m", List.of(new Part.File("image/png", "")))
                .get(0)
                .headers();
        session.publish(
                "ann",
                new OutboundMessage(
                        WireForm.INPUT,
                        tools.jackson.databind.node.JsonNodeFactory.instance.binaryNode(new byte[] {0, 1, -1}),
                        headers));
        Part part =
                conversation.nodeOf("m").orElseThrow().messages().get(0).parts().get(0);
        assertThat(part).isInstanceOfSatisfying(Part.File.class, file -> {
            assertThat(file.url()).isEqualTo("data:image/png;base64,AAH/");
            assertThat(file.content().orElseThrow()).containsExactly(0, 1, -1);
        });
    }

    @Test
    void theContentOfADataUrlIsRead() {
        assertThat(new Part.File("text/plain", "data:,a%20b+c%C3%A9").content().orElseThrow())
                .isEqualTo("a b+c\u00e9".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(new Part.File("text/plain", "https://example.com/").content())
                .isEmpty();
        assertThat(Stream.of("data:nothing", "data:,%4", "data:,%zz"))
                .allSatisfy(url -> org.assertj.core.api.Assertions.assertThatThrownBy(
                                () -> new Part.File("text/plain", url).content())
                        .isInstanceOf(IllegalArgumentException.class));
    }

    /** Whoever uses an id again that is taken must not decide by the way of delivery what others see. */
    @Test
    void anIdThatIsUsedAgainMeansTheSameInAnyOrder() {
        String question = session.say("ann", null, "hi");
        RunContext run = session.begin("agent", question, null);
        session.pipe("agent", run, null, List.of(), TestSession.text("hello"));
        RunContext other = session.begin("agent", question, null);
        for (RunContext writer : List.of(run, other)) {
            session.write("agent", new OutputWriter(writer, null, "twice", List.of()).write(UiChunk.of("start")));
            session.say("bob", Inputs.Placement.in(writer.runId(), "event", "steer", "bob"), new Part.Text("quick"));
        }
        session.say("bob", Inputs.Placement.after(null, "e", run.runId(), "bob"), new Part.Text("a run's id"));
        String fork = session.say(
                "ann", new Inputs.Placement("e2", "edited", "ann", null, null, "twice"), new Part.Text("x"));

        assertThat(conversation.nodeOf("twice").map(Node::key)).contains(run.runId());
        assertThat(conversation.nodeOf(run.runId())).isEmpty();
        assertThat(conversation.node(fork)).isPresent();
        for (int seed = 0; seed < 50; seed++) {
            List<SessionMessage> messages = new ArrayList<>(session.log);
            Collections.shuffle(messages, new Random(seed));
            Conversation shuffled = new Conversation();
            shuffled.applyAll(messages);
            assertThat(shuffled.nodes()).isEqualTo(conversation.nodes());
            assertThat(shuffled.nodeOf("twice")).isEqualTo(conversation.nodeOf("twice"));
            assertThat(shuffled.nodeOf(run.runId())).isEmpty();
            assertThat(shuffled.trigger("event")).isEqualTo(conversation.trigger("event"));
        }
    }

    /** A page of the history may show a message with other headers than it was delivered with. */
    @Test
    void whoLooksInBetweenDoesNotChangeWhatComesOfIt() {
        String question = session.say("ann", null, "hi");
        RunContext run = session.begin("agent", question, null);
        String end = session.publish("agent", RunMessages.end(run, RunStatus.COMPLETE, null));
        assertThat(status(run)).isEqualTo(RunStatus.COMPLETE);
        OutboundMessage failed = RunMessages.end(run, RunStatus.ERROR, new Node.RunError(1, "lost"));
        session.log.add(new SessionMessage(
                SessionMessage.Action.UPDATE, end, "999999", failed.name(), "agent", 0, null, failed.headers(), false));
        conversation.apply(session.log.get(session.log.size() - 1));
        assertThat(status(run)).isEqualTo(RunStatus.ERROR);
        sameInAnyOrder();
    }
}
