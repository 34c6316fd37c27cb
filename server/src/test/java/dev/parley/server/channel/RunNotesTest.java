package dev.parley.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.InboundMessage.Action;
import dev.parley.server.wire.Serials;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the door reads in messages about the runs of agents. */
class RunNotesTest {
    private static final long SERIAL = 1L << 40;
    private static final String STREAMING = transport("\"run-id\":\"run\",\"status\":\"streaming\"");
    private static final String CANCELLED = transport("\"run-id\":\"run\",\"status\":\"cancelled\"");
    private static final String COMPLETE = transport("\"run-id\":\"run\",\"status\":\"complete\"");

    private static final RunNotes.By BY = new RunNotes.By("app.key", () -> List.of("role:chef"));

    private final RunNotes notes = new RunNotes();

    private static String transport(String headers) {
        return "{\"ai\":{\"transport\":{" + headers + "}}}";
    }

    private static InboundMessage message(Action action, @Nullable String name, String extras) {
        String serial = action == Action.CREATE ? null : Serials.render(SERIAL);
        var body = new Body(name, Data.of("x"), null, extras);
        var nobody = new Operation(null, null, null);
        return new InboundMessage(action, null, serial, null, null, null, body, false, nobody);
    }

    private List<RunNote> read(Action action, @Nullable String name, String extras) {
        return notes.of("chat", List.of(message(action, name, extras)));
    }

    @Test
    void aRunBringsWhatIsToBeSaidIfItsAgentIsLost() {
        List<RunNote> read = read(
                Action.CREATE, "ai-run-start", transport("\"run-id\":\"r\\\"1\",\"parent\":\"p\",\"role\":\"user\""));

        assertThat(read).hasSize(2).first().isEqualTo(new RunNote.Active("r\"1", null, true));
        var described = (RunNote.Described) read.getLast();
        assertThat(described.runId()).isEqualTo("r\"1");
        assertThat(described.texts().end().name()).isEqualTo("ai-run-end");
        assertThat(described.texts().end().extras())
                .isEqualTo(transport(
                        "\"run-id\":\"r\\\"1\",\"parent\":\"p\",\"run-reason\":\"error\",\"error-code\":\"104008\","
                                + "\"error-message\":\"The agent was lost before it ended the run.\""));
        assertThat(described.texts().away().start()).isEqualTo("{\"runId\":\"r\\\"1\",\"connectionId\":\"");
    }

    @Test
    void aRunSaysWhatBecomesOfItWhenAPersonTakesOver() {
        List<RunNote> read = read(Action.CREATE, "ai-run-start", transport("\"run-id\":\"r\""));
        Body ended = Objects.requireNonNull(
                ((RunNote.Described) read.getLast()).texts().takenOver());
        assertThat(ended.name()).isEqualTo("ai-run-end");
        assertThat(ended.extras())
                .isEqualTo(transport("\"run-id\":\"r\",\"run-reason\":\"error\",\"error-code\":\"40980\","
                        + "\"error-message\":\"A person has taken over.\""));
        read = read(Action.CREATE, "ai-run-start", transport("\"run-id\":\"r\",\"parley-on-takeover\":\"suspend\""));
        assertThat(((RunNote.Described) read.getLast()).texts().takenOver()).isNull();
    }

    private List<RunNote> said(@Nullable String clientId, String name, String kind, boolean mayTake) {
        String extras = "{\"ai\":{\"transport\":{},\"codec\":{\"kind\":\"" + kind + "\"}}}";
        InboundMessage message = message(Action.CREATE, name, extras);
        var made = new MessageOp.Create("id", false, clientId, "conn", message.body(), false);
        return notes.of("chat", List.of(message, message), BY, mayTake ? List.of(made, made) : List.of());
    }

    @Test
    void aPersonWhoMayTakeOverDoesSoBySayingSomething() {
        assertThat(said("a\"nn\uD83D\uDE00", "ai-input", "user-message", true))
                .containsExactly(new RunNote.Spoken(0, "\"a\\\"nn\uD83D\uDE00\""));
        assertThat(said("ann", "ai-input", "user-message", false)).isEmpty();
        assertThat(said(null, "ai-input", "user-message", true)).isEmpty();
        assertThat(said("ann", "ai-input", "tool-result", true)).isEmpty();
        assertThat(said("ann", "chat", "user-message", true)).isEmpty();
    }

