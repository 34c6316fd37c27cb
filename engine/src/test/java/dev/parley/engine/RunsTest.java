package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.NotAbandoned;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the engine knows of the runs of agents, on RocksDB and real files. */
@Timeout(60)
class RunsTest extends SmallEngine {
    private static final SessionName NAME = new SessionName("app", "chat");
    private static final RunNote START = new RunNote.Active("run", "input", true);

    private long msgSerial;

    private static List<MessageOp> says(String text) {
        return List.of(
                new MessageOp.Create(null, false, "ann", null, new Body(null, Data.of(text), null, null), false));
    }

    private void publish(String connectionId, String text, RunNote... notes) throws Exception {
        SessionOutcome outcome =
                submit(new Publish(NAME, TIME, new Sender(connectionId, 0, msgSerial++), says(text), List.of(notes)));
        assertThat(outcome).isInstanceOf(Accepted.class);
    }

    private SessionOutcome endRun(String connectionId) throws Exception {
        return submit(new EndRun(NAME, TIME, "run", connectionId, says("over")));
    }

    private SessionState state() {
        return Objects.requireNonNull(engine.sessions().find(NAME));
    }

    private List<String> cancels() {
        return engine
                .sessions()
                .runs()
                .cancels(state(), new PositionRange(0, Long.MAX_VALUE, false), 1 << 20)
                .entries()
                .stream()
                .map(RunsTest::text)
                .toList();
    }

    private static String text(MessageEntry message) {
        return Objects.requireNonNull(message.body().data()).asText();
    }

    private String newest() {
        return text(engine.sessions()
                .messages()
                .list(state(), new PositionRange(0, Long.MAX_VALUE, true), 1, 1 << 20)
                .getFirst());
    }

    @Test
    void theRunOfALostConnectionEndsOnce() throws Exception {
        publish("agent", "start", START);

        assertThat(endRun("agent")).isInstanceOf(Accepted.class);

        assertThat(newest()).isEqualTo("over");
        assertThat(engine.sessions().runs().of(state())).isEmpty();
        assertThat(endRun("agent")).isEqualTo(new NotAbandoned("run"));
    }

    @Test
    void whatWasDeletedOrIsGoneDoesNotKeepARunFromEnding() throws Exception {
        publish("agent", "start", START);
        long serial = state().last();
        Operation moderator = new Operation("moderator", null, null);
        submit(new Publish(NAME, TIME, null, List.of(change(MessageEntry.Action.DELETE, serial, moderator))));
        List<MessageOp> closing = new ArrayList<>();
        closing.add(change(MessageEntry.Action.APPEND, serial, new Operation("ann", null, null)));
        closing.add(change(MessageEntry.Action.APPEND, serial - 1, new Operation("ann", null, null)));
        closing.addAll(says("over"));

        assertThat(submit(new EndRun(NAME, TIME, "run", "agent", closing))).isInstanceOf(Accepted.class);

        assertThat(newest()).isEqualTo("over");
        assertThat(engine.sessions().runs().of(state())).isEmpty();
        assertThat(Objects.requireNonNull(engine.sessions().messages().find(state(), serial))
                        .action())
                .isEqualTo(MessageEntry.Action.DELETE);
    }

    private static MessageOp change(MessageEntry.Action action, long serial, Operation by) {
        return new MessageOp.Change(action, serial, new Body(null, null, null, "{}"), by, true, false, 1000);
    }

    @Test
    void aRunThatAnotherConnectionTookOverGoesOn() throws Exception {
        publish("agent", "start", START);
        publish("other", "a step", new RunNote.Active("run", null, false));

        assertThat(endRun("agent")).isEqualTo(new NotAbandoned("run"));

        assertThat(newest()).isEqualTo("a step");
        assertThat(engine.sessions().runs().of(state()))
                .extracting(Run::connectionId)
                .containsExactly("other");
    }

    @Test
    void aSuspendedRunWaitsWithoutAnAgent() throws Exception {
        publish("agent", "start", START);
        publish("agent", "suspend", new RunNote.Suspended("run"));

        assertThat(endRun("agent")).isEqualTo(new NotAbandoned("run"));
        assertThat(engine.sessions().runs().atWork()).isEmpty();

        publish("other", "resume", START);
        assertThat(engine.sessions().runs().atWork())
                .extracting(Run::connectionId)
                .containsExactly("other");
    }

    @Test
    void outputAfterTheEndDoesNotOpenARunAgain() throws Exception {
        publish("agent", "start", START);
        publish("agent", "end", new RunNote.Ended("run"));
        publish("agent", "late", new RunNote.Active("run", null, false));

        assertThat(engine.sessions().runs().of(state())).isEmpty();
    }

    @Test
    void aCancelWaitsForTheRunOfItsInputAndIsOverWithIt() throws Exception {
        publish("ann", "stop", new RunNote.Cancel(0, null, "input"));
        publish("ann", "stop another", new RunNote.Cancel(0, null, "other input"));
        assertThat(cancels()).containsExactly("stop", "stop another");

        publish("agent", "start", START);
        assertThat(cancels()).containsExactly("stop", "stop another");

        publish("agent", "end", new RunNote.Ended("run"));
        assertThat(cancels()).containsExactly("stop another");
    }

    @Test
    void aCancelOfARunThatIsOverIsNotKept() throws Exception {
        publish("ann", "stop", new RunNote.Cancel(0, "run", null));

        assertThat(cancels()).isEmpty();
    }

    @Test
    void runsAndCancelsAreThereAfterARestart() throws Exception {
        publish("agent", "start", START);
        publish("ann", "stop", new RunNote.Cancel(0, "run", null));
        close();
        open();

        assertThat(cancels()).containsExactly("stop");
        assertThat(engine.sessions().runs().atWork())
                .extracting(Run::id, Run::connectionId)
                .containsExactly(tuple("run", "agent"));
    }

    @Test
    void tooManyCancelsDropTheOldest() throws Exception {
        for (int i = 0; i <= 200; i++) {
            publish("ann", "stop " + i, new RunNote.Cancel(0, null, "input " + i));
        }

        assertThat(cancels()).hasSize(200).first().isEqualTo("stop 1");
    }
}
