package dev.parley.server.realtime;

import dev.parley.server.wire.Frames;
import java.time.Duration;

/**
 * Shows one client that its connection is alive, and notices when the client is gone although its TCP connection, perhaps
 * to a proxy, is not. Used on the connection's event loop.
 */
final class Heartbeats {
    private final Outbox outbox;

    /** Whether the client cannot see pings, and needs frames. */
    private final boolean frames;

    /**
     * Interval in which the client hears from the server. The client itself has to send something within twice this
     * time.
     */
    private final Duration interval;

    private final LastHeard lastHeard = new LastHeard();
    private long lastPingNanos = System.nanoTime();

    /**
     * Starts when {@link #start} is called.
     *
     * @param usual the interval for clients that do not ask for another one
     */
    Heartbeats(Outbox outbox, Wishes wishes, Duration usual) {
        this.outbox = outbox;
        this.frames = wishes.heartbeats();
        this.interval = wishes.heartbeat(usual);
    }

    void start() {
        outbox.tellWhenHeard(lastHeard);
    }

    Duration interval() {
        return interval;
    }

    /**
     * Whether the client has sent nothing for too long.
     *
     * @param paused whether the server does not read from the client
     */
    boolean isSilent(long nanos, boolean paused) {
        if (paused || outbox.fullForNanos(nanos) > 0) {
            // The client cannot answer what it has not received, and the server does not hear it while it does not
            // read.
            lastHeard.now(nanos);
        }
        return lastHeard.nanosSince(nanos) > 2 * interval.toNanos();
    }

    /** Shows the client that the connection is alive, and checks whether the client is. */
    void giveSigns(long nanos) {
        // Well before the client expects it.
        long due = interval.toNanos() / 3 * 2;
        boolean quiet = outbox.silentForNanos(nanos) > due;
        if (quiet && frames) {
            outbox.send(Frames.heartbeat(outbox.format(), null));
        }
        if ((quiet || lastHeard.nanosSince(nanos) > due) && nanos - lastPingNanos > due) {
            lastPingNanos = nanos;
            outbox.ping();
        }
    }
}
