package dev.parley.engine.session.attendance;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.log.Membership;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Attendances lie in the store as they always did. */
class AttendanceFormatTest {
    @Test
    void attendances() throws IOException {
        GoldenBytes golden = new GoldenBytes("attendances").without(SessionCommand.class);
        golden.bytes("departureKey", AttendanceRows.departureKey(SERIAL, ID, "conn"));
        golden.bytes("departuresEnd", AttendanceRows.departuresEnd(SERIAL));
        golden.old(
                "attendance of a lost connection",
                new Attendance(300, SERIAL, SERIAL + 1, 0, 0, false),
                AttendanceRows::attendance);
        golden.old("attendance of a connection that is back", Attendance.here(300), AttendanceRows::attendance);
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
                "attendance, back", Attendance.here(300), AttendanceRows::attendance, AttendanceRows::attendance);
        golden.example(
                "departure of a connection",
                new SessionCommand.Depart(NAME, 5, "conn", 300),
                depart -> AttendanceRows.departure(depart.session(), depart.connectionId(), depart.epoch()),
                row -> AttendanceRows.departure(row, 5));
        golden.bytes("arrivalKey", AttendanceRows.arrivalKey(300, ID, "conn"));
        golden.bytes("arrivalsFrom", AttendanceRows.arrivalsFrom(300));
        golden.example(
                "arrival of a connection",
                new Membership(NAME, "conn"),
                AttendanceRows::arrival,
                AttendanceRows::arrival);
        golden.haveAllOf(AttendanceRows.class);
        golden.complete();
    }
}
