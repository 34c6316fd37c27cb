package dev.parley.engine.session.request;

import static dev.parley.engine.session.GoldenValues.BYTES;
import static dev.parley.engine.session.GoldenValues.EMPTY;
import static dev.parley.engine.session.GoldenValues.FULL;
import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts.Notice;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.DueAnswer;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.request.RequestRows.Call;
import dev.parley.engine.session.request.Requests.Listed;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What people are asked lies in the store as it always did. */
class RequestFormatTest {
    private static final long TIME = 1_700_000_000_000L;

    @Test
    void requests() throws IOException {
        GoldenBytes golden = new GoldenBytes("requests").without(RunNote.class).without(SessionCommand.class);
        golden.bytes("requestKey", RequestRows.requestKey(ID, "r1"));
        golden.bytes("requestsEnd", RequestRows.requestsEnd(ID));
        for (int i = 0; i < Status.values().length; i++) {
            Status status = List.of(Status.values()).get(i);
            boolean full = status == Status.APPROVED;
            golden.example(
                    "request that is " + status,
                    new SessionRequest(
                            NAME,
                            "r1",
                            new Terms(
                                    List.of(Kind.values()).get(i % 3),
                                    "täxt",
                                    full ? "agent" : null,
                                    full ? "run" : null,
                                    full ? "message" : null,
                                    full ? "call" : null,
                                    full ? "{\"a\":1}" : null,
                                    full ? List.of("ann") : List.of(),
                                    2,
                                    full ? TIME : 0,
                                    List.of(WhenDue.values()).get(i % 3),
                                    full ? new Notice("asked", "{\"s\":\"", "\",\"at\":", "}", "json") : null),
                            SERIAL,
                            status,
                            status == Status.OPEN ? 0 : SERIAL + 1,
                            full ? List.of(decision(Verdict.APPROVE), decision(Verdict.DENY)) : List.of()),
                    RequestRows::request,
                    RequestRows::request);
        }
        golden.example(
                "request that is a question",
                new SessionRequest(
                        NAME,
                        "r1",
                        new Terms(
                                Kind.QUESTION,
                                "",
                                null,
                                null,
                                null,
                                null,
                                null,
                                List.of(),
                                1,
                                0,
                                WhenDue.EXPIRE,
                                new Notice("asked", "", ",", "", null)),
                        SERIAL,
                        Status.ANSWERED,
                        SERIAL + 1,
                        List.of(decision(Verdict.ANSWER))),
                RequestRows::request,
                RequestRows::request);
        Map<String, DueAnswer> answers = Map.of(
                "request that is answered by its time",
                new DueAnswer(FULL, new RunNote.Said(0, "event", "run", false, List.of())),
                "request that is answered in bytes",
                new DueAnswer(BYTES, new RunNote.Said(0, "event", null, true, List.of("agent"))),
                "request that is answered by nothing",
                new DueAnswer(EMPTY, new RunNote.Said(0, "event", "run", false, List.of())));
        answers.forEach((name, answer) -> golden.example(
                name,
                new SessionRequest(
                        NAME,
                        "r1",
                        new Terms(
                                Kind.APPROVAL,
                                "",
                                null,
                                "run",
                                "message",
                                "call",
                                null,
                                List.of(),
                                1,
                                TIME,
                                WhenDue.DENY,
                                new Notice("asked", "", ",", "", null),
                                answer,
                                List.of("role:chef")),
                        SERIAL),
                RequestRows::request,
                RequestRows::request));
        golden.bytes("callKey", RequestRows.callKey(ID, "run", "call"));
        golden.bytes("callsEnd", RequestRows.callsEnd(ID, "run"));
        golden.bytes("firstCallKey", RequestRows.firstCallKey(ID));
        golden.example("call of a tool", new Call(SERIAL, "tool", null), RequestRows::call, RequestRows::call);
        golden.example("call of a tool, asked", new Call(SERIAL, "tool", "r1"), RequestRows::call, RequestRows::call);
        golden.bytes("closedKey", RequestRows.closedKey(ID, SERIAL, "r1"));
        golden.bytes("listed", RequestRows.listed());
        golden.bytes("inboxFrom", RequestRows.inboxFrom(true, NAME.key()));
        golden.bytes("inboxKey of an open one", RequestRows.inboxKey(true, NAME.key(), "r1"));
        golden.bytes("inboxKey of a closed one", RequestRows.inboxKey(false, NAME.key(), "r1"));
        golden.bytes("inboxEnd", RequestRows.inboxEnd(true, NAME.key()));
        byte[] key = RequestRows.inboxKey(true, NAME.key(), "r1");
        golden.example(
                "inbox of a request",
                new Listed(NAME, ID, "r1", Kind.ESCALATION, Status.OPEN, TIME, List.of("ann", "ben"), List.of()),
                RequestRows::inbox,
                row -> RequestRows.inbox(key, row));
        golden.example(
                "inbox of a request that asks a role",
                new Listed(
                        NAME,
                        ID,
                        "r1",
                        Kind.APPROVAL,
                        Status.OPEN,
                        TIME,
                        List.of("ann"),
                        List.of("role:b\u00f6ss", "capability:control")),
                RequestRows::inbox,
                row -> RequestRows.inbox(key, row));
        golden.bytes("dueKey", RequestRows.dueKey(TIME, ID, "r1"));
        golden.bytes("dueEnd", RequestRows.dueEnd(TIME));
        golden.example(
                "due of a request",
                new ExpireRequest(NAME, TIME, "r1"),
                command -> RequestRows.due(command.session(), command.requestId()),
                row -> RequestRows.due(row, TIME));
        golden.haveAllOf(RequestRows.class);
        golden.complete();
    }

    private static Decision decision(Verdict verdict) {
        boolean full = verdict == Verdict.APPROVE;
        return new Decision(
                "d1",
                verdict,
                full ? "ann" : null,
                "app.key",
                TIME,
                full ? "conn" : null,
                full ? "telephone" : null,
                full ? "well" : null,
                full ? "{\"a\":2}" : null);
    }
}
