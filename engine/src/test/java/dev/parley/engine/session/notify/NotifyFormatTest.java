package dev.parley.engine.session.notify;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.Notification.MessageUnseen;
import dev.parley.engine.session.Notification.RequestOpened;
import dev.parley.engine.session.Notification.RunFinished;
import dev.parley.engine.session.SessionRequest;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What applications are to be told lies in the store as it always did. */
class NotifyFormatTest {
    private static final long TIME = 1_700_000_000_000L;

    @Test
    void notifications() throws IOException {
        GoldenBytes golden = new GoldenBytes("notifications");
        golden.bytes("notificationKey", NotifyRows.notificationKey(ID, "n1-2-0"));
        for (Notification.About about : List.of(
                new RequestOpened("ask ü", SessionRequest.Kind.APPROVAL, "pay", "run", TIME),
                new RequestOpened("ask", SessionRequest.Kind.QUESTION, "", null, 0),
                new RequestOpened("ask", SessionRequest.Kind.ESCALATION, "", null, 0),
                new RunFinished("run ü", "complete"),
                new RunFinished("run", null),
                new MessageUnseen(SERIAL, "näme", "bot"),
                new MessageUnseen(SERIAL, null, null))) {
            golden.example(
                    "notification of " + about,
                    new Notification(
                            NAME, "n1-2-0", about, List.of("ann", "ü"), List.of("role:boss"), TIME, 3, TIME + 9),
                    NotifyRows::notification,
                    NotifyRows::notification);
        }
        golden.bytes("timeKey", NotifyRows.timeKey(TIME, ID, "n1-2-0"));
        golden.bytes("timesStart", NotifyRows.timesStart());
        golden.bytes("timesEnd", NotifyRows.timesEnd(TIME));
        golden.example(
                "time of a notification",
                new Notifications.Due(NAME, "n1-2-0"),
                due -> NotifyRows.time(due.session(), due.id()),
                NotifyRows::time);
        golden.bytes("toldKey", NotifyRows.toldKey(ID, "ann ü"));
        golden.example("told", "n1-2-0", NotifyRows::told, NotifyRows::told);
        golden.bytes("agentKey", NotifyRows.agentKey(ID, "bot ü"));
        golden.bytes("agent", NotifyRows.agent());
        golden.haveAllOf(NotifyRows.class);
        golden.complete();
    }
}
