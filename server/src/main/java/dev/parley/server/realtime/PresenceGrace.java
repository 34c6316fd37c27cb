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
 * What connections leave in sessions: presence members, and the outcomes of requests that may be sent again. When a
 * connection is lost its members stay for a while, so that it can come back; then they leave. Later still nobody sends
 * its requests again, and they are forgotten. Thread-safe; it hears of the time by {@link #tick}.
 */
final class PresenceGrace {
    /** Sessions in which one connection's requests are remembered for it; more stay remembered for good. */
    static final int MAX_SESSIONS = 10_000;

    /** Lost connections that may come back; beyond that the first ones are given up early. */
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
     * For the sessions of {@code engine}.
     *
     * @param runs hears of connections that are lost, and of those that are there
     * @param grace how long members stay
     * @param resend how long requests may be sent again
     */
    PresenceGrace(Engine engine, RunWatch runs, Duration grace, Duration resend) {
        this.engine = engine;
        this.runs = runs;
        this.graceMillis = grace.toMillis();
        this.forgetMillis = resend.toMillis();
    }

    /** Where a connection has left something. Guarded by the grace. */
    final class Footprint {
        private final String connectionId;
        private final Set<SessionName> members = new HashSet<>();
        private final Set<SessionName> requests = new HashSet<>();

        /** Sockets that are this connection now: two for a moment when a new one takes over. */
        private int sockets;

        /** How often it has been lost, to tell whether it has come back since. */
        private int losses;

        /** How long its members stay. */
        private long stayMillis = graceMillis;

        private Footprint(String connectionId) {
            this.connectionId = connectionId;
        }

        /** It makes a request to a session. */
        void requests(SessionName session) {
            synchronized (PresenceGrace.this) {
                if (requests.size() < MAX_SESSIONS) {
                    requests.add(session);
                }
            }
        }

        /** It may have members in a session now. */
        void enters(SessionName session) {
            synchronized (PresenceGrace.this) {
                members.add(session);
            }
        }

        /** It has no members in a session any more; returns false if it had none. */
        boolean leaves(SessionName session) {
            synchronized (PresenceGrace.this) {
                return members.remove(session);
            }
        }
    }

    private record Loss(Footprint footprint, int number, long dueMillis) {}

    /** What is to be done, and who wants to know when it is. */
    private record Leaving(SessionCommand.Leave command, Runnable done) {}

    /** Takes up what connections have left behind that an earlier run of the server had. */
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
     * A connection is there, or is back.
     *
     * @param stayMillis how long its members are to stay when it is lost, or less than 0 if it does not say
     */
    synchronized Footprint arrived(String connectionId, long stayMillis) {
        Footprint footprint = footprints.computeIfAbsent(connectionId, Footprint::new);
        footprint.sockets++;
        footprint.stayMillis = stayMillis < 0 ? graceMillis : stayMillis;
        // What it has left there is not known from its requests if these were forgotten meanwhile.
        footprint.requests.addAll(runs.arrived(connectionId));
        return footprint;
    }

    /** The connection's socket is gone. */
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
     * The client has closed the connection and will not come back.
     *
     * @param done called once its members have left, by any thread
     */
    synchronized void ended(Footprint footprint, long now, Runnable done) {
        footprint.sockets--;
        // Its agent may only have handed its runs over to another process, which takes them up within the grace.
        runs.lost(footprint.connectionId, footprint.requests, now);
        forget(footprint, now, done);
    }

    /** To be called now and then. */
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
