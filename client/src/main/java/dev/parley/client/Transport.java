package dev.parley.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * One WebSocket of a connection. It has no queue for what comes in: the next frame is asked for when the last one was taken,
 * unless the owner has paused it. Used under the owner's lock, but for the callbacks.
 */
final class Transport implements WebSocket.Listener {
    /** Characters of the largest frame that is read. */
    private static final int MAX_FRAME_CHARS = 128 << 20;

    /** What a frame is assembled in is kept up to this size. */
    private static final int KEPT_CHARS = 64 << 10;

    /** What is told of the WebSocket, without the owner's lock. */
    interface Owner {
        /** Runs a task under the lock. */
        void locked(Runnable task);

        /** Takes a frame of this many characters; under the lock. */
        void received(Transport transport, JsonNode frame, int chars);

        /** The WebSocket is gone; under the lock. Told at least once. */
        void lost(Transport transport, String why, @Nullable Throwable cause);
    }

    private final Owner owner;
    private final ArrayDeque<Supplier<String>> out = new ArrayDeque<>();
    private final StringBuilder incoming = new StringBuilder();
    private @Nullable WebSocket socket;
    private boolean ended;
    private boolean sending;
    private boolean pumping;
    private boolean paused;

    /** Whether the next frame was not asked for because of a pause. */
    private boolean owed;

    private volatile long lastHeardNanos = System.nanoTime();

    Transport(Owner owner) {
        this.owner = owner;
    }

    /** Opens the WebSocket. */
    void open(HttpClient http, URI uri, @Nullable String authorization, Duration timeout) {
        WebSocket.Builder builder = http.newWebSocketBuilder().connectTimeout(timeout);
        if (authorization != null) {
            builder.header("Authorization", authorization);
        }
        var unused = builder.buildAsync(uri, this)
                .whenComplete((opened, failure) -> owner.locked(() -> {
                    if (failure != null) {
                        owner.lost(this, "The server cannot be reached.", Http.unwrap(failure));
                    } else if (ended) {
                        opened.abort();
                    } else {
                        socket = opened;
                        pump();
                    }
                }));
    }

    /** Sends a frame after all earlier ones. It is made when it is its turn. */
    void send(Supplier<String> frame) {
        out.add(frame);
        pump();
    }

    private void pump() {
        WebSocket open = socket;
        if (open == null || pumping) {
            return;
        }
        pumping = true;
        try {
            while (!sending && !ended && !out.isEmpty()) {
                sending = true;
                var unused = open.sendText(out.remove().get(), true)
                        .whenComplete((same, failure) -> owner.locked(() -> sent(failure)));
            }
        } finally {
            pumping = false;
        }
    }

    private void sent(@Nullable Throwable failure) {
        sending = false;
        if (failure != null) {
            owner.lost(this, "A frame could not be sent.", failure);
        } else {
            pump();
        }
    }

    /** Asks for no further frame until {@link #resume}. */
    void pause() {
        paused = true;
    }

    boolean isPaused() {
        return paused;
    }

    void resume() {
        paused = false;
        if (owed && socket != null) {
            owed = false;
            lastHeardNanos = System.nanoTime();
            socket.request(1);
        }
    }

    /** Ends the WebSocket at once. */
    void abort() {
        ended = true;
        out.clear();
        if (socket != null) {
            socket.abort();
        }
    }

    /** For how long nothing has come. */
    long silentForNanos() {
        return System.nanoTime() - lastHeardNanos;
    }

    // What the WebSocket tells, one after the other

    @Override
    public void onOpen(WebSocket opened) {
        lastHeardNanos = System.nanoTime();
        opened.request(1);
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
        lastHeardNanos = System.nanoTime();
        if (incoming.length() + part.length() > MAX_FRAME_CHARS) {
            owner.locked(() -> owner.lost(this, "A frame is larger than " + MAX_FRAME_CHARS + " characters.", null));
            return null;
        }
        incoming.append(part);
        if (!last) {
            from.request(1);
            return null;
        }
        String text = incoming.toString();
        incoming.setLength(0);
        if (incoming.capacity() > KEPT_CHARS) {
            incoming.trimToSize();
        }
        try {
            JsonNode frame = Wire.MAPPER.readTree(text);
            owner.locked(() -> {
                if (!ended) {
                    owner.received(this, frame, text.length());
                    more(from);
                }
            });
        } catch (JacksonException | IllegalArgumentException e) {
            owner.locked(() -> owner.lost(this, "The server has sent what is no frame of the protocol.", e));
        }
        return null;
    }

    private void more(WebSocket from) {
        if (paused) {
            owed = true;
        } else {
            from.request(1);
        }
    }

    @Override
    public @Nullable CompletionStage<?> onPing(WebSocket from, ByteBuffer message) {
        lastHeardNanos = System.nanoTime();
        owner.locked(() -> more(from));
        return null;
    }

    @Override
    public @Nullable CompletionStage<?> onPong(WebSocket from, ByteBuffer message) {
        return onPing(from, message);
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket from, int status, String reason) {
        owner.locked(() -> owner.lost(this, "The server has closed the WebSocket with status " + status + ".", null));
        return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
        owner.locked(() -> owner.lost(this, "The connection to the server is broken.", error));
    }
}
