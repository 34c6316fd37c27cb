package dev.parley.server.ops;

/** How the server is: written by whoever starts and stops it, read by the health checks and the front. */
public final class Health {

    public enum State {
        STARTING("Parley is starting: it recovers what it has stored."),
        READY("ready"),
        DRAINING("Parley is shutting down."),
        FAILED("Parley has met an error that it cannot go on with, and stops.");

        private final String message;

        State(String message) {
            this.message = message;
        }

        public String message() {
            return message;
        }
    }

    private volatile State state = State.STARTING;

    public State state() {
        return state;
    }

    public boolean isReady() {
        return state == State.READY;
    }

    /** A failure is final. */
    public synchronized void become(State next) {
        if (state != State.FAILED) {
            state = next;
        }
    }
}
