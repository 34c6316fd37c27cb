package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.Sessions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells sessions which connections are lost and which have come back. What happens then is in the sessions' logs: the
 * members of a lost connection stay for the grace time, so that the connection can come back, and its requests are
 * remembered for as long as they may be sent again. This class only knows in which sessions a connection has left
 * something. Thread-safe. It learns from {@link #tick} that time passes.
 */
final class PresenceGrace {
    /**
     * The number of sessions in which the requests of one connection are tracked. Outcomes in further sessions are
     * forgotten after the next start.
     */
    static final int MAX_SESSIONS = 10_000;

    /** The number of lost connections that may come back. If there are more, the oldest are given up early. */
    static final int MAX_LOST = 1_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(PresenceGrace.class);

    private final Engine engine;
    private final RunWatch runs;
    private final InstantSource clock;
    private final long graceMillis;
    private final long forgetMillis;
    private final Map<String, Footprint> footprints = new HashMap<>();

    /** Lost connections, until their requests are forgotten. */
    private final PriorityQueue<Loss> lost = new PriorityQueue<>(Comparator.comparingLong(Loss::forgetAt));

    private List<Pending> refused = new ArrayList<>();

    /** The epoch of the newest arrival. It is greater than all epochs of earlier runs of the server. */
    private long newestEpoch;

    /**
     * Tracks the sessions of {@code engine}. Blocks.
     *
     * @param runs is told of connections that are lost or have arrived
     * @param grace how long members stay
     * @param resend how long requests may be sent again
     */
    PresenceGrace(Engine engine, RunWatch runs, InstantSource clock, Duration grace, Duration resend) {
        this.engine = engine;
        this.runs = runs;
        this.clock = clock;
        this.graceMillis = grace.toMillis();
        this.forgetMillis = resend.toMillis();
        this.newestEpoch = engine.sessions().newestEpoch();
    }

    /** The sessions in which a connection has left something. Guarded by the grace. */
    final class Footprint {
        private final String connectionId;
        private final Set<SessionName> members = new HashSet<>();
        private final Set<SessionName> requests = new HashSet<>();

        /** The sessions whose members have not left because the connection was lost. */
        private final Set<SessionName> present = new HashSet<>();

        /** Number of sockets of this connection: two for a moment when a new one takes over. */
        private int sockets;

        /** The epoch of the connection's newest arrival, to tell whether it has come back since a given loss. */
        private long epoch;

        /** When its members leave if it is lost; 0 while it is there. */
        private long leaveAt;

        /** How long its members stay. */
        private long stayMillis = graceMillis;

        private Footprint(String connectionId) {
            this.connectionId = connectionId;
        }

        private Set<SessionName> sessions() {
            Set<SessionName> all = new HashSet<>(requests);
            all.addAll(members);
            return all;
        }

        /** Notes a request to a session. */
        void requests(SessionName session) {
            synchronized (PresenceGrace.this) {
                if (requests.size() < MAX_SESSIONS) {
                    requests.add(session);
                }
            }
        }

        /** Notes that the connection may have members in a session. */
        void enters(SessionName session) {
            synchronized (PresenceGrace.this) {
                members.add(session);
                present.add(session);
            }
        }

        /** Notes that the connection has no members in a session any more. Returns false if it had none. */
        boolean leaves(SessionName session) {
            synchronized (PresenceGrace.this) {
                present.remove(session);
                return members.remove(session);
            }
        }
    }

    private record Loss(Footprint footprint, long epoch, long forgetAt) {}

    /** A command, and the callback for its completion. */
    private record Pending(SessionCommand<SessionOutcome.Done> command, Runnable done) {}

    /** Tells of all connections of an earlier run of the server that they are lost. */
    synchronized void recover(List<Sessions.Membership> members, List<Sessions.Membership> requesters, long now) {
        for (Sessions.Membership member : members) {
            Footprint footprint = footprints.computeIfAbsent(member.connectionId(), Footprint::new);
            footprint.members.add(member.session());
            footprint.present.add(member.session());
            footprint.requests.add(member.session());
        }
        for (Sessions.Membership requester : requesters) {
            footprints
                    .computeIfAbsent(requester.connectionId(), Footprint::new)
                    .requests
                    .add(requester.session());
        }
        List.copyOf(footprints.values()).forEach(footprint -> {
            footprint.epoch = ++newestEpoch;
            lose(footprint, now);
        });
    }

    /**
     * Notes that a connection has arrived or come back.
     *
     * @param stayMillis how long its members stay when it is lost, or a negative number for the default
     */
    synchronized Footprint arrived(String connectionId, long stayMillis) {
        Footprint footprint = footprints.computeIfAbsent(connectionId, Footprint::new);
        footprint.sockets++;
        footprint.stayMillis = stayMillis < 0 ? graceMillis : stayMillis;
        footprint.epoch = ++newestEpoch;
        if (footprint.leaveAt != 0) {
            long now = clock.millis();
            if (footprint.leaveAt <= now) {
                footprint.present.clear();
            }
            footprint.leaveAt = 0;
            footprint
                    .sessions()
                    .forEach(session ->
                            submit(new SessionCommand.Back(session, now, connectionId, footprint.epoch), () -> {}));
        }
        // If the outcomes of its requests were forgotten meanwhile, only the runs tell in which sessions it may have
        // left something.
        footprint.requests.addAll(runs.arrived(connectionId));
        return footprint;
    }

    /** Notes that a socket of the connection is gone. */
    synchronized void lost(Footprint footprint, long now) {
        footprint.sockets--;
        if (footprint.sockets == 0) {
            lose(footprint, now);
        }
    }

    private void lose(Footprint footprint, long now) {
        runs.lost(footprint.connectionId, footprint.requests, now);
        if (footprint.members.isEmpty() && footprint.requests.isEmpty()) {
            footprints.remove(footprint.connectionId);
            return;
        }
        footprint.leaveAt = now + footprint.stayMillis;
        long forgetAt = now + Math.max(forgetMillis, footprint.stayMillis);
        footprint
                .sessions()
                .forEach(session -> submit(
                        new SessionCommand.Lost(
                                session, now, footprint.connectionId, footprint.epoch, footprint.leaveAt, forgetAt),
                        () -> {}));
        runs.left(footprint.connectionId, footprint.present, footprint.leaveAt);
        lost.add(new Loss(footprint, footprint.epoch, forgetAt));
        if (lost.size() > MAX_LOST) {
            Loss oldest = lost.remove();
            if (isStillLost(oldest)) {
                forget(oldest.footprint(), now, () -> {});
            }
        }
    }

    /**
     * Notes that the client has closed the connection and will not come back.
     *
     * @param done called by any thread once its members have left
     */
    synchronized void ended(Footprint footprint, long now, Runnable done) {
        footprint.sockets--;
        // The agent may only have handed its runs over to another process, which takes them over within the grace time.
        runs.lost(footprint.connectionId, footprint.requests, now);
        forget(footprint, now, done);
    }

    /** Does everything that is due. Called from time to time, one call at a time. Blocks. */
    void tick(long now) {
        again(now);
        engine.depart(now);
    }

    private synchronized void again(long now) {
        List<Pending> pending = refused;
        refused = new ArrayList<>();
        pending.forEach(this::submit);
        runs.tick(now);
        for (Loss loss = lost.peek(); loss != null && loss.forgetAt() <= now; loss = lost.peek()) {
            lost.remove();
            if (isStillLost(loss)) {
                footprints.remove(loss.footprint().connectionId, loss.footprint());
            }
        }
    }

    private static boolean isStillLost(Loss loss) {
        return loss.footprint().sockets == 0 && loss.footprint().epoch == loss.epoch();
    }

    private void forget(Footprint footprint, long now, Runnable done) {
        Set<SessionName> all = footprint.sessions();
        footprint.members.clear();
        footprint.present.clear();
        footprint.requests.clear();
        footprints.remove(footprint.connectionId, footprint);
        if (all.isEmpty()) {
            done.run();
            return;
        }
        var open = new AtomicInteger(all.size());
        all.forEach(session -> submit(new SessionCommand.Leave(session, now, footprint.connectionId, true), () -> {
            if (open.decrementAndGet() == 0) {
                done.run();
            }
        }));
    }

    private void submit(SessionCommand<SessionOutcome.Done> command, Runnable done) {
        submit(new Pending(command, done));
    }

    private void submit(Pending pending) {
        engine.submit(pending.command(), new Reply<SessionOutcome.Done>() {
            @Override
            public void done(SessionOutcome.Done outcome) {
                pending.done().run();
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("{} cannot be told now", pending.command().session(), failure);
                synchronized (PresenceGrace.this) {
                    refused.add(pending);
                }
            }
        });
    }
}
