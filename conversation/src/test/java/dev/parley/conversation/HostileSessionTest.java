package dev.parley.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Anybody who may publish to a session can write what is no conversation. Others must be able to read on, without an error,
 * a full stack or a wait that grows faster than what was written: where it did, these tests took minutes.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileSessionTest {
    private static final int MANY = 100_000;

    private final TestSession session = new TestSession();
    private final Conversation conversation = session.conversation;

    static Stream<Golden> scenes() {
        return Golden.all();
    }

    /** Everything that can be asked of a conversation. */
    private static void readAll(Conversation conversation) {
        View view = conversation.newView();
        for (Message message : view.messages()) {
            view.branch(message.id());
            view.before(message.id());
            view.regeneration(message.id());
            view.runOf(message.id());
            UiMessages.write(message);
            UiMessages.chunks(message);
        }
        view.nodes();
        conversation.room();
        for (Node node : conversation.nodes()) {
            conversation.repliesTo(node.key());
            if (node instanceof Node.Run run) {
                Prompt.unansweredSteers(run);
                for (UiVersion version : UiVersion.values()) {
                    new RunChunks(run.key(), version).next(conversation);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void whateverIsPublishedIsReadOrPassedOver(Golden golden) {
        List<SessionMessage> deliveries = golden.deliveries();
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            Conversation spoilt = new Conversation();
            for (SessionMessage delivery : deliveries) {
                spoilt.apply(random.nextInt(3) == 0 ? spoilt(delivery, deliveries, random) : delivery);
            }
            readAll(spoilt);
            for (SessionMessage delivery : deliveries) {
                spoilt.trigger(delivery.headers().find(WireForm.EVENT_ID).orElse(""))
                        .ifPresent(trigger -> Prompt.of(spoilt, trigger, "run"));
            }
        }
    }

    /** A message of which some is missing, of another message, or of another type. */
    private static SessionMessage spoilt(SessionMessage message, List<SessionMessage> others, Random random) {
        SessionMessage other = others.get(random.nextInt(others.size()));
        Map<String, String> transport = new LinkedHashMap<>(message.headers().transport());
        Map<String, String> codec = new LinkedHashMap<>(message.headers().codec());
        for (Map<String, String> headers : List.of(transport, codec)) {
            headers.replaceAll((name, value) -> switch (random.nextInt(8)) {
                case 0 -> "";
                case 1 -> "[1,{}";
                case 2 -> other.headers().transport().getOrDefault(name, value);
                case 3 -> other.headers().kind();
                default -> value;
            });
            headers.keySet().removeIf(name -> random.nextInt(8) == 0);
        }
        JsonNode data = switch (random.nextInt(6)) {
            case 0 -> null;
            case 1 -> TestSession.json("[1,[],{\"parts\":[null]}]");
            case 2 -> other.data();
            case 3 -> spoiltData(message.data(), random);
            default -> message.data();
        };
        return new SessionMessage(
                List.of(SessionMessage.Action.values()).get(random.nextInt(4)),
                random.nextInt(4) == 0 ? other.serial() : message.serial(),
                random.nextInt(4) == 0 ? other.version() : message.version(),
                random.nextInt(4) == 0 ? other.name() : message.name(),
                message.clientId(),
                message.timestamp(),
                data,
                new Headers(transport, codec),
                false);
    }

    /** The data with a part of a copied message replaced by what is none. */
    private static @Nullable JsonNode spoiltData(@Nullable JsonNode data, Random random) {
        if (data == null || !data.isContainer()) {
            return data;
        }
        JsonNode copy = data.deepCopy();
        for (ObjectNode parent :
                copy.findParents("parts").stream().map(ObjectNode.class::cast).toList()) {
            parent.putArray("parts").add(random.nextInt()).addObject().put("type", 1);
        }
        return copy;
    }

    @Test
    void aCopyWithPartsThatAreNoneIsPassedOver() {
        RunContext waiting = session.begin("agent", session.say("ann", null, "hi"), null);
        session.pipe("agent", waiting, null, List.of(), List.of(UiChunk.toolInput("call", "look", null)));
        OutboundMessage fork = Inputs.toolResultFork(
                Inputs.Placement.after(waiting.parent(), session.id(), "copy", "ann"),
                conversation.run(waiting.runId()).orElseThrow(),
                "call",
                null,
                "no",
                List.of("copy"));
        ObjectNode data = (ObjectNode) Objects.requireNonNull(fork.data());
        data.findParent("parts").putArray("parts").add(1).addObject();
        session.publish("ann", new OutboundMessage(fork.name(), data, fork.headers()));

        assertThat(conversation.node("copy").orElseThrow().messages()).isEmpty();
        readAll(conversation);
    }

    /** Texts that are not streamed are none of the form; a tool call least of all. */
    @Test
    void aTextThatDoesNotGrowIsNoToolCall() {
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        Headers streamed = ((OutputWriter.Publish)
                        new OutputWriter(run, null, "m", List.of()).write(UiChunk.textStart("t")))
                .message()
                .headers();
        Map<String, String> transport = new LinkedHashMap<>(streamed.transport());
        transport.put(WireForm.STREAM, WireForm.FALSE);
        session.publish(
                "agent",
                new OutboundMessage(
                        WireForm.OUTPUT, TestSession.string("x"), new Headers(transport, streamed.codec())));

        assertThat(new RunChunks(run.runId(), UiVersion.V6).next(conversation)).isEmpty();
    }

    private void input(String id, @Nullable String parent, @Nullable String forkOf) {
        session.say("ann", new Inputs.Placement("event-" + id, id, "ann", null, parent, forkOf), new Part.Text(id));
    }

    private void run(String runId, @Nullable String parent, @Nullable String regenerates) {
        session.publish(
                "agent",
                RunMessages.start(new RunContext(runId, "ann", null, "ann", parent, parent, null, regenerates)));
    }

    @Test
    void aBranchMayBeLong() {
        input("0", null, null);
        for (int i = 1; i < MANY; i++) {
            input(Integer.toString(i), Integer.toString(i - 1), null);
        }
        assertThat(conversation.newView().messages()).hasSize(MANY);
        assertThat(conversation.room().entries()).hasSize(MANY);
        Conversation.Trigger last = conversation.trigger("event-" + (MANY - 1)).orElseThrow();
        assertThat(Prompt.of(conversation, last, "none").messages()).hasSize(MANY);
    }

    /** People who do not know of each other all begin the conversation. */
    @Test
    void aMessageMayHaveManyAlternatives() {
        for (int i = 0; i < MANY; i++) {
            input(Integer.toString(i), null, null);
        }
        input("edited", null, "0");
        for (int i = 0; i < MANY; i++) {
            run("run-" + i, "edited", null);
        }
        View view = conversation.newView();
        assertThat(view.messages()).hasSize(MANY);
        view.selectInput("0");
        assertThat(view.messages()).hasSize(MANY);
        assertThat(view.branch("edited").alternatives()).hasSize(2);
        assertThat(conversation.room().entries()).hasSize(MANY);
    }

    @Test
    void aMessageMayBeEditedOftenAndInCircles() {
        input("0", null, null);
        for (int i = 1; i < MANY; i++) {
            input(Integer.toString(i), null, Integer.toString(i - 1));
        }
        input("a", null, "b");
        input("b", null, "a");
        View view = conversation.newView();
        assertThat(TestSession.texts(view.messages())).containsExactly(Integer.toString(MANY - 1), "b");
        view.select("7", 3);
        assertThat(TestSession.texts(view.messages())).containsExactly("3", "b");
        assertThat(conversation.room().entries()).hasSize(2);
    }

    /** Each run generates the second message of the one before anew. */
    @Test
    void whatIsGeneratedAnewMayBeGeneratedAnew() {
        input("question", null, null);
        String before = "question";
        String regenerated = null;
        int depth = 20_000;
        for (int i = 0; i < depth; i++) {
            RunContext run = new RunContext("run-" + i, "ann", null, "ann", before, before, null, regenerated);
            session.publish("agent", RunMessages.start(run));
            before = session.pipe("agent", run, null, List.of(), List.of(UiChunk.of("start")));
            regenerated = session.pipe("agent", run, null, List.of(), TestSession.text("second"));
        }
        assertThat(conversation.newView().messages()).hasSize(depth + 2);
    }

    @Test
    void aRunMayHaveManyPieces() {
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        for (int i = 0; i < MANY; i++) {
            String id = Integer.toString(i);
            session.write(
                    "agent", writer.write(UiChunk.of("data-x").with("id", id).with("data", id)));
            session.publish(
                    "ann", Inputs.toolResult(Inputs.Placement.in(run.runId(), id, "m", "ann"), "none-" + id, null));
        }
        Node.Run read = conversation.run(run.runId()).orElseThrow();
        assertThat(read.messages().get(0).parts()).hasSize(MANY);
        assertThat(new RunChunks(run.runId(), UiVersion.V7).next(conversation)).hasSize(2 * MANY + 1);
    }

    @Test
    void aRunMayCallManyToolsInManyMessages() {
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        int calls = 20_000;
        for (int i = 0; i < calls; i++) {
            String id = Integer.toString(i);
            session.pipe(
                    "agent",
                    run,
                    null,
                    List.of(),
                    List.of(UiChunk.toolInput(id, "look", null), UiChunk.toolOutput(id, TestSession.string(id))));
        }
        List<Message> messages = conversation.run(run.runId()).orElseThrow().messages();
        assertThat(messages).hasSize(calls);
        assertThat(messages)
                .allMatch(message -> message.toolCalls().get(0).state().isFinal());
    }

    /** Whoever follows a run asks after every token. */
    @Test
    void aLongRunMayBeFollowedTokenByToken() {
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        for (int i = 0; i < 1_000; i++) {
            session.pipe("agent", run, null, List.of(), TestSession.text("round " + i));
        }
        RunChunks follower = new RunChunks(run.runId(), UiVersion.V7);
        follower.next(conversation);
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        session.write("agent", writer.write(UiChunk.textStart("t")));
        follower.next(conversation);
        for (int i = 0; i < MANY; i++) {
            UiChunk token = UiChunk.textDelta("t", " token-" + i);
            session.write("agent", writer.write(token));
            assertThat(follower.next(conversation)).containsExactly(token);
        }
    }

    /** What other applications write into the session is nobody's to keep. */
    @Test
    void whatIsNotOfTheFormIsNotKept() {
        String serial = session.publish("ann", new OutboundMessage("chat", TestSession.string("hi"), Headers.NONE));
        List<SessionMessage> appends = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            appends.add(new SessionMessage(
                    SessionMessage.Action.APPEND,
                    serial,
                    "9" + i,
                    null,
                    "ann",
                    0,
                    TestSession.string("more"),
                    Headers.NONE,
                    false));
        }
        Conversation late = new Conversation();
        late.applyAll(appends);
        late.applyAll(session.log);
        late.applyAll(appends);
        conversation.applyAll(appends);
        assertThat(Objects.requireNonNull(conversation.messages.get(serial)).text())
                .isEmpty();
        assertThat(Objects.requireNonNull(late.messages.get(serial)).text()).isEmpty();
    }

    @Test
    void threeHundredLongAnswersAreFoldedInOnePass() {
        String question = session.say("ann", null, "hi");
        RunContext run = session.begin("agent", question, null);
        Headers headers = ((OutputWriter.Publish)
                        new OutputWriter(run, null, "m", List.of()).write(UiChunk.textStart("t")))
                .message()
                .headers();
        JsonNode token = JsonMapper.shared().valueToTree(" tok");
        int answers = 300;
        int tokens = 10_000;
        for (int answer = 0; answer < answers; answer++) {
            String serial = "1-" + answer;
            conversation.apply(new SessionMessage(
                    SessionMessage.Action.CREATE, serial, serial, WireForm.OUTPUT, "agent", 0, null, headers, false));
            for (int i = 0; i < tokens; i++) {
                String version = "2-" + (tokens + i);
                conversation.apply(new SessionMessage(
                        SessionMessage.Action.APPEND, serial, version, null, "agent", 0, token, headers, false));
            }
        }
        assertThat(conversation.run(run.runId()).orElseThrow().messages().get(0).text())
                .hasSize(answers * tokens * 4);
    }
}
