package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Waiting;
import dev.parley.server.loop.EventLoop;
import org.jspecify.annotations.Nullable;

/**
 * Stops reading from one client while it sends faster than the engine, or the client's own socket, can follow. Used on
 * the connection's event loop.
 */
final class Backpressure {
    /** Requests of a client that may wait for their outcome before the server stops reading from it. */
    private static final int MAX_UNACKNOWLEDGED = 1_024;

    private static final int MAX_UNACKNOWLEDGED_BYTES = 4 << 20;

    private final Engine engine;
    private final EventLoop loop;
    private final Intake intake;
    private final Outbox outbox;
    private final Acks acks;
    private boolean paused;

    /** The place of this connection in the line for room in the engine, or null. */
    private @Nullable Waiting engineRoom;

    private boolean closed;

    /** Watches {@code acks} and the outbox, and pauses {@code intake}. */
    Backpressure(Client client, Intake intake, Acks acks) {
        this.engine = client.site().engine();
        this.loop = client.loop();
        this.intake = intake;
        this.outbox = client.outbox();
        this.acks = acks;
    }

    /** Whether the server does not read from the client. */
    boolean isPaused() {
        return paused;
    }

    private boolean mustWait() {
        return acks.count() >= MAX_UNACKNOWLEDGED
                || acks.bytes() >= MAX_UNACKNOWLEDGED_BYTES
                || !intake.keeps(acks.bytes())
                || !outbox.hasRoom()
                || engine.isBusy();
    }

    /** Stops reading, if the client has to wait. */
    void slowDown() {
        if (!paused && !closed && mustWait()) {
            paused = true;
            intake.pause();
            speedUp();
        }
    }

    /** Goes on reading, if the client no longer has to wait. */
    void speedUp() {
        if (closed) {
            return;
        }
        if (!paused) {
            // What was answered takes no room any more. The client may send nothing for a long time.
            var _ = intake.keeps(acks.bytes());
            return;
        }
        if (!mustWait()) {
            paused = false;
            intake.resume();
        } else if (engine.isBusy() && engineRoom == null) {
            engineRoom = engine.whenRoom(() -> loop.post(() -> {
                engineRoom = null;
                speedUp();
            }));
        }
    }

    void close() {
        closed = true;
        if (engineRoom != null) {
            engineRoom.cancel();
        }
    }
}
