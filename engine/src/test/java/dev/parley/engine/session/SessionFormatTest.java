package dev.parley.engine.session;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.AnnotationRows.Sum;
import dev.parley.engine.session.AnnotationRows.Totals;
import dev.parley.engine.session.Head.Shape;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.MessageRows.Message;
import dev.parley.engine.session.MessageRows.Version;
import dev.parley.engine.session.SessionRows.Logged;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Sessions lie in the store as they always did. */
class SessionFormatTest {
    private static final long ID = 0x0102_0304_0506L;
    private static final long SERIAL = 0x0607_0809_0A0BL;
    private static final SessionName NAME = new SessionName("app", "chat:ü");
    private static final Body FULL = new Body("name", Data.of("täxt"), "json", "{\"a\":1}");
    private static final Body BYTES = new Body(null, Data.of(new byte[] {0, -1}), null, null);
    private static final Operation BY = new Operation("client", "why", "{\"b\":2}");
    private static final Operation BY_NOBODY = new Operation(null, null, null);

    @Test
    void sessions() throws IOException {
        GoldenBytes golden = new GoldenBytes("sessions").without(SessionEntry.class);
        keys(golden);
        golden.example(
                "session of some age",
                new SessionState(NAME, ID, SERIAL, SERIAL - 300, 65_536, 200),
                SessionRows::session,
                SessionRows::session);
        golden.example("growing", NAME, MessageRows::growing, MessageRows::growing);
        for (Logged logged : List.of(
                new Logged.Message(SERIAL),
                new Logged.Presence(),
                new Logged.Annotation(SERIAL),
                new Logged.Summary(SERIAL))) {
            golden.example(
                    "logged " + logged.getClass().getSimpleName(), logged, SessionRows::logged, SessionRows::logged);
        }
        message(golden, "message whole", new Message(head(Action.CREATE, null, 0, Shape.of(FULL)), FULL));
        message(golden, "message whole, of bytes", new Message(head(Action.UPDATE, BY, 0, Shape.of(BYTES)), BYTES));
        message(
                golden,
                "message whole, empty",
                new Message(head(Action.DELETE, BY, 0, Shape.of(Body.EMPTY)), Body.EMPTY));
        message(
                golden,
                "message in pieces",
                new Message(head(Action.UPDATE, BY_NOBODY, 300, new Shape("name", 65_536, true, 4, 7)), null));
        message(
                golden,
                "message in pieces, without data",
                new Message(head(Action.APPEND, BY, 2, new Shape(null, -1, false, 0, 0)), null));
        version(golden, "version of its beginning", new Version(SERIAL + 1, Action.CREATE, 0, null, FULL));
        version(golden, "version of an update", new Version(SERIAL + 1, Action.UPDATE, SERIAL, BY, BYTES));
        version(golden, "version of a piece", new Version(SERIAL + 1, Action.APPEND, SERIAL, BY_NOBODY, BYTES));
        version(golden, "version of a deletion", new Version(SERIAL + 1, Action.DELETE, SERIAL, BY, Body.EMPTY));
        for (PresenceEntry.Action action : PresenceEntry.Action.values()) {
            golden.example(
                    "presence of a member, " + action,
                    new PresenceEntry(SERIAL, action, "id", "client", "conn", FULL),
                    PresenceRows::presence,
                    PresenceRows::presence);
        }
        golden.example("positions", List.of(SERIAL, 0L), SessionRows::positions, SessionRows::positions);
        golden.example("positions, none", List.<Long>of(), SessionRows::positions, SessionRows::positions);
        golden.example("serial", SERIAL, MessageRows::serial, MessageRows::serial);
        golden.haveAllOf(SessionRows.class);
        golden.haveAllOf(MessageRows.class);
        golden.haveAllOf(PresenceRows.class);
        golden.haveAllOf(RequestRows.class);
        golden.haveAllOf(ObjectIdRows.class);
        golden.complete();
    }

