package dev.parley.server.reading;

import dev.parley.server.loop.EventLoop;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * Reads one log for one client: step by step on the client's event loop as long as the entries are in memory, and on
 * another thread if they have to be read from the store. A tail of a log may be used by one thread at a time, so no
 * step is made while something runs on another thread. Used on one event loop.
 */
public final class LogReader {
    private final EventLoop loop;
    private final Log log;

    /** Whether something has to end before the next step. */
    private boolean busy;

    /** Whether that uses the tail, or may use it, on another thread. */
    private boolean elsewhere;

    /** Volatile, because work on another thread may ask whether it is still needed. */
    private volatile boolean closed;

    /** The log that is read, and where its entries go. */
    public interface Log {
        /**
         * Sends what comes next, or begins to read it {@link LogReader#elsewhere elsewhere}. Returns true if there may be
         * more; false if nothing is to be done until {@link LogReader#pump} is called.
         */
        boolean step();

        /** Called after the last step for now. */
        default void resting() {}

        /** Closes the tail. Called once when the reader is closed and nothing runs elsewhere. */
        void release();
    }

    /** A reader of {@code log} on {@code loop}. */
    public LogReader(EventLoop loop, Log log) {
        this.loop = loop;
        this.log = log;
    }

    /** Makes steps as long as there is something to do. Called when there is news, or when the client has room again. */
    public void pump() {
        assert loop.isHere() : "a reader belongs to one event loop";
        while (!busy && !closed && log.step()) {
            // The log has made a step.
        }
        log.resting();
    }

    /** Whether something has to end before the next step. */
    public boolean isBusy() {
        return busy;
    }

    /** Whether the reader is closed. May be called by any thread. */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Runs {@code work}, which may block on the store, on another thread, and then either {@code found} or {@code
     * failed} on the event loop. This happens even if the reader has been closed meanwhile, because the callbacks may
     * have to give something back.
     */
    public <T> void elsewhere(Callable<T> work, Consumer<T> found, Consumer<Throwable> failed) {
        hold();
        elsewhere = true;
        loop.read(work, result -> goOn(() -> found.accept(result)), failure -> goOn(() -> failed.accept(failure)));
    }

    /** No step is made until {@link #goOn}. */
    public void hold() {
        assert loop.isHere() && !busy : "one thing at a time";
        busy = true;
    }

    /** Runs {@code action}, and then makes steps again. */
    public void goOn(Runnable action) {
        assert loop.isHere() && busy : "something was awaited";
        boolean wasElsewhere = elsewhere;
        busy = false;
        elsewhere = false;
        if (closed) {
            if (wasElsewhere) {
                log.release();
            }
            action.run();
        } else {
            action.run();
            pump();
        }
    }

    /** Ends the reading. May be called repeatedly. */
    public void close() {
        assert loop.isHere() : "a reader belongs to one event loop";
        if (!closed) {
            closed = true;
            if (!elsewhere) {
                log.release();
            }
        }
    }
}
