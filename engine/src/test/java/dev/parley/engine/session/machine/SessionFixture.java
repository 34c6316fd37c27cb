package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.life.Boot;
import dev.parley.engine.life.Lives;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Rollup;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A session on a simulated store, to which commands are applied one by one or in batches. */
abstract class SessionFixture {
    static final SessionName NAME = new SessionName("app", "room");
    static final PositionRange ALL = new PositionRange(0, Long.MAX_VALUE, false);
    static final Operation BY_ANN = new Operation("ann", null, null);
    static final int LIMIT = 1000;

    /** More than the pages of these tests. */
    static final int PAGE_BYTES = 1 << 20;

    final Store store = new SimulatedStore();
    final Sessions sessions = new Sessions(store, 3);
    final List<SessionEntry> shown = new ArrayList<>();
    long journal = 64;
    long now = 1_000_000;

    SessionOutcome apply(SessionCommand<?> command) {
        return applyTogether(List.of(command)).getFirst();
    }

    /** Applies the commands in one batch. */
    List<SessionOutcome> applyTogether(List<SessionCommand<?>> commands) {
        StoreTx rows = new StoreTx(store);
        SessionTx tx = new SessionTx(sessions, rows);
        List<SessionOutcome> outcomes = new ArrayList<>();
        for (SessionCommand<?> command : commands) {
            journal += 64;
            outcomes.add(SessionMachine.apply(command, journal, tx));
        }
        tx.write();
        rows.commit();
        tx.show();
        tx.added().forEach(added -> shown.add(added.entry()));
        return outcomes;
    }

    static Body text(@Nullable String text) {
        return new Body(null, text == null ? null : Data.of(text), null, null);
    }

    static Create create(@Nullable String id, Body body) {
        return new Create(id, id != null, "ann", "c1", body, false);
    }

    static Change change(Action action, long serial, Body body) {
        return new Change(action, serial, body, BY_ANN, false, false, LIMIT);
    }

    static Change append(long serial, String text) {
        return change(Action.APPEND, serial, text(text));
    }

    Publish request(@Nullable Sender sender, MessageOp... messages) {
        return new Publish(NAME, now, sender, List.of(messages));
    }

    List<Long> publish(MessageOp... messages) {
        return positions(apply(request(null, messages)));
    }

    static List<Long> positions(SessionOutcome outcome) {
        assertThat(outcome).isInstanceOf(Accepted.class);
        return ((Accepted) outcome).positions();
    }

    SessionState state() {
        return Objects.requireNonNull(sessions.find(NAME));
    }

    MessageEntry message(long serial) {
        return Objects.requireNonNull(sessions.messages().find(state(), serial));
    }

    String data(long serial) {
        return data(message(serial));
    }

    static String data(MessageEntry message) {
        return Objects.requireNonNull(message.body().data()).asText();
    }

    List<String> history() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES).stream()
                .map(message -> message.action() + " " + data(message))
                .toList();
    }

    List<String> versions(long serial) {
        return sessions.messages().versions(state(), serial, 0, 100, PAGE_BYTES).entries().stream()
                .map(message -> message.action() + " " + data(message))
                .toList();
    }

    int rows(Table table) {
        int count = 0;
        try (Rows rows = store.scan(table, new byte[0], new byte[] {-1})) {
            while (rows.next() != null) {
                count++;
            }
        }
        return count;
    }

    static Part part(long msgSerial, Body fragment) {
        return new Part(msgSerial, fragment, BY_ANN, false, LIMIT);
    }

    SessionOutcome rollup(long serial, Part... parts) {
        return apply(new Rollup(NAME, now, "c1", 0, serial, List.of(parts)));
    }

    void departAt(long time) {
        sessions.attendances().departures(time, 10).forEach(this::apply);
    }

    ChangePresence presence(String connectionId, @Nullable Sender sender, int max, PresenceOp... events) {
        return new ChangePresence(NAME, now, sender, connectionId, List.of(events), max);
    }

    static PresenceOp op(PresenceEntry.Action action, String clientId, String id) {
        return new PresenceOp(action, id, clientId, text(id));
    }

    ChangePresence enter(String connectionId, long msgSerial, String clientId, String id) {
        return presence(
                connectionId, new Sender(connectionId, 0, msgSerial), 10, op(PresenceEntry.Action.ENTER, clientId, id));
    }

    final void boot() {
        StoreTx rows = new StoreTx(store);
        Lives.apply(new Boot(now, 0), rows);
        rows.commit();
    }
}
