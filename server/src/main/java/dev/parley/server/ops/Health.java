package dev.parley.server.ops;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * The state of the server. Whoever starts and stops the server sets it; the health checks and the HTTP front read it.
 */
public final class Health {

    public enum State {
        STARTING("Parley is starting, and recovers its data."),
        READY("ready"),
        DRAINING("Parley is shutting down."),
        FAILED("Parley has met an error after which it cannot continue, and stops.");

        private final String message;

        State(String message) {
            this.message = message;
        }

        public String message() {
            return message;
        }
    }

    private volatile State state = State.STARTING;
    private final Set<String> failing = new ConcurrentSkipListSet<>();

    public State state() {
        return state;
    }

    public boolean isReady() {
        return state == State.READY;
    }

    /**
     * Notes whether a part of the server works. If it fails, the health check names it, and requests are still served;
     * whatever depends on the part is delayed.
     *
     * @param part the name that is shown, in letters and spaces
     */
    public void report(String part, boolean works) {
        if (works) {
            failing.remove(part);
        } else {
            failing.add(part);
        }
    }

    /** The parts that fail at the moment, sorted. */
    public List<String> failing() {
        return List.copyOf(failing);
    }

    /** A failure is final. */
    public synchronized void become(State next) {
        if (state != State.FAILED) {
            state = next;
        }
    }
}
