package dev.parley.server.realtime;

import dev.parley.engine.session.SessionName;
import dev.parley.server.loop.EventLoop;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The connections of one event loop, and the groups of their attachments. Used only on that loop. */
final class LocalConnections {
    private static final long TICK_MILLIS = 1_000;

    private final EventLoop loop;
    private final InstantSource wall;
    private final Set<Connection> connections = new LinkedHashSet<>();
    private final Map<SessionName, AttachmentGroup> groups = new HashMap<>();

    /**
     * The connections of {@code loop}.
     *
     * @param wall the clock by which tokens expire
     */
    LocalConnections(EventLoop loop, InstantSource wall) {
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

    EventLoop loop() {
        return loop;
    }

    void opened(Connection connection) {
        assert loop.isHere() : "a connection belongs to one event loop";
        connections.add(connection);
    }

    void closed(Connection connection) {
        assert loop.isHere() : "a connection belongs to one event loop";
        connections.remove(connection);
    }

    List<Connection> all() {
        return List.copyOf(connections);
    }

    /** The group of those who are attached to a session, which the caller joins and has to leave. */
    AttachmentGroup join(SessionName session) {
        assert loop.isHere() : "a group belongs to one event loop";
        AttachmentGroup group = groups.computeIfAbsent(session, name -> new AttachmentGroup(name, loop));
        group.join();
        return group;
    }

    void leave(AttachmentGroup group) {
        assert loop.isHere() : "a group belongs to one event loop";
        if (group.leave()) {
            groups.remove(group.session(), group);
        }
    }
}
