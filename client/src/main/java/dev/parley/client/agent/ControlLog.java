package dev.parley.client.agent;

import dev.parley.client.Control;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the messages of a session say about its control, as far as they are known. Not thread-safe. */
final class ControlLog {
    private Control control = Control.DEFAULT;
    private String serial = "";

    /** The serials of the messages with which agents have suspended runs because a person has taken over, by the runs. */
    private final Map<String, String> suspensions = new HashMap<>();

    void take(SessionMessage message) {
        if (Control.MESSAGE.equals(message.name())) {
            if (message.data() != null && message.serial().compareTo(serial) > 0) {
                control = Control.of(message.data());
                serial = message.serial();
            }
        } else if (WireForm.TAKEN_OVER.equals(message.headers().get(WireForm.SUSPEND_REASON))) {
            String runId = message.headers().get(WireForm.RUN_ID);
            if (runId != null) {
                suspensions.merge(runId, message.serial(), (a, b) -> a.compareTo(b) < 0 ? b : a);
            }
        }
    }

    /** Who has the control. */
    Control control() {
        return control;
    }

    /** The serial of the last message about the control; empty if there is none. */
    String serial() {
        return serial;
    }

    /** The serial of the message that has suspended a run because a person has taken over; null if there is none. */
    @Nullable
    String suspension(String runId) {
        return suspensions.get(runId);
    }
}
