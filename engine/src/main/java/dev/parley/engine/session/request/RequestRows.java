package dev.parley.engine.session.request;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.codec.RequestCodec;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The form of requests in the store: the requests of a session, the calls of tools that requests may be about, closed requests
 * by age; the inbox, which has the requests of all sessions by name; and the list of what is due.
 */
final class RequestRows {
    private static final int VERSION = 1;

    /** The version of the inbox with whose credentials may answer. */
    private static final int GRANTS = 2;

    private static final int REQUEST = 0;
    private static final int CALL = 1;
    private static final int CLOSED = 2;

    /** The parts of the inbox. */
    private static final int OPEN = 0;

    private static final int NOT_OPEN = 1;

    /** Between the name of a session and the id of a request. Names have no such character. */
    private static final char END = 0;

    private RequestRows() {}

    /**
     * A call of a tool in a run that has not ended, or that a request is about.
     *
     * @param serial the message with the arguments; 0 if it is not known
     * @param requestId the newest request about it, or null
     */
    record Call(long serial, String tool, @Nullable String requestId) {
        Call askedBy(String request) {
            return new Call(serial, tool, request);
        }
    }

    static byte[] requestKey(long session, String id) {
        return ofText(session, REQUEST, id).toBytes();
    }

    /** The key behind all requests of a session. */
    static byte[] requestsEnd(long session) {
        return new BinaryWriter(9).fixed64(session).u8(REQUEST + 1).toBytes();
    }

    private static BinaryWriter ofText(long session, int kind, String text) {
        return new BinaryWriter(48).fixed64(session).u8(kind).raw(text.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] request(SessionRequest request) {
        BinaryWriter out = new BinaryWriter(request.weight()).u8(VERSION);
        ValueCodec.name(out, request.session());
        RequestCodec.terms(out.string(request.id()), request.terms()).fixed64(request.since());
        RequestCodec.status(out, request.status());
        out.fixed64(request.closed()).varint(request.decisions().size());
        request.decisions().forEach(decision -> RequestCodec.decision(out, decision));
        return out.toBytes();
    }

    static SessionRequest request(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        SessionName session = ValueCodec.name(in);
        String id = in.string();
        Terms terms = RequestCodec.terms(in);
        long since = in.fixed64();
        Status status = RequestCodec.status(in);
        long closed = in.fixed64();
        int count = in.count();
        List<Decision> decisions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            decisions.add(RequestCodec.decision(in));
        }
        return new SessionRequest(session, id, terms, since, status, closed, List.copyOf(decisions));
    }

    private static BinaryWriter callsOf(long session, String runId) {
        return new BinaryWriter(64).fixed64(session).u8(CALL).string(runId);
    }

    static byte[] callKey(long session, String runId, String toolCallId) {
        return callsOf(session, runId)
                .raw(toolCallId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** The key behind all calls of a run. */
    static byte[] callsEnd(long session, String runId) {
        byte[] end = callsOf(session, runId).toBytes();
        // Neither a length nor UTF-8 ends in 0xFF.
        end[end.length - 1]++;
        return end;
    }

    /** The first key of all calls of a session; that of closed requests is behind them. */
    static byte[] firstCallKey(long session) {
        return new BinaryWriter(9).fixed64(session).u8(CALL).toBytes();
    }

    static byte[] call(Call call) {
        return new BinaryWriter(64)
                .u8(VERSION)
                .fixed64(call.serial())
                .string(call.tool())
                .optional(call.requestId())
                .toBytes();
    }

    static Call call(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new Call(in.fixed64(), in.string(), in.optional());
    }

    /** Also the first key of what was closed at {@code position} or later, if {@code id} is empty. */
    static byte[] closedKey(long session, long position, String id) {
        return new BinaryWriter(64)
                .fixed64(session)
                .u8(CLOSED)
                .fixed64(position)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static long closedAt(byte[] closedKey) {
        BinaryReader in = new BinaryReader(closedKey);
        in.fixed64();
        in.u8();
        return in.fixed64();
    }

    static String closedId(byte[] closedKey) {
        return new String(closedKey, 17, closedKey.length - 17, StandardCharsets.UTF_8);
    }

    /** The row of a list whose keys say everything. */
    static byte[] listed() {
        return new byte[] {VERSION};
    }

    /** Begins the keys of the requests of sessions whose keys begin with {@code sessions}. */
    static byte[] inboxFrom(boolean open, String sessions) {
        return new BinaryWriter(64)
                .u8(open ? OPEN : NOT_OPEN)
                .raw(sessions.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] inboxKey(boolean open, String session, String id) {
        return inboxFrom(open, session + END + id);
    }

    /** The key behind all requests of a session in the inbox. */
    static byte[] inboxEnd(boolean open, String session) {
        return inboxFrom(open, session + (char) (END + 1));
    }

    static byte[] inbox(Requests.Listed listed) {
        BinaryWriter out = new BinaryWriter(64)
                .u8(listed.grants().isEmpty() ? VERSION : GRANTS)
                .fixed64(listed.sessionId());
        RequestCodec.kind(out, listed.kind());
        RequestCodec.status(out, listed.status());
        RequestCodec.strings(out.varint(listed.due()), listed.clientIds());
        if (!listed.grants().isEmpty()) {
            RequestCodec.strings(out, listed.grants());
        }
        return out.toBytes();
    }

    static Requests.Listed inbox(byte[] inboxKey, byte[] row) {
        String key = new String(inboxKey, 1, inboxKey.length - 1, StandardCharsets.UTF_8);
        int slash = key.indexOf('/');
        int end = key.indexOf(END, slash);
        BinaryReader in = new BinaryReader(row);
        int version = in.version(VERSION, GRANTS);
        long sessionId = in.fixed64();
        Kind kind = RequestCodec.kind(in);
        Status status = RequestCodec.status(in);
        return new Requests.Listed(
                new SessionName(key.substring(0, slash), key.substring(slash + 1, end)),
                sessionId,
                key.substring(end + 1),
                kind,
                status,
                in.varint(),
                RequestCodec.strings(in),
                version < GRANTS ? List.of() : RequestCodec.strings(in));
    }

    static byte[] dueKey(long due, long session, String id) {
        return new BinaryWriter(64)
                .fixed64(due)
                .fixed64(session)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** Behind the last key of what is due until {@code millis}, inclusive. */
    static byte[] dueEnd(long millis) {
        return new BinaryWriter(8).fixed64(millis + 1).toBytes();
    }

    static byte[] due(SessionName session, String id) {
        BinaryWriter out = new BinaryWriter(64).u8(VERSION);
        ValueCodec.name(out, session);
        return out.string(id).toBytes();
    }

    /** The command that closes the request. */
    static ExpireRequest due(byte[] row, long now) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new ExpireRequest(ValueCodec.name(in), now, in.string());
    }
}
