package dev.parley.engine.session.log;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows.Logged;
import dev.parley.engine.session.message.MessageExamples;
import dev.parley.engine.session.object.ObjectIdExamples;
import dev.parley.engine.session.presence.PresenceExamples;
import dev.parley.engine.session.remembered.RememberedExamples;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Sessions lie in the store as they always did. */
class SessionFormatTest {
    @Test
    void sessions() throws IOException {
        GoldenBytes golden = new GoldenBytes("sessions").without(SessionEntry.class);
        golden.bytes("sessionKey", SessionRows.sessionKey(NAME.key()));
        golden.bytes("idKey", SessionRows.idKey(ID));
        golden.bytes("positionKey", SessionRows.positionKey(ID, SERIAL));
        golden.bytes("connectionKey", SessionRows.connectionKey(ID, "conn"));
        golden.bytes("connectionEnd", SessionRows.connectionEnd(ID, "conn"));
        golden.example(
                "session of some age",
                new SessionState(NAME, ID, SERIAL, SERIAL - 300, 65_536, 200, Control.DEFAULT, false),
                SessionRows::session,
                SessionRows::session);
        for (Control.Mode mode : Control.Mode.values()) {
            String holder = mode == Control.Mode.PERSON ? "client" : null;
            golden.example(
                    "session with the control of " + mode,
                    new SessionState(
                            NAME, ID, SERIAL, 0, 0, 0, new Control(mode, holder, SERIAL, 300, holder == null), false),
                    SessionRows::session,
                    SessionRows::session);
        }
        golden.example(
                "session with an agent that is stalled",
                new SessionState(NAME, ID, SERIAL, 0, 0, 0, Control.DEFAULT, true),
                SessionRows::session,
                SessionRows::session);
        for (Logged logged : List.of(
                new Logged.Message(SERIAL),
                new Logged.Presence(),
                new Logged.Annotation(SERIAL),
                new Logged.Summary(SERIAL))) {
            golden.example(
                    "logged " + logged.getClass().getSimpleName(), logged, SessionRows::logged, SessionRows::logged);
        }
        golden.example("positions", List.of(SERIAL, 0L), SessionRows::positions, SessionRows::positions);
        golden.example("positions, none", List.<Long>of(), SessionRows::positions, SessionRows::positions);
        golden.example(
                "removed",
                new Removed(SERIAL - 300, SERIAL, List.of(SERIAL - 200, SERIAL)),
                Removed::row,
                Removed::removed);
        golden.example("removed, none", new Removed(0, SERIAL, List.of()), Removed::row, Removed::removed);
        golden.haveAllOf(SessionRows.class);
        MessageExamples.check(golden);
        PresenceExamples.check(golden);
        RememberedExamples.check(golden);
        ObjectIdExamples.check(golden);
        golden.complete();
    }
}