    private static void keys(GoldenBytes golden) {
        golden.bytes("sessionKey", SessionRows.sessionKey(NAME.key()));
        golden.bytes("idKey", SessionRows.idKey(ID));
        golden.bytes("positionKey", SessionRows.positionKey(ID, SERIAL));
        golden.bytes("versionKey", MessageRows.versionKey(ID, SERIAL, SERIAL + 1));
        golden.bytes("messageIdKey", MessageRows.messageIdKey(ID, "id"));
        golden.bytes("connectionKey", SessionRows.connectionKey(ID, "conn"));
        golden.bytes("connectionEnd", SessionRows.connectionEnd(ID, "conn"));
        golden.bytes("memberKey", PresenceRows.memberKey(ID, "conn", "client"));
        golden.bytes("requestKey", RequestRows.requestKey(ID, "conn", 300));
        golden.bytes("objectIdKey", ObjectIdRows.objectIdKey(ID, "id"));
        golden.bytes("objectIdAgeKey", ObjectIdRows.objectIdAgeKey(ID, SERIAL));
    }

    /** With all flags set on a message that is created and in pieces, and none on others. */
    private static Head head(Action action, @Nullable Operation by, int pieces, Shape shape) {
        boolean set = pieces == 300 || action == Action.CREATE;
        return new Head(
                SERIAL,
                SERIAL + 300,
                set ? SERIAL : 0,
                action,
                set ? "id" : null,
                set,
                set ? "client" : null,
                set ? "conn" : null,
                by,
                pieces > 0 ? SERIAL + 1 : 0,
                pieces,
                70_000,
                set,
                set,
                shape);
    }

    private static void message(GoldenBytes golden, String name, Message message) {
        golden.example(
                name,
                message,
                m -> MessageRows.message(m.head(), m.body()),
                row -> MessageRows.message(SessionRows.positionKey(ID, SERIAL), row));
    }

    private static void version(GoldenBytes golden, String name, Version version) {
        golden.example(
                name,
                version,
                MessageRows::version,
                row -> MessageRows.version(MessageRows.versionKey(ID, SERIAL, version.position()), row));
    }

    @Test
    void annotations() throws IOException {
        GoldenBytes golden = new GoldenBytes("annotations").without(SessionEntry.class);
        byte[] key = AnnotationRows.annotationKey(ID, SERIAL, SERIAL + 1);
        golden.bytes("annotationKey", key);
        golden.example(
                "annotation of a client",
                new AnnotationEntry(
                        SERIAL + 1,
                        AnnotationEntry.Action.CREATE,
                        SERIAL,
                        "t:sum.v1",
                        300,
                        "id",
                        "client",
                        "conn",
                        FULL),
                AnnotationRows::annotation,
                row -> AnnotationRows.annotation(key, row));
        golden.example(
                "annotation of nobody, taken back",
                new AnnotationEntry(
                        SERIAL + 1, AnnotationEntry.Action.DELETE, SERIAL, "t:sum.v1", 0, null, null, null, Body.EMPTY),
                AnnotationRows::annotation,
                row -> AnnotationRows.annotation(key, row));
        golden.example(
                "annotation of bytes",
                new AnnotationEntry(
                        SERIAL + 1, AnnotationEntry.Action.CREATE, SERIAL, "t:sum.v1", 0, null, null, null, BYTES),
                AnnotationRows::annotation,
                row -> AnnotationRows.annotation(key, row));
        golden.bytes("totalsKey", AnnotationRows.totalsKey(ID, SERIAL));
        golden.example(
                "totals of a message",
                new Totals(300, 2, 65_536, SERIAL),
                AnnotationRows::totals,
                AnnotationRows::totals);
        golden.bytes("firstSumKey", AnnotationRows.firstSumKey(ID, SERIAL));
        golden.bytes("sumsEnd", AnnotationRows.sumsEnd(ID, SERIAL));
        golden.bytes("sumKey", AnnotationRows.sumKey(ID, SERIAL, "t:sum.v1", "name"));
        golden.example(
                "sum of a name", new Sum("t:sum.v1", "name", 300, 200, 100), AnnotationRows::sum, AnnotationRows::sum);
        golden.bytes("firstPartKey", AnnotationRows.firstPartKey(ID, SERIAL, "t:sum.v1", "name"));
        golden.bytes("partsEnd", AnnotationRows.partsEnd(ID, SERIAL, "t:sum.v1", "name"));
        golden.bytes("partKey", AnnotationRows.partKey(ID, SERIAL, "t:sum.v1", "name", "client"));
        golden.example("part of a client", 300L, AnnotationRows::part, AnnotationRows::part);
        golden.bytes("choiceKey", AnnotationRows.choiceKey(ID, SERIAL, "t:unique.v1", "client"));
        golden.example("choice of a client", "näme", AnnotationRows::choice, AnnotationRows::choice);
        golden.haveAllOf(AnnotationRows.class);
        golden.complete();
    }

