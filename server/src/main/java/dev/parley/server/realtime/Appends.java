package dev.parley.server.realtime;

import dev.parley.engine.session.Data;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionName;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The appends of one connection, which are merged before they get a position. While an append of a message is on its
 * way to the engine, later appends of the message are collected and then submitted together. An idle connection
 * therefore does not wait, and batches grow with load. A client may ask for a minimum time for which appends are
 * collected.
 */
final class Appends {
    /** The longest collection time that a client may ask for. */
    static final long MAX_WINDOW_MILLIS = 500;

    private static final int MAX_PARTS = 500;
    private static final int MAX_BYTES = 64 << 10;

    private final Vertx vertx;
    private final long windowMillis;
    private final Outlet outlet;
    private final Map<Key, Growing> growing = new LinkedHashMap<>();

    /** Receives appends that are to be submitted. */
    interface Outlet {
        /**
         * Submits appends, and runs {@code done} when their outcome is known.
         *
         * @param appends at least one, in order
         */
        void submit(SessionName session, long serial, List<Append> appends, Runnable done);
    }

    /** An append and the request that waits for its outcome. */
    record Append(Acks.Request request, Part part) {}

    private record Key(SessionName session, long serial) {}

    /** The state of a growing message. It is kept only while appends are on their way, or shortly afterwards. */
    private static final class Growing {
        private final List<Append> gathered = new ArrayList<>();
        private int bytes;
        private int underWay;
        private long restUntilNanos;
        private boolean resting;
    }

    /**
     * Starts without appends.
     *
     * @param windowMillis the minimum time for which appends are collected; 0 for no minimum
     */
    Appends(Vertx vertx, long windowMillis, Outlet outlet) {
        this.vertx = vertx;
        this.windowMillis = Math.clamp(windowMillis, 0, MAX_WINDOW_MILLIS);
        this.outlet = outlet;
    }

    void add(SessionName session, Change append, Acks.Request request, long msgSerial) {
        Key key = new Key(session, append.serial());
        Growing message = growing.computeIfAbsent(key, fresh -> new Growing());
        var part = new Part(msgSerial, append.body(), append.operation(), append.any(), append.maxBytes());
        if (!message.gathered.isEmpty() && !goTogether(message, part)) {
            send(key, message);
        }
        message.gathered.add(new Append(request, part));
        message.bytes += part.fragment().size();
        sendIfDue(key, message);
    }

    private static boolean goTogether(Growing message, Part part) {
        Part last = message.gathered.getLast().part();
        Data data = part.fragment().data();
        Data before = last.fragment().data();
        return message.gathered.size() < MAX_PARTS
                && message.bytes + part.fragment().size() <= MAX_BYTES
                && data != null
                && before != null
                && data.text() == before.text()
                && Objects.equals(part.fragment().encoding(), last.fragment().encoding())
                && Objects.equals(part.operation().clientId(), last.operation().clientId())
                && part.any() == last.any();
    }

    private void sendIfDue(Key key, Growing message) {
        if (message.underWay > 0 || message.resting) {
            return;
        }
        long rest = message.restUntilNanos - System.nanoTime();
        if (windowMillis > 0 && message.restUntilNanos != 0 && rest > 0) {
            message.resting = true;
            vertx.setTimer(Math.ceilDiv(rest, 1_000_000L), timer -> {
                message.resting = false;
                sendIfDue(key, message);
            });
        } else if (message.gathered.isEmpty()) {
            growing.remove(key, message);
        } else {
            send(key, message);
        }
    }

    private void send(Key key, Growing message) {
        List<Append> batch = List.copyOf(message.gathered);
        message.gathered.clear();
        message.bytes = 0;
        message.underWay++;
        message.restUntilNanos = System.nanoTime() + windowMillis * 1_000_000;
        outlet.submit(key.session(), key.serial(), batch, () -> {
            message.underWay--;
            sendIfDue(key, message);
        });
    }

    /**
     * Submits all collected appends, because a later request must come after them.
     *
     * @param session the session whose appends are submitted; null for all sessions
     */
    void flush(@Nullable SessionName session) {
        if (growing.isEmpty()) {
            return;
        }
        for (var entry : List.copyOf(growing.entrySet())) {
            boolean concerned = session == null || entry.getKey().session().equals(session);
            if (concerned && !entry.getValue().gathered.isEmpty()) {
                send(entry.getKey(), entry.getValue());
            }
        }
    }
}
