package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.Sessions;
import java.time.Duration;
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
 * What connections leave behind in sessions: presence members, and the outcomes of requests that may be sent again.
 * When a connection is lost, its members stay for the grace time, so that the connection can come back; then they
 * leave. Later, when its requests can no longer be sent again, their outcomes are forgotten. Thread-safe. It learns the
 * time from {@link #tick}.
 */
final class PresenceGrace {
    /**
     * The number of sessions in which the requests of one connection are tracked. Outcomes in further sessions are
     * never forgotten.
     */
    static final int MAX_SESSIONS = 10_000;

    /** The number of lost connections that may come back. If there are more, the oldest are given up early. */
    static final int MAX_LOST = 1_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(PresenceGrace.class);

    private final Engine engine;
    private final RunWatch runs;
    private final long graceMillis;
    private final long forgetMillis;
    private final Map<String, Footprint> footprints = new HashMap<>();

    private final PriorityQueue<Loss> leaving = new PriorityQueue<>(Comparator.comparingLong(Loss::dueMillis));
    private final PriorityQueue<Loss> forgetting = new PriorityQueue<>(Comparator.comparingLong(Loss::dueMillis));
    private List<Leaving> refused = new ArrayList<>();

    /**
     * Tracks the sessions of {@code engine}.
     *
     * @param runs is told of connections that are lost or have arrived
     * @param grace how long members stay
     * @param resend how long requests may be sent again
     */
    PresenceGrace(Engine engine, RunWatch runs, Duration grace, Duration resend) {
        this.engine = engine;
        this.runs = runs;
        this.graceMillis = grace.toMillis();
        this.forgetMillis = resend.toMillis();
    }

    /** The sessions in which a connection has left something. Guarded by the grace. */
    final class Footprint {
        private final String connectionId;
        private final Set<SessionName> members = new HashSet<>();
        private final Set<SessionName> requests = new HashSet<>();

        /** Number of sockets of this connection: two for a moment when a new one takes over. */
        private int sockets;

        /** How often the connection has been lost, to tell whether it has come back since a given loss. */
        private int losses;

        /** How long its members stay. */
        private long stayMillis = graceMillis;

        private Footprint(String connectionId) {
            this.connectionId = connectionId;
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
            }
        }

        /** Notes that the connection has no members in a session any more. Returns false if it had none. */
        boolean leaves(SessionName session) {
            synchronized (PresenceGrace.this) {
                return members.remove(session);
            }
        }
    }

    private record Loss(Footprint footprint, int number, long dueMillis) {}

    /** A command, and the callback for its completion. */
    private record Leaving(SessionCommand.Leave command, Runnable done) {}

    /** Adds everything that connections of an earlier run of the server have left behind. */
    synchronized void recover(List<Sessions.Membership> members, List<Sessions.Membership> requesters, long now) {
        for (Sessions.Membership member : members) {
            Footprint footprint = footprints.computeIfAbsent(member.connectionId(), Footprint::new);
            footprint.members.add(member.session());
            footprint.requests.add(member.session());
        }
        for (Sessions.Membership requester : requesters) {
            footprints
                    .computeIfAbsent(requester.connectionId(), Footprint::new)
                    .requests
                    .add(requester.session());
        }
        List.copyOf(footprints.values()).forEach(footprint -> lose(footprint, now));
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
        footprint.losses++;
        leaving.add(new Loss(footprint, footprint.losses, now + footprint.stayMillis));
        forgetting.add(new Loss(footprint, footprint.losses, now + Math.max(forgetMillis, footprint.stayMillis)));
        if (forgetting.size() > MAX_LOST) {
            forget(forgetting.remove(), now);
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

    /** Does everything that is due. Called from time to time. */
    synchronized void tick(long now) {
        List<Leaving> again = refused;
        refused = new ArrayList<>();
        again.forEach(this::submit);
        runs.tick(now);
        for (Loss loss = leaving.peek(); loss != null && loss.dueMillis() <= now; loss = leaving.peek()) {
            leaving.remove();
            if (isStillLost(loss)) {
                Footprint footprint = loss.footprint();
                footprint.members.forEach(session -> leave(session, footprint, now, false, () -> {}));
                runs.left(footprint.connectionId, footprint.members, now);
                footprint.members.clear();
            }
        }
        for (Loss loss = forgetting.peek(); loss != null && loss.dueMillis() <= now; loss = forgetting.peek()) {
            forgetting.remove();
            forget(loss, now);
        }
    }

    private static boolean isStillLost(Loss loss) {
        return loss.footprint().sockets == 0 && loss.footprint().losses == loss.number();
    }

    private void forget(Loss loss, long now) {
        if (isStillLost(loss)) {
            forget(loss.footprint(), now, () -> {});
        }
    }

    private void forget(Footprint footprint, long now, Runnable done) {
        Set<SessionName> all = new HashSet<>(footprint.requests);
        all.addAll(footprint.members);
        footprint.members.clear();
        footprint.requests.clear();
        footprints.remove(footprint.connectionId, footprint);
        if (all.isEmpty()) {
            done.run();
            return;
        }
        var open = new AtomicInteger(all.size());
        all.forEach(session -> leave(session, footprint, now, true, () -> {
            if (open.decrementAndGet() == 0) {
                done.run();
            }
        }));
    }

    private void leave(SessionName session, Footprint footprint, long now, boolean forget, Runnable done) {
        submit(new Leaving(new SessionCommand.Leave(session, now, footprint.connectionId, forget), done));
    }

    private void submit(Leaving leaving) {
        engine.submit(leaving.command(), new Reply<SessionOutcome.Done>() {
            @Override
            public void done(SessionOutcome.Done outcome) {
                leaving.done().run();
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("a connection cannot leave {} now", leaving.command().session(), failure);
                synchronized (PresenceGrace.this) {
                    refused.add(leaving);
                }
            }
        });
    }
}
