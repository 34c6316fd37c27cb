package dev.parley.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class RunChunksTest {
    private static final Path CHUNKS = Path.of("src/test/resources/chunks");

    static Stream<Golden> scenes() {
        return Golden.all();
    }

    /** Whoever follows a run from its beginning, and whoever comes at its end, get the same message. */
    @ParameterizedTest
    @MethodSource("scenes")
    void aRunThatIsFollowedMakesTheMessagesOfTheConversation(Golden golden) {
        for (JsonNode run : golden.json().path("expected").path("nodes").values()) {
            if (run.path("kind").stringValue().equals("run")) {
                follow(golden, run.path("key").stringValue());
            }
        }
    }

    private static void follow(Golden golden, String runId) {
        Conversation conversation = new Conversation();
        RunChunks live = new RunChunks(runId, UiVersion.V6);
        List<UiChunk> chunks = new ArrayList<>();
        for (SessionMessage delivery : golden.deliveries()) {
            conversation.apply(delivery);
            if (live.isDone() && isResumed(delivery, runId)) {
                // The stream of the invocation that goes on begins at the beginning.
                live = new RunChunks(runId, UiVersion.V6);
                chunks.clear();
            }
            chunks.addAll(live.next(conversation));
        }
        Node.Run run = conversation.run(runId).orElseThrow();
        assertThat(live.isDone()).isEqualTo(run.status() != RunStatus.ACTIVE);
        List<UiChunk> late = new RunChunks(runId, UiVersion.V6).next(conversation);
        assertThat(made(chunks)).isEqualTo(made(late));
        List<Part> expected = run.messages().stream()
                .filter(message -> message.role() == Role.ASSISTANT)
                .flatMap(message -> message.parts().stream())
                .map(RunChunksTest::withoutDecision)
                .toList();
        assertThat(made(late)).isEqualTo(expected);
        assertThat(Stream.of("finish", "abort"))
                .contains(late.get(late.size() - 1).type());
        assertThat(late.stream().filter(chunk -> chunk.type().equals("start"))).hasSize(1);
    }

    /** The chunks are in files, so that conformance/conversation can show that the SDK reads them. */
    @ParameterizedTest
    @MethodSource("scenes")
    void theChunksThatTheSdkReadsAreThoseThatAreMade(Golden golden) throws IOException {
        Conversation conversation = new Conversation();
        conversation.applyAll(golden.deliveries());
        for (UiVersion version : UiVersion.values()) {
            String made = conversation.nodes().stream()
                    .filter(Node.Run.class::isInstance)
                    .map(run -> '"' + run.key() + "\": [" + chunks(conversation, run.key(), version))
                    .collect(Collectors.joining(",\n", "{\n", "\n}\n"));
            Path file = CHUNKS.resolve(version.name().toLowerCase(Locale.ROOT)).resolve(golden.file());
            boolean isThere = Files.exists(file);
            if (!isThere) {
                Files.createDirectories(file.getParent());
                Files.writeString(file, made);
            }
            assertThat(isThere)
                    .as("%s is made now: look at it, and commit it", file)
                    .isTrue();
            assertThat(Files.readString(file))
                    .as("if it has changed on purpose, remove %s and run again", file)
                    .isEqualTo(made);
        }
    }

    private static String chunks(Conversation conversation, String runId, UiVersion version) {
        return new RunChunks(runId, version)
                .next(conversation).stream()
                        .map(chunk -> chunk.json().toString())
                        .collect(Collectors.joining(",\n", "\n", "\n]"));
    }

    private static boolean isResumed(SessionMessage delivery, String runId) {
        return WireForm.RUN_RESUME.equals(delivery.name())
                && runId.equals(delivery.headers().get(WireForm.RUN_ID));
    }

    /** The parts of the message that a page makes of the chunks: it begins anew when the message's id changes. */
    private static List<Part> made(List<UiChunk> chunks) {
        int start = 0;
        for (int i = 0; i < chunks.size(); i++) {
            start = chunks.get(i).type().equals("start") ? i : start;
        }
        return UiMessages.of("m", chunks.subList(start, chunks.size())).parts().stream()
                .map(RunChunksTest::withoutDecision)
                .toList();
    }

    /** Version 6 has no chunk for an answer to a request for approval, nor for a text that was broken off. */
    private static Part withoutDecision(Part part) {
        if (part instanceof Part.Text text && text.progress() == Part.Progress.CANCELLED) {
            return new Part.Text(text.text());
        }
        if (part instanceof Part.Reasoning reasoning && reasoning.progress() == Part.Progress.CANCELLED) {
            return new Part.Reasoning(reasoning.text(), Part.Progress.DONE, reasoning.providerMetadata());
        }
        return part instanceof ToolCall call
                        && call.approval() != null
                        && (call.state().isFinal() || call.approval().approved() != null)
                ? new ToolCall(
                        call.toolCallId(),
                        call.toolName(),
                        call.dynamic(),
                        call.title(),
                        call.providerExecuted(),
                        call.state() == ToolCall.State.APPROVAL_RESPONDED
                                ? ToolCall.State.INPUT_AVAILABLE
                                : call.state(),
                        call.input(),
                        call.output(),
                        call.errorText(),
                        call.preliminary(),
                        null,
                        call.providerMetadata())
                : part;
    }

    private static List<String> types(List<UiChunk> chunks) {
        return chunks.stream().map(UiChunk::type).toList();
    }

    @Test
    void textComesAsItGrowsAndNothingTwice() {
        TestSession session = new TestSession();
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        RunChunks chunks = new RunChunks(run.runId(), UiVersion.V7);
        assertThat(chunks.next(session.conversation)).isEmpty();
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        session.write("agent", writer.write(UiChunk.textStart("t")));
        session.write("agent", writer.write(UiChunk.textDelta("t", "hel")));
        assertThat(chunks.next(session.conversation))
                .containsExactly(
                        UiChunk.of("start").with("messageId", "m"),
                        UiChunk.of("start-step"),
                        UiChunk.textStart("t"),
                        UiChunk.textDelta("t", "hel"));
        assertThat(chunks.next(session.conversation)).isEmpty();
        session.write("agent", writer.write(UiChunk.textDelta("t", "l")));
        session.write("agent", writer.write(UiChunk.textDelta("t", "o")));
        session.write("agent", writer.write(UiChunk.textEnd("t")));
        assertThat(chunks.next(session.conversation))
                .containsExactly(UiChunk.textDelta("t", "lo"), UiChunk.textEnd("t"));
        session.publish("agent", RunMessages.end(run, RunStatus.ERROR, new Node.RunError(50_000, "gone")));
        assertThat(chunks.next(session.conversation))
                .containsExactly(
                        UiChunk.of("error").with("errorText", "gone"),
                        UiChunk.of("finish").with("finishReason", "error"));
        assertThat(chunks.isDone()).isTrue();
    }

    @Test
    void aStepThatIsDoneAgainBeginsTheStreamAnew() {
        TestSession session = new TestSession();
        RunContext run = session.begin("first", session.say("ann", null, "hi"), null);
        RunChunks chunks = new RunChunks(run.runId(), UiVersion.V6);
        RunContext.Step step = new RunContext.Step("s", null, "ann");
        String firstStart = session.publish("first", RunMessages.startStep(run, step));
        String half = session.pipe(
                "first", run, new RunContext.Step("s", firstStart, "ann"), List.of(), TestSession.text("half"));
        assertThat(chunks.next(session.conversation).get(0))
                .isEqualTo(UiChunk.of("start").with("messageId", half));
        String nextStart = session.publish("second", RunMessages.startStep(run, step));
        assertThat(chunks.next(session.conversation)).isEmpty();
        String whole = session.pipe(
                "second", run, new RunContext.Step("s", nextStart, "ann"), List.of(), TestSession.text("whole"));
        List<UiChunk> anew = chunks.next(session.conversation);
        assertThat(anew.get(0)).isEqualTo(UiChunk.of("start").with("messageId", whole));
        assertThat(UiMessages.of("m", anew).text()).isEqualTo("whole");
        assertThat(types(anew)).doesNotContain("finish");
    }

    @Test
    void whatOnlyVersionSevenKnowsGoesToVersionSeven() {
        Golden golden = Golden.of("approvals by another client after the agent's process has ended");
        Conversation conversation = new Conversation();
        conversation.applyAll(golden.deliveries());
        List<UiChunk> all = new ArrayList<>();
        for (Node.Run run : conversation.newView().runs()) {
            all.addAll(new RunChunks(run.key(), UiVersion.V7).next(conversation));
            assertThat(types(new RunChunks(run.key(), UiVersion.V6).next(conversation)))
                    .doesNotContain("tool-approval-response");
        }
        assertThat(all.stream()
                        .filter(chunk -> chunk.type().equals("tool-approval-response"))
                        .map(chunk -> chunk.text("approvalId") + " "
                                + Objects.requireNonNull(chunk.get("approved")).booleanValue()))
                .containsExactly("ask true true", "ask false false");
        Golden steered = Golden.of("a steered run");
        Conversation other = new Conversation();
        other.applyAll(steered.deliveries());
        String runId = other.nodes().get(1).key();
        assertThat(types(new RunChunks(runId, UiVersion.V7).next(other))).contains("steering-message");
        assertThat(types(new RunChunks(runId, UiVersion.V6).next(other))).doesNotContain("steering-message");
    }
}
