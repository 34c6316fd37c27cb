package dev.parley.conversation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What we write is what the npm library writes. */
class WritingTest {
    /** A message or an append as it goes out. */
    private record Written(@Nullable String name, @Nullable JsonNode data, Headers headers, boolean ephemeral) {}

    static Stream<Golden> scenes() {
        return Golden.all();
    }

    private static Written of(SessionMessage delivery) {
        return new Written(delivery.name(), delivery.data(), delivery.headers(), delivery.ephemeral());
    }

    private static Written of(OutboundMessage message) {
        return new Written(message.name(), message.data(), message.headers(), message.ephemeral());
    }

    private static Written of(OutputWriter.Write write) {
        if (write instanceof OutputWriter.Publish publish) {
            return of(publish.message());
        }
        OutputWriter.Append append = (OutputWriter.Append) write;
        return new Written(null, TestSession.string(append.text()), append.headers(), false);
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void runsAndStepsAreFramedAlike(Golden golden) {
        int compared = 0;
        for (SessionMessage delivery : golden.deliveries()) {
            OutboundMessage ours = frame(delivery);
            if (ours != null) {
                assertThat(of(ours)).isEqualTo(of(delivery));
                compared++;
            }
        }
        assertThat(compared > 0 || golden.scene().startsWith("people write")).isTrue();
    }

    private static @Nullable OutboundMessage frame(SessionMessage delivery) {
        Headers headers = delivery.headers();
        RunContext run = context(headers);
        RunContext.Step step = step(headers);
        return switch (Objects.requireNonNullElse(delivery.name(), "")) {
            case WireForm.RUN_START -> RunMessages.start(run);
            case WireForm.RUN_RESUME -> RunMessages.resume(run);
            case WireForm.RUN_SUSPEND -> RunMessages.suspend(run);
            case WireForm.RUN_END -> {
                RunStatus status = RunStatus.ofReason(headers.get(WireForm.RUN_REASON));
                String code = headers.get(WireForm.ERROR_CODE);
                String text = headers.get(WireForm.ERROR_MESSAGE);
                yield RunMessages.end(
                        run,
                        status,
                        code == null || text == null ? null : new Node.RunError(Integer.parseInt(code), text));
            }
            case WireForm.STEP_START -> RunMessages.startStep(run, Objects.requireNonNull(step));
            case WireForm.STEP_END ->
                RunMessages.endStep(
                        run, Objects.requireNonNull(step), Node.StepStatus.ofReason(headers.get(WireForm.STEP_REASON)));
            case WireForm.CANCEL ->
                RunMessages.cancel(
                        Objects.requireNonNull(headers.get(WireForm.EVENT_ID)),
                        headers.get(WireForm.RUN_ID),
                        headers.get(WireForm.INPUT_MESSAGE_ID));
            default -> null;
        };
    }

    private static RunContext context(Headers headers) {
        return new RunContext(
                Objects.requireNonNullElse(headers.get(WireForm.RUN_ID), ""),
                Objects.requireNonNullElse(headers.get(WireForm.RUN_CLIENT_ID), ""),
                headers.get(WireForm.INVOCATION_ID),
                headers.get(WireForm.INPUT_CLIENT_ID),
                headers.get(WireForm.INPUT_MESSAGE_ID),
                headers.get(WireForm.PARENT),
                headers.get(WireForm.FORK_OF),
                headers.get(WireForm.REGENERATES));
    }

    private static RunContext.@Nullable Step step(Headers headers) {
        String id = headers.get(WireForm.STEP_ID);
        String clientId = headers.get(WireForm.STEP_CLIENT_ID);
        return id == null || clientId == null
                ? null
                : new RunContext.Step(id, headers.get(WireForm.STEP_START_SERIAL), clientId);
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void answersAreWrittenAlike(Golden golden) {
        Map<String, List<SessionMessage>> answers = new LinkedHashMap<>();
        for (SessionMessage delivery : golden.deliveries()) {
            String id = delivery.headers().get(WireForm.MESSAGE_ID);
            if (id != null
                    && "assistant".equals(delivery.headers().get(WireForm.ROLE))
                    && !WireForm.INPUT.equals(delivery.name())) {
                answers.computeIfAbsent(id, key -> new ArrayList<>()).add(delivery);
            }
        }
        JsonNode piped = golden.json().path("piped");
        for (JsonNode chunks : piped.values()) {
            assertThat(answers)
                    .anySatisfy(
                            (id, deliveries) -> assertThat(deliveries.stream().map(WritingTest::of))
                                    .containsExactlyElementsOf(
                                            written(id, deliveries.get(0).headers(), chunks)));
        }
    }

    private static List<Written> written(String messageId, Headers first, JsonNode chunks) {
        List<String> steers = new ArrayList<>();
        JsonNode ids = ContentFold.json(first.get(WireForm.STEERS));
        if (ids != null) {
            ids.values().forEach(id -> steers.add(id.stringValue()));
        }
        OutputWriter writer = new OutputWriter(context(first), step(first), messageId, steers);
        return chunks.values().stream()
                .map(chunk -> of(writer.write(new UiChunk((ObjectNode) chunk))))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void inputsAreWrittenAlike(Golden golden) {
        Conversation conversation = new Conversation();
        conversation.applyAll(golden.deliveries());
        Map<String, List<SessionMessage>> inputs = new LinkedHashMap<>();
        for (SessionMessage delivery : golden.deliveries()) {
            if (WireForm.INPUT.equals(delivery.name())) {
                String id = Objects.requireNonNull(delivery.headers().get(WireForm.EVENT_ID));
                inputs.computeIfAbsent(id, key -> new ArrayList<>()).add(delivery);
            }
        }
        assertThat(inputs).isNotEmpty();
        inputs.values()
                .forEach(deliveries -> assertThat(
                                ours(deliveries, conversation).stream().map(WritingTest::of))
                        .containsExactlyElementsOf(
                                deliveries.stream().map(WritingTest::of).toList()));
    }

    private static List<OutboundMessage> ours(List<SessionMessage> deliveries, Conversation conversation) {
        SessionMessage first = deliveries.get(0);
        Headers headers = first.headers();
        Inputs.Placement placement = new Inputs.Placement(
                Objects.requireNonNull(headers.get(WireForm.EVENT_ID)),
                Objects.requireNonNull(headers.get(WireForm.MESSAGE_ID)),
                first.clientId(),
                headers.get(WireForm.RUN_ID),
                headers.get(WireForm.PARENT),
                headers.get(WireForm.FORK_OF));
        String toolCallId = Objects.requireNonNullElse(headers.codec("toolCallId"), "");
        return switch (headers.kind()) {
            case WireForm.REGENERATE ->
                List.of(Inputs.regenerate(placement, Objects.requireNonNull(headers.get(WireForm.REGENERATES))));
            case WireForm.TOOL_APPROVAL_RESPONSE ->
                List.of(Inputs.approval(
                        placement,
                        toolCallId,
                        WireForm.TRUE.equals(headers.codec("approved")),
                        headers.codec("reason")));
            case WireForm.TOOL_RESULT -> List.of(toolResult(placement, first, toolCallId, conversation));
            case WireForm.TOOL_RESULT_ERROR ->
                List.of(Inputs.toolResultError(
                        placement,
                        toolCallId,
                        Objects.requireNonNull(first.data()).path("message").stringValue()));
            default -> {
                Message said = conversation.nodeOf(placement.messageId()).orElseThrow().messages().stream()
                        .filter(message -> message.id().equals(placement.messageId()))
                        .findFirst()
                        .orElseThrow();
                yield Inputs.userMessage(placement, said.uiId(), said.parts());
            }
        };
    }

    private static OutboundMessage toolResult(
            Inputs.Placement placement, SessionMessage delivery, String toolCallId, Conversation conversation) {
        JsonNode data = Objects.requireNonNull(delivery.data());
        String supersedes = delivery.headers().get(WireForm.SUPERSEDES);
        if (supersedes == null) {
            return Inputs.toolResult(placement, toolCallId, data.get("output"));
        }
        List<String> seedIds = data.path("forkSeed").path("messages").values().stream()
                .map(seed -> seed.path("codecMessageId").stringValue())
                .toList();
        OutboundMessage fork = Inputs.toolResultFork(
                placement, conversation.run(supersedes).orElseThrow(), toolCallId, data.get("output"), null, seedIds);
        // We also say that a text is complete.
        JsonNode copied = Objects.requireNonNull(fork.data()).deepCopy();
        copied.findParents("text").forEach(part -> ((ObjectNode) part).remove("state"));
        return new OutboundMessage(fork.name(), copied, fork.headers());
    }

    @Test
    void whatHasNoPlaceOnTheWireIsRefused() {
        TestSession session = new TestSession();
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        assertThatThrownBy(() -> writer.write(UiChunk.of("custom"))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.write(UiChunk.of("text"))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.write(UiChunk.textDelta("t", "x")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nothing grows as t");
        assertThatThrownBy(() -> Inputs.userMessage(
                        Inputs.Placement.after(null, "e", "m", "ann"), "m", List.of(new Part.StepStart())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("StepStart");
        assertThatThrownBy(() -> RunMessages.end(run, RunStatus.SUSPENDED, null))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> RunMessages.cancel("e", null, null)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void afterACancelNothingGrowsAndWhatWasSaidStays() {
        TestSession session = new TestSession();
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        session.write("agent", writer.write(UiChunk.textStart("t")));
        session.write("agent", writer.write(UiChunk.textDelta("t", "half")));
        assertThat(writer.whole("t").text()).isEqualTo("half");
        writer.cancel().forEach(write -> session.write("agent", write));
        assertThat(writer.cancel()).isEmpty();
        Message said = session.conversation.nodeOf("m").orElseThrow().messages().get(0);
        assertThat(said.parts())
                .containsExactly(new Part.StepStart(), new Part.Text("half", Part.Progress.CANCELLED, null));
    }

    /** As the npm library replaces messages whose appends have failed; it does not repeat what was said at the end. */
    @Test
    void theWholeOfWhatHasGrownEndsAsItsLastAppendDid() {
        TestSession session = new TestSession();
        RunContext run = session.begin("agent", session.say("ann", null, "hi"), null);
        OutputWriter writer = new OutputWriter(run, null, "m", List.of());
        JsonNode signed = TestSession.json("{\"provider\":{\"signature\":\"s\"}}");
        UiChunk call = UiChunk.of("tool-input-start").with("toolCallId", "c").with("toolName", "look");
        writer.write(UiChunk.of("reasoning-start").with("id", "r"));
        writer.write(UiChunk.of("reasoning-delta").with("id", "r").with("delta", "hm"));
        assertThat(writer.whole("r").headers().get(WireForm.STATUS)).isEqualTo(WireForm.STREAMING);
        OutputWriter.Write end =
                writer.write(UiChunk.of("reasoning-end").with("id", "r").with("providerMetadata", signed));
        writer.write(call);
        OutputWriter.Write input =
                writer.write(call.with("type", "tool-input-available").with("input", TestSession.json("{\"at\":1}")));
        writer.write(UiChunk.textStart("t"));
        writer.write(UiChunk.textDelta("t", "half"));
        OutputWriter.Write cancelled = writer.cancel().get(0);

        assertThat(writer.whole("r"))
                .isEqualTo(new OutputWriter.Append("r", "hm", ((OutputWriter.Append) end).headers(), true));
        assertThat(writer.whole("r").headers().codec("providerMetadata")).isEqualTo(signed.toString());
        assertThat(writer.whole("c")).isEqualTo(input);
        assertThat(writer.whole("t"))
                .isEqualTo(new OutputWriter.Append("t", "half", ((OutputWriter.Append) cancelled).headers(), true));
        assertThat(writer.whole("t").headers().get(WireForm.STATUS)).isEqualTo(WireForm.CANCELLED);
    }
}
