package dev.parley.server.realtime;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.WebSocketFrame;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts together the WebSocket messages of one client, which may arrive in fragments (RFC 6455, 5.4). Used on the
 * connection's event loop.
 */
final class Fragments {
    private final Intake intake;
    private final int maxBytes;
    private final Consumer<byte[]> onMessage;
    private final Runnable onTooLong;

    /** The fragments that have arrived of a message, or null. */
    private @Nullable Buffer arrived;

    /** The size on the wire of these fragments. */
    private long wireBytes;

    private boolean closed;

    /**
     * Tells {@code intake} of the messages that it has taken.
     *
     * @param maxBytes the size up to which a message in fragments is read
     * @param onMessage called for each message
     * @param onTooLong called if a message in fragments is larger
     */
    Fragments(Intake intake, int maxBytes, Consumer<byte[]> onMessage, Runnable onTooLong) {
        this.intake = intake;
        this.maxBytes = maxBytes;
        this.onMessage = onMessage;
        this.onTooLong = onTooLong;
    }

    /** Takes a whole message, or a fragment of one. */
    void add(WebSocketFrame frame) {
        if (!(frame.isText() || frame.isBinary() || frame.isContinuation())) {
            return;
        }
        Buffer payload = frame.binaryData();
        wireBytes += Intake.wireBytes(payload.length());
        if (!closed && !isComplete(payload, frame.isFinal())) {
            return;
        }
        arrived = null;
        intake.taken(wireBytes);
        wireBytes = 0;
    }

    /** Passes the message on, if it is complete. Returns false if more of it is to come. */
    private boolean isComplete(Buffer payload, boolean last) {
        Buffer before = arrived;
        if (before == null && last) {
            onMessage.accept(payload.getBytes());
            return true;
        }
        Buffer message = before == null ? payload.copy() : before.appendBuffer(payload);
        arrived = message;
        if (message.length() > maxBytes) {
            onTooLong.run();
            return true;
        }
        if (last) {
            onMessage.accept(message.getBytes());
        }
        return last;
    }

    /** From now on, what arrives is thrown away, and so is what has arrived. */
    void close() {
        closed = true;
        if (arrived != null) {
            arrived = null;
            intake.taken(wireBytes);
            wireBytes = 0;
        }
    }
}