    private static String codec(String codec) {
        return "{\"ai\":{\"transport\":{\"run-id\":\"r\",\"codec-message-id\":\"m\"},\"codec\":{" + codec + "}}}";
    }

    @Test
    void aCallOfAToolIsMadeAskedForAndDecided() {
        String call = "\"toolCallId\":\"c\uD83D\uDE00\"";
        assertThat(read(Action.CREATE, "ai-output", codec("\"kind\":\"tool-input\",\"toolName\":\"pay\"," + call)))
                .containsExactly(
                        new RunNote.Active("r", null, false), new RunNote.Called(0, "r", "c\uD83D\uDE00", "pay"));
        String asks = "\"kind\":\"tool-approval-request\",\"approvalId\":\"a\"," + call;
        assertThat(read(Action.CREATE, "ai-output", codec(asks)))
                .contains(new RunNote.Asked(0, "a", "r", "m", "c\uD83D\uDE00"));
        String decides = "\"kind\":\"tool-approval-response\",\"approved\":\"true\",\"reason\":\"well\"," + call;
        assertThat(read(Action.CREATE, "ai-input", codec(decides)))
                .containsExactly(new RunNote.Decided(0, "r", "c\uD83D\uDE00", true, "", "well"));
        assertThat(notes.of("chat", List.of(message(Action.CREATE, "ai-input", codec(decides))), BY, List.of()))
                .containsExactly(
                        new RunNote.Decided(0, "r", "c\uD83D\uDE00", true, "app.key", "well", List.of("role:chef")));
        // Only agents ask and only people answer; a call has an id, and so has a request.
        assertThat(read(Action.CREATE, "ai-input", codec(asks))).isEmpty();
        assertThat(read(Action.CREATE, "ai-output", codec(decides))).hasSize(1);
        assertThat(read(Action.CREATE, "ai-output", codec("\"kind\":\"tool-approval-request\",\"approvalId\":\"a\"")))
                .hasSize(1);
        assertThat(read(Action.CREATE, "ai-output", codec("\"kind\":\"tool-approval-request\"," + call)))
                .hasSize(1);
        String long_ = "x".repeat(RunNotes.MAX_COMMENT_CHARS + 1);
        assertThat(read(Action.CREATE, "ai-input", codec(decides.replace("well", long_))))
                .containsExactly(new RunNote.Decided(0, "r", "c\uD83D\uDE00", true, "", null));
    }

    @Test
    void aMessageThatIsStreamedBringsItsClosingForm() {
        assertThat(read(Action.CREATE, "ai-output", STREAMING))
                .containsExactly(new RunNote.Active("run", null, false), new RunNote.Streaming(0, 0, "run", CANCELLED));
        assertThat(read(Action.CREATE, null, STREAMING)).containsExactly(new RunNote.Streaming(0, 0, "run", CANCELLED));
        assertThat(read(Action.UPDATE, null, STREAMING))
                .containsExactly(new RunNote.Streaming(0, SERIAL, "run", CANCELLED));
        assertThat(read(Action.UPDATE, null, COMPLETE)).containsExactly(new RunNote.Settled(SERIAL));
        assertThat(read(Action.CREATE, null, COMPLETE)).isEmpty();
    }

    /** So they can be rolled up. */
    @Test
    void anAppendThatLooksLikeTheOneBeforeBringsNothing() {
        assertThat(read(Action.APPEND, null, STREAMING))
                .containsExactly(new RunNote.Streaming(0, SERIAL, "run", CANCELLED));
        assertThat(read(Action.APPEND, null, STREAMING)).isEmpty();
        assertThat(read(Action.APPEND, null, COMPLETE)).containsExactly(new RunNote.Settled(SERIAL));
        assertThat(read(Action.APPEND, null, COMPLETE)).isEmpty();
        assertThat(read(Action.APPEND, null, "{\"other\":1}")).isEmpty();
    }

    @Test
    void whatWasRefusedIsNewsWhenItComesAgain() {
        assertThat(read(Action.APPEND, null, COMPLETE)).containsExactly(new RunNote.Settled(SERIAL));
        notes.refused("other", List.of(message(Action.APPEND, null, COMPLETE)));
        assertThat(read(Action.APPEND, null, COMPLETE)).isEmpty();
        notes.refused("chat", List.of(message(Action.APPEND, null, COMPLETE)));
        assertThat(read(Action.APPEND, null, COMPLETE)).containsExactly(new RunNote.Settled(SERIAL));
    }
}
