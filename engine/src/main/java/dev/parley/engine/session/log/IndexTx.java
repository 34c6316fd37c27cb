package dev.parley.engine.session.log;

import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Attribute.ForkOf;
import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Attribute.Participant;
import dev.parley.engine.session.Attribute.StalledRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.store.Store.Range;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What sessions are listed by, as a batch of commands sees and changes it. Not thread-safe. */
public final class IndexTx {
    /** How many participants of one session are listed; who comes later is not found by that. */
    public static final int MAX_PARTICIPANTS = 1_000;

    private final StoreTx rows;

    /** Who is known to be listed, so that a batch looks only once. */
    private final Set<Participation> known = new HashSet<>();

    private record Participation(long session, String clientId) {}

    /** Writes to {@code rows}. */
    public IndexTx(StoreTx rows) {
        this.rows = rows;
    }

    /** Lists a session under an attribute. */
    public void put(SessionState s, Attribute attribute) {
        rows.put(Table.INDEX, IndexRows.key(s.name(), attribute), IndexRows.listed());
    }

    /** Takes a session off the list of an attribute. */
    public void remove(SessionState s, Attribute attribute) {
        rows.remove(Table.INDEX, IndexRows.key(s.name(), attribute));
    }

    /** Notes that a client, if there is one, takes part in a session. */
    public void participate(SessionState s, @Nullable String clientId) {
        if (clientId == null || !known.add(new Participation(s.id(), clientId))) {
            return;
        }
        byte[] own = IndexRows.participantKey(s.id(), clientId);
        if (rows.get(Table.INDEX, own) != null) {
            return;
        }
        byte[] count = rows.get(Table.INDEX, IndexRows.participantsKey(s.id()));
        int participants = count == null ? 0 : IndexRows.participants(count);
        if (participants < MAX_PARTICIPANTS) {
            rows.put(Table.INDEX, own, IndexRows.listed());
            rows.put(Table.INDEX, IndexRows.participantsKey(s.id()), IndexRows.participants(participants + 1));
            put(s, new Participant(clientId));
        }
    }

    /** Who takes part in a session, at most {@code limit}, by client id. */
    public List<String> participants(SessionState s, int limit) {
        byte[] from = IndexRows.participantKey(s.id(), "");
        byte[] to = IndexRows.participantKey(s.id() + 1, "");
        return rows.list(Table.INDEX, from, to, limit).stream()
                .map(row -> IndexRows.participant(row.key()))
                .toList();
    }

    /** Whether a client takes part in a session. */
    public boolean participates(SessionState s, String clientId) {
        return rows.get(Table.INDEX, IndexRows.participantKey(s.id(), clientId)) != null;
    }

    /** What a session goes on from, or null. */
    public @Nullable Inheritance inheritance(SessionState s) {
        byte[] row = rows.get(Table.INDEX, IndexRows.originKey(s.id()));
        return row == null ? null : IndexRows.origin(row);
    }

    /** Notes what a session goes on from. */
    public void inherit(SessionState s, Inheritance now) {
        unlistFork(s);
        rows.put(Table.INDEX, IndexRows.originKey(s.id()), IndexRows.origin(now));
        now.origin().ancestors().forEach(ancestor -> put(s, new ForkOf(ancestor)));
    }

    private void unlistFork(SessionState s) {
        Inheritance known = inheritance(s);
        if (known != null) {
            known.origin().ancestors().forEach(ancestor -> remove(s, new ForkOf(ancestor)));
            rows.remove(Table.INDEX, IndexRows.originKey(s.id()));
        }
    }

    /** The ranges of keys in which there may have been attributes of the sessions of an app. */
    public static List<Range> rangesSharedIn(String app) {
        return List.of(
                new Range(Table.INDEX, IndexRows.first(app, true), IndexRows.last(app, true)),
                new Range(Table.INDEX, IndexRows.first(app, false), IndexRows.last(app, false)));
    }

    /** The ranges of keys in which there may have been something of one session. */
    public static List<Range> rangesOf(long session) {
        return List.of(
                new Range(
                        Table.INDEX, IndexRows.participantKey(session, ""), IndexRows.participantKey(session + 1, "")),
                new Range(Table.INDEX, IndexRows.participantsKey(session), IndexRows.participantsKey(session + 1)),
                new Range(Table.INDEX, IndexRows.originKey(session), IndexRows.originKey(session + 1)));
    }

    /** Takes a session off all lists but those of its labels. */
    public void removeAll(SessionState s) {
        remove(s, new OpenRun());
        remove(s, new StalledRun());
        unlistFork(s);
        byte[] from = IndexRows.participantKey(s.id(), "");
        byte[] to = IndexRows.participantKey(s.id() + 1, "");
        List<Row> participants = rows.list(Table.INDEX, from, to, MAX_PARTICIPANTS);
        participants.forEach(row -> remove(s, new Participant(IndexRows.participant(row.key()))));
        rows.removeRange(Table.INDEX, from, to);
        rows.remove(Table.INDEX, IndexRows.participantsKey(s.id()));
    }
}
