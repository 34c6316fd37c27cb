package dev.parley.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Files, bytes, data and all other parts survive every way through. */
class PartsTest {
    private static final JsonNode METADATA = TestSession.json("{\"provider\":{\"signature\":\"s☃\"}}");
    private static final byte[] BYTES = new byte[1000];

    static {
        new Random(1).nextBytes(BYTES);
    }

    private static final ToolCall CALL = new ToolCall(
            "c",
            "look",
            true,
            "Look",
            true,
            ToolCall.State.INPUT_AVAILABLE,
            TestSession.json("{\"at\":[1,null,\"☃\"]}"),
            null,
            null,
            null,
            null,
            METADATA);

    private static final List<Part> SAID_BY_PEOPLE = List.of(
            new Part.Text("look ☃\n"),
            new Part.File("image/png", "https://example.com/a.png", "a.png", METADATA),
            Part.File.of("application/octet-stream", BYTES),
            new Part.Data("place", "p", TestSession.json("{\"city\":\"Bern\",\"at\":[46.9,7.4],\"empty\":null}")),
            new Part.Data("word", null, TestSession.string("just text")),
            new Part.Data("number", null, TestSession.json("7")),
            new Part.Text(""));

    private static final List<Part> SAID_BY_AGENTS = List.of(
            new Part.StepStart(),
            new Part.Reasoning("let me see", Part.Progress.DONE, METADATA),
            new Part.Text("it is ", Part.Progress.DONE, METADATA),
            new Part.UrlSource("s1", "https://example.com/", "Example", METADATA),
            new Part.DocumentSource("s2", "text/plain", "Notes", "notes.txt", METADATA),
            new Part.File("image/png", "https://example.com/a.png", "a.png", METADATA),
            Part.File.of("application/octet-stream", BYTES),
            new Part.Data("chart", "d", TestSession.json("{\"points\":[1,2]}")),
            new Part.Data("flag", null, TestSession.json("false")),
            new ToolCall(
                    "open",
                    "t",
                    false,
                    null,
                    null,
                    ToolCall.State.INPUT_AVAILABLE,
                    TestSession.json("{}"),
                    null,
                    null,
                    null,
                    null,
                    null),
            CALL.withOutput(TestSession.json("{\"bytes\":\"AAH/\"}"), null),
            failed("e", "gone"),
            asked("a"),
            new Part.StepStart(),
            new Part.Text("done"));

    private static ToolCall failed(String id, String why) {
        return ToolCall.streaming(id, "look")
                .withInput(TestSession.string("not JSON"))
                .withError(why);
    }

    private static ToolCall asked(String id) {
        return ToolCall.streaming(id, "remove")
                .withInput(TestSession.json("[]"))
                .withApprovalRequest("ask");
    }

    @Test
    void whatAPersonSays() {
        TestSession session = new TestSession();
        String id =
                session.say("ann", Inputs.Placement.after(null, "e", "m", "ann"), SAID_BY_PEOPLE.toArray(Part[]::new));
        assertThat(session.conversation
                        .nodeOf(id)
                        .orElseThrow()
                        .messages()
                        .get(0)
                        .parts())
                .isEqualTo(SAID_BY_PEOPLE);
        Conversation late = new Conversation();
        late.applyAll(Golden.historyAfter(session.log));
        assertThat(late.nodes()).isEqualTo(session.conversation.nodes());
    }

    @Test
    void whatAnAgentSays() {
        TestSession session = new TestSession();
        RunContext run = session.begin("agent", session.say("ann", null, "look"), null);
        Message message = new Message("m", "m", Role.ASSISTANT, SAID_BY_AGENTS, METADATA, null, "");
        List<UiChunk> chunks = new ArrayList<>();
        chunks.add(UiChunk.of("start").with("messageMetadata", METADATA));
        chunks.addAll(UiMessages.chunks(message));
        String id = session.pipe("agent", run, null, List.of(), chunks);
        Message said = session.conversation.nodeOf(id).orElseThrow().messages().get(0);
        assertThat(said.parts()).isEqualTo(SAID_BY_AGENTS);
        assertThat(said.metadata()).isEqualTo(METADATA);
        assertThat(UiMessages.of("m", chunks).parts()).isEqualTo(SAID_BY_AGENTS);
        // And on to a page that follows the run, and comes only afterwards.
        for (UiVersion version : UiVersion.values()) {
            List<UiChunk> followed = new RunChunks(run.runId(), version).next(session.conversation);
            assertThat(UiMessages.of("n", followed).parts()).isEqualTo(SAID_BY_AGENTS);
        }
    }

    @Test
    void uiMessages() {
        ObjectNode unknown = (ObjectNode) TestSession.json("{\"type\":\"custom\",\"kind\":\"a.b\",\"more\":{\"x\":1}}");
        List<Part> parts = new ArrayList<>(SAID_BY_AGENTS);
        parts.addAll(SAID_BY_PEOPLE);
        parts.add(new Part.Other(unknown));
        parts.add(asked("b").withDecision(true, null));
        parts.add(asked("d").withDecision(false, "no"));
        parts.add(asked("f").withDecision(true, "yes").withOutput(TestSession.json("1"), true));
        Message message = new Message("m", "m", Role.ASSISTANT, parts, METADATA, null, "");
        JsonNode written = TestSession.json(UiMessages.write(message).toString());
        assertThat(UiMessages.read(written)).isEqualTo(message);
    }

    @Test
    void whatIsCopiedIntoARunOfItsOwn() {
        TestSession session = new TestSession();
        String asked = session.say("ann", null, "look");
        RunContext run = session.begin("agent", asked, null);
        Message message = new Message("m", "m", Role.ASSISTANT, SAID_BY_AGENTS, null, null, "");
        session.pipe("agent", run, null, List.of(), UiMessages.chunks(message));
        session.publish("agent", RunMessages.suspend(run));
        session.publish(
                "ann",
                Inputs.toolResultFork(
                        new Inputs.Placement("e", "fork", "ann", null, asked, null),
                        session.conversation.run(run.runId()).orElseThrow(),
                        "open",
                        TestSession.json("{\"seen\":true}"),
                        null,
                        List.of("seed")));
        List<Message> shown = session.conversation.newView().messages();
        assertThat(shown).hasSize(2);
        List<Part> expected = new ArrayList<>(SAID_BY_AGENTS);
        expected.replaceAll(
                part -> part instanceof ToolCall call && call.toolCallId().equals("open")
                        ? call.withOutput(TestSession.json("{\"seen\":true}"), null)
                        : part);
        assertThat(shown.get(1).parts()).isEqualTo(expected);
        assertThat(session.conversation.run(run.runId()).orElseThrow().superseded())
                .isTrue();
    }
}
