package dev.parley.engine.session.request;

import dev.parley.engine.session.Attribute.OpenRequest;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.request.RequestRows.Call;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The requests of sessions as a batch of commands sees and changes them. Not thread-safe. */
public final class RequestTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final MessageTx messages;
    private final List<String> asked = new ArrayList<>();
    private final List<String> closed = new ArrayList<>();

    /** Begins in {@code batch}. */
    public RequestTx(SessionBatch batch, MessageTx messages) {
        this.batch = batch;
        this.rows = batch.rows();
        this.messages = messages;
    }

    /** The messages of sessions. */
    MessageTx messages() {
        return messages;
    }

    /** The state as it is by now. */
    SessionState now(SessionState s) {
        return Objects.requireNonNull(batch.find(s.name()));
    }

    /** Whether the session has requests, or calls that they may be about. */
    boolean isAny(SessionState s) {
        return !rows.isEmpty(Table.ASKED, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1));
    }

    /** A request, or null if there is none with this id. */
    public @Nullable SessionRequest find(SessionState s, String id) {
        byte[] row = rows.get(Table.ASKED, RequestRows.requestKey(s.id(), id));
        return row == null ? null : RequestRows.request(row);
    }

    /** The open requests. */
    List<SessionRequest> open(SessionState s) {
        return openRows(s, RequestMachine.MAX_OPEN).stream()
                .map(row -> Objects.requireNonNull(
                        find(s, RequestRows.inbox(row.key(), row.value()).id())))
                .toList();
    }

    int countOpen(SessionState s, int limit) {
        return openRows(s, limit).size();
    }

    private List<Row> openRows(SessionState s, int limit) {
        String session = s.name().key();
        return rows.list(
                Table.INBOX, RequestRows.inboxKey(true, session, ""), RequestRows.inboxEnd(true, session), limit);
    }

    @Nullable
    Call call(SessionState s, String runId, String toolCallId) {
        byte[] row = rows.get(Table.ASKED, RequestRows.callKey(s.id(), runId, toolCallId));
        return row == null ? null : RequestRows.call(row);
    }

    int countCalls(SessionState s, int limit) {
        return rows.list(Table.ASKED, RequestRows.firstCallKey(s.id()), RequestRows.closedKey(s.id(), 0, ""), limit)
                .size();
    }

    void putCall(SessionState s, String runId, String toolCallId, Call call) {
        rows.put(Table.ASKED, RequestRows.callKey(s.id(), runId, toolCallId), RequestRows.call(call));
    }

    /** Forgets the calls of a run that no request is about. */
    void removeCalls(SessionState s, String runId) {
        rows
                .list(
                        Table.ASKED,
                        RequestRows.callKey(s.id(), runId, ""),
                        RequestRows.callsEnd(s.id(), runId),
                        RequestMachine.MAX_CALLS)
                .stream()
                .filter(row -> RequestRows.call(row.value()).requestId() == null)
                .forEach(row -> rows.remove(Table.ASKED, row.key()));
    }

    /** Adds an open request. */
    void add(SessionState s, SessionRequest request) {
        asked.add(request.id());
        putRow(s, request);
        list(s, request);
        batch.index().put(s, new OpenRequest());
        SessionRequest.Terms terms = request.terms();
        if (terms.due() != 0) {
            rows.put(
                    Table.DUE,
                    RequestRows.dueKey(terms.due(), s.id(), request.id()),
                    RequestRows.due(s.name(), request.id()));
        }
        if (terms.runId() != null && terms.toolCallId() != null) {
            Call call = call(s, terms.runId(), terms.toolCallId());
            Call about = call == null ? new Call(0, terms.title(), null) : call;
            putCall(s, terms.runId(), terms.toolCallId(), about.askedBy(request.id()));
        }
    }

    /** Replaces a request that stays open. */
    void putRow(SessionState s, SessionRequest request) {
        rows.put(Table.ASKED, RequestRows.requestKey(s.id(), request.id()), RequestRows.request(request));
    }

    private void list(SessionState s, SessionRequest request) {
        rows.put(
                Table.INBOX,
                RequestRows.inboxKey(request.isOpen(), s.name().key(), request.id()),
                RequestRows.inbox(Requests.Listed.of(s.id(), request)));
    }

    private void unlist(SessionState s, SessionRequest request) {
        rows.remove(Table.INBOX, RequestRows.inboxKey(request.isOpen(), s.name().key(), request.id()));
        if (request.isOpen() && request.terms().due() != 0) {
            rows.remove(Table.DUE, RequestRows.dueKey(request.terms().due(), s.id(), request.id()));
        }
    }

    /** Replaces an open request by one that is closed. */
    void close(SessionState s, SessionRequest before, SessionRequest after) {
        closed.add(before.id());
        unlist(s, before);
        if (countOpen(s, 1) == 0) {
            batch.index().remove(s, new OpenRequest());
        }
        putRow(s, after);
        list(s, after);
        rows.put(Table.ASKED, RequestRows.closedKey(s.id(), after.closed(), after.id()), RequestRows.listed());
        List<Row> kept = closedRows(s, 0, Long.MAX_VALUE);
        if (kept.size() > RequestMachine.MAX_CLOSED) {
            drop(s, kept.getFirst());
        }
    }

    /** The ids of what the present command has asked people. Asked again, there are none. */
    public List<String> takeAsked() {
        List<String> taken = List.copyOf(asked);
        asked.clear();
        return taken;
    }

    /** The ids of the requests that the present command has closed. Asked again, there are none. */
    public List<String> takeClosed() {
        List<String> taken = List.copyOf(closed);
        closed.clear();
        return taken;
    }

    private List<Row> closedRows(SessionState s, long from, long end) {
        return rows.list(
                Table.ASKED,
                RequestRows.closedKey(s.id(), from, ""),
                RequestRows.closedKey(s.id(), end, ""),
                RequestMachine.MAX_CLOSED + 1);
    }

    private void drop(SessionState s, Row closedRow) {
        drop(s, Objects.requireNonNull(find(s, RequestRows.closedId(closedRow.key()))));
    }

    /** Removes a request that is closed. */
    void drop(SessionState s, SessionRequest closed) {
        unlist(s, closed);
        rows.remove(Table.ASKED, RequestRows.requestKey(s.id(), closed.id()));
        rows.remove(Table.ASKED, RequestRows.closedKey(s.id(), closed.closed(), closed.id()));
        SessionRequest.Terms terms = closed.terms();
        if (terms.runId() != null && terms.toolCallId() != null) {
            Call call = call(s, terms.runId(), terms.toolCallId());
            if (call != null && closed.id().equals(call.requestId())) {
                rows.remove(Table.ASKED, RequestRows.callKey(s.id(), terms.runId(), terms.toolCallId()));
            }
        }
    }

    /** Removes the requests that were closed up to {@code upTo}. Those that are open stay. */
    public void trim(SessionState s, long upTo) {
        closedRows(s, 0, upTo + 1).forEach(row -> drop(s, row));
    }

    /** Takes all requests of a session off the lists of all sessions; their own rows stay. */
    public void unlist(SessionState s) {
        if (!isAny(s)) {
            return;
        }
        open(s).forEach(request -> unlist(s, request));
        batch.index().remove(s, new OpenRequest());
        String session = s.name().key();
        rows.removeRange(Table.INBOX, RequestRows.inboxKey(false, session, ""), RequestRows.inboxEnd(false, session));
    }
}
