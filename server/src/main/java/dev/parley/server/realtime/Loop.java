package dev.parley.server.realtime;

import dev.parley.engine.session.SessionName;
import dev.parley.server.loop.EventLoop;
import io.vertx.core.Vertx;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** The state of the realtime door on one event loop. Used only on that loop. */
final class Loop {
    private static final long TICK_MILLIS = 1_000;

    private final EventLoop loop;
    private final InstantSource wall;
    private final Set<Connection> connections = new LinkedHashSet<>();
    private final Map<SessionName, Channel> channels = new HashMap<>();

    /**
     * The state for {@code loop}.
     *
     * @param wall the clock by which tokens expire
     */
    Loop(EventLoop loop, InstantSource wall) {
        this.loop = loop;
        this.wall = wall;
        loop.vertx().setPeriodic(TICK_MILLIS, timer -> tick());
    }

    private void tick() {
        long nanos = System.nanoTime();
        long millis = wall.millis();
        // A copy, because closing a connection changes the set.
        for (Connection connection : List.copyOf(connections)) {
            connection.tick(nanos, millis);
        }
    }

    /** Runs {@code task} on this loop soon. May be called by any thread. */
    void post(Runnable task) {
        loop.post(task);
    }

    /** Reads the store elsewhere, see {@link EventLoop#read}. */
    <T> void read(Callable<T> work, Consumer<T> found, Consumer<Throwable> failed) {
        loop.read(work, found, failed);
    }

    Vertx vertx() {
        return loop.vertx();
    }

    void opened(Connection connection) {
        connections.add(connection);
    }

    void closed(Connection connection) {
        connections.remove(connection);
    }

    List<Connection> connections() {
        return List.copyOf(connections);
    }

    /** The readers of a session on this loop. The caller has to release the result. */
    Channel take(SessionName session) {
        Channel channel = channels.computeIfAbsent(session, name -> new Channel(name, loop));
        channel.users++;
        return channel;
    }

    void release(Channel channel) {
        channel.users--;
        if (channel.users == 0) {
            channels.remove(channel.session(), channel);
            channel.release();
        }
    }
}
