package dev.parley.engine;

import java.io.Serial;

/** The instants at which a simulated process can stop. It stops at a chosen one and does nothing more from then on. */
final class CrashPoints {
    private long left = Long.MAX_VALUE;
    private boolean down;

    /** The process stops here. An error, so that no code takes it for a failure it can handle. */
    static final class Crash extends Error {
        @Serial
        private static final long serialVersionUID = 1L;

        Crash() {
            super("simulated crash", null, false, false);
        }
    }

    /** A new process starts, which stops after {@code points} more points. */
    void restart(long points) {
        left = points;
        down = false;
    }

    /** Stops the process now. */
    Crash crash() {
        down = true;
        return new Crash();
    }

    /** Passes, or stops the process. */
    void point() {
        if (down || --left < 0) {
            throw crash();
        }
    }
}
