package dev.parley.server.wake;

import dev.parley.engine.session.Wake;
import dev.parley.server.timeline.Timelines;
import java.time.InstantSource;

/** Notes in the timelines of sessions how calls of agents went. */
record CallNotes(Timelines timelines, InstantSource clock) {

    /**
     * Notes how a call went.
     *
     * @param status what was answered; 0 if nothing was
     */
    void note(Wake wake, int status, String detail) {
        timelines.note(
                wake.session(),
                Timelines.Event.call(
                        clock.millis(), "wake-call", wake.agentId(), wake.id(), wake.attempts(), status, detail));
    }
}