    @Test
    void attendances() throws IOException {
        GoldenBytes golden = new GoldenBytes("attendances").without(SessionCommand.class);
        golden.bytes("departureKey", AttendanceRows.departureKey(SERIAL, ID, "conn"));
        golden.bytes("departuresEnd", AttendanceRows.departuresEnd(SERIAL));
        golden.old(
                "attendance of a lost connection",
                new Attendance(300, SERIAL, SERIAL + 1, 0, 0, false),
                AttendanceRows::attendance);
        golden.old("attendance of a connection that is back", Attendance.back(300), AttendanceRows::attendance);
        golden.example(
                "attendance of a lost agent",
                new Attendance(300, SERIAL, SERIAL + 1, SERIAL + 2, SERIAL + 3, false),
                AttendanceRows::attendance,
                AttendanceRows::attendance);
        golden.example(
                "attendance of a lost agent of which others were told",
                new Attendance(300, 0, SERIAL + 1, 0, SERIAL + 3, true),
                AttendanceRows::attendance,
                AttendanceRows::attendance);
        golden.example(
                "attendance, back", Attendance.back(300), AttendanceRows::attendance, AttendanceRows::attendance);
        golden.example(
                "departure of a connection",
                new SessionCommand.Depart(NAME, 5, "conn", 300),
                depart -> AttendanceRows.departure(depart.session(), depart.connectionId(), depart.epoch()),
                row -> AttendanceRows.departure(row, 5));
        golden.haveAllOf(AttendanceRows.class);
        golden.complete();
    }

    @Test
    void runs() throws IOException {
        GoldenBytes golden = new GoldenBytes("runs").without(RunNote.class);
        golden.bytes("runKey", RunRows.runKey(ID, "run"));
        golden.bytes("cancelKey", RunRows.cancelKey(ID, SERIAL));
        golden.example(
                "run of an agent", new Run(NAME, "run", SERIAL, "input", "conn", false), RunRows::run, RunRows::run);
        golden.example("run of nobody", new Run(NAME, "run", SERIAL, null, null, true), RunRows::run, RunRows::run);
        golden.example("cancel of a run", new RunNote.Cancel(0, "run", null), RunRows::cancel, RunRows::cancel);
        golden.example("cancel of an input", new RunNote.Cancel(300, null, "input"), RunRows::cancel, RunRows::cancel);
        golden.bytes("textsKey", RunRows.textsKey(ID, "run"));
        golden.example(
                "texts of a run",
                new RunTexts(
                        FULL,
                        new RunTexts.Notice("away", "{\"c\":\"", "\",\"at\":", "}", "json"),
                        new RunTexts.Notice("back", "", ",", "", null)),
                RunRows::texts,
                RunRows::texts);
        golden.example(
                "texts of a run, without data",
                new RunTexts(
                        Body.EMPTY,
                        new RunTexts.Notice("away", "", ",", "", null),
                        new RunTexts.Notice("back", "", ",", "", null)),
                RunRows::texts,
                RunRows::texts);
        golden.example(
                "texts of a run, of bytes",
                new RunTexts(
                        BYTES,
                        new RunTexts.Notice("away", "", ",", "", null),
                        new RunTexts.Notice("back", "", ",", "", null)),
                RunRows::texts,
                RunRows::texts);
        golden.bytes("openKey", RunRows.openKey(ID, SERIAL));
        golden.example("open message of a run", new RunRows.Open("run", "{\"a\":1}"), RunRows::open, RunRows::open);
        golden.haveAllOf(RunRows.class);
        golden.complete();
    }
}
