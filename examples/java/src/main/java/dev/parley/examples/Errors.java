package dev.parley.examples;

import dev.parley.client.ParleyException;
import dev.parley.client.Session;
import java.util.Objects;

/** What a caller does about each kind of failure. */
public final class Errors {
    private Errors() {}

    /** Appends to an answer; returns whether it is there. */
    public static boolean append(Session session, String serial, String text) {
        // region errors
        try {
            session.append(serial, text);
            return true;
        } catch (ParleyException.OutcomeUnknown e) {
            // Only an append can end like this. Look before you repeat it.
            return Objects.requireNonNullElse(session.message(serial).text(), "")
                    .endsWith(text);
        } catch (ParleyException.TimedOut | ParleyException.Interrupted e) {
            // It is still being sent, and has its effect once when the server is back. Do not repeat it.
            return false;
        } catch (ParleyException e) {
            if (e.retryHelps()) {
                return append(session, serial, text); // after a pause
            }
            throw e; // refused, denied or closed: the same call would fail again
        }
        // endregion
    }
}
