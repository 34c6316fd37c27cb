package dev.parley.server.realtime;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.life.Lives;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.RunTimes;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.log.Membership;
import dev.parley.server.apps.Apps;
import dev.parley.server.channel.Devices;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows in which sessions each connection has left something, and tells these sessions when the connection is lost and when
 * it has come back. What happens then is in the sessions' logs: the members of a lost connection stay for a while, so that
 * the connection can come back, its runs end later, and its requests are remembered for as long as they may be sent again.
 * Thread-safe; no lock is shared by connections. It learns from {@link #tick} that time passes.
 */
final class Footprints {
    /**
     * The number of sessions in which the requests of one connection are tracked. Outcomes in further sessions are
     * forgotten after the next start.
     */
    static final int MAX_SESSIONS = 10_000;

    /** The number of lost connections that may come back. If there are more, the oldest are given up early. */
    static final int MAX_LOST = 1_000_000;

    /** How long an agent may be gone before others are told. A connection that is merely interrupted is back sooner. */
    static final long AWAY_AFTER_MILLIS = 2_000;

    private static final Logger LOG = LoggerFactory.getLogger(Footprints.class);

    private final Engine engine;
    private final Apps apps;
    private final InstantSource clock;
    private final Times times;
    private final ConcurrentHashMap<String, Footprint> all = new ConcurrentHashMap<>();

    /** Lost connections, until their requests are forgotten and their runs have ended. */
    private final ConcurrentSkipListMap<Loss, Footprint> lost =
            new ConcurrentSkipListMap<>(Comparator.comparingLong(Loss::overAt).thenComparingLong(Loss::epoch));

    /** The size of {@link #lost}, which does not count itself. */
    private final AtomicInteger losses = new AtomicInteger();

    /** The newest command that was refused, for each connection and session. */
    private final ConcurrentHashMap<Place, Pending> refused = new ConcurrentHashMap<>();

    /** The epoch of the newest arrival. It is greater than all epochs of earlier lives. */
    private final AtomicLong newestEpoch;

    /**
     * How long what a lost connection has left remains.
     *
     * @param members how long members stay
     * @param requests how long requests may be sent again
     * @param runs how long an agent may be gone
     * @param runsAfterMembers how much longer an agent may be gone after its members have left
     */
    record Times(Duration members, Duration requests, Duration runs, Duration runsAfterMembers) {}

    /**
     * Begins a life of {@code engine}, and the work of telling sessions of the connections of earlier lives. Blocks.
     *
     * @throws java.util.concurrent.CompletionException if the engine refuses or fails
     */
    Footprints(Engine engine, Apps apps, InstantSource clock, Times times) {
        this.engine = engine;
        this.apps = apps;
        this.clock = clock;
        this.times = times;
        long now = clock.millis();
        if (engine.lives().newest() == 0) {
            long stayMillis = times.members().toMillis();
            new Upgrade(engine, trace -> lost(trace, Upgrade.EPOCH, now, stayMillis)).run(now);
        }
        this.newestEpoch = new AtomicLong(Lives.epoch(engine.boot(now, this::ofEarlierLife), 0));
        engine.depart(now);
    }

    /** The sessions in which a connection has left something. */
    final class Footprint {
        private final String connectionId;

        @GuardedBy("this")
        private final Set<SessionName> members = new HashSet<>();

        @GuardedBy("this")
        private final Set<SessionName> requests = new HashSet<>();

        /** Number of sockets of this connection: two for a moment when a new one takes over. */
        @GuardedBy("this")
        private int sockets;

        /** The epoch of the connection's newest arrival. */
        @GuardedBy("this")
        private long epoch;

        /** Set while the connection is lost. */
        @GuardedBy("this")
        private @Nullable Loss loss;

        /** How long its members stay. */
        @GuardedBy("this")
        private long stayMillis = times.members().toMillis();

        /** Whether it is no longer among {@link #all}. */
        @GuardedBy("this")
        private boolean dropped;

        private Footprint(String connectionId) {
            this.connectionId = connectionId;
        }

        @GuardedBy("this")
        private Set<SessionName> sessions() {
            Set<SessionName> sessions = new HashSet<>(requests);
            sessions.addAll(members);
            return sessions;
        }

        /** Notes a request to a session. */
        synchronized void requests(SessionName session) {
            if (requests.size() < MAX_SESSIONS) {
                requests.add(session);
            }
        }

        /** The epoch of the connection's newest arrival. */
        synchronized long epoch() {
            return epoch;
        }

        /** Notes that the connection may have members in a session. */
        synchronized void enters(SessionName session) {
            members.add(session);
        }

        /** Notes that the connection has no members in a session any more. Returns false if it had none. */
        synchronized boolean leaves(SessionName session) {
            return members.remove(session);
        }

        /** Notes the arrival of a socket. Returns false if the connection has been given up meanwhile. */
        private synchronized boolean arrives(long remainMillis) {
            if (dropped) {
                return false;
            }
            sockets++;
            stayMillis = remainMillis < 0 ? times.members().toMillis() : remainMillis;
            epoch = newestEpoch.incrementAndGet();
            if (loss != null) {
                forget(loss);
                loss = null;
                long now = clock.millis();
                sessions().forEach(session -> submit(new Back(session, now, connectionId, epoch), () -> {}));
            }
            return true;
        }

        /**
         * Notes that the connection has left something in a session during an earlier life. Returns what the session has
         * to be told, or null if the connection has been given up meanwhile.
         */
        private synchronized @Nullable SessionCommand<SessionOutcome.Done> hasLeft(SessionName session, long now) {
            if (dropped) {
                return null;
            }
            requests(session);
            if (sockets > 0) {
                return new Back(session, now, connectionId, epoch);
            }
            if (epoch == 0) {
                epoch = newestEpoch.incrementAndGet();
            }
            Lost told = Footprints.this.lost(new Membership(session, connectionId), epoch, now, stayMillis);
            remember(overAt(told));
            return told;
        }

        /** Notes that a socket is gone. */
        private synchronized void goes(long now) {
            assert sockets > 0 : "a socket is gone twice";
            sockets--;
            if (sockets == 0) {
                lose(now);
            }
        }

        @GuardedBy("this")
        private void lose(long now) {
            Set<SessionName> sessions = sessions();
            if (sessions.isEmpty()) {
                drop();
                return;
            }
            long overAt = 0;
            for (SessionName session : sessions) {
                Lost told = Footprints.this.lost(new Membership(session, connectionId), epoch, now, stayMillis);
                overAt = Math.max(overAt, overAt(told));
                submit(told, () -> {});
            }
            remember(overAt);
        }

        /** Remembers that the connection is lost until {@code overAt} at least. */
        @GuardedBy("this")
        private void remember(long overAt) {
            Loss known = loss;
            if (known == null || known.overAt() < overAt) {
                if (known != null) {
                    forget(known);
                }
                Loss now = new Loss(epoch, overAt);
                loss = now;
                lost.put(now, this);
                losses.incrementAndGet();
            }
        }

        /** Notes that a socket is gone because the client has closed the connection. */
        private synchronized void closes(long now, Runnable done) {
            assert sockets > 0 : "a socket is gone twice";
            sockets--;
            leaveAll(now, done);
        }

        /** Leaves all sessions for good, and calls {@code done} when that is done. */
        @GuardedBy("this")
        private void leaveAll(long now, Runnable done) {
            Set<SessionName> sessions = sessions();
            members.clear();
            requests.clear();
            if (sockets == 0) {
                drop();
            }
            if (sessions.isEmpty()) {
                done.run();
                return;
            }
            var open = new AtomicInteger(sessions.size());
            for (SessionName session : sessions) {
                // The agent may have handed its runs over to another process, which takes them over within the grace
                // time.
                RunTimes runs = runTimes(session, now, now + times.runs().toMillis());
                submit(new Leave(session, now, connectionId, true, epoch, runs), () -> {
                    if (open.decrementAndGet() == 0) {
                        done.run();
                    }
                });
            }
        }

        @GuardedBy("this")
        private void submit(SessionCommand<SessionOutcome.Done> command, Runnable done) {
            Footprints.this.submit(new Pending(this, epoch, command, done));
        }

        /**
         * Submits a command that was refused before. A loss from which the connection has come back is not told any more: if
         * the session has kept nothing of the return, because the connection had left nothing in it, it would believe it.
         */
        private synchronized void submitAgain(Pending pending) {
            if (!(pending.command() instanceof Lost) || pending.epoch() == epoch) {
                Footprints.this.submit(pending);
            }
        }

        @GuardedBy("this")
        private void drop() {
            dropped = true;
            all.remove(connectionId, this);
        }

        /** Notes that the time of a loss is over, unless the connection is back. */
        private synchronized void isOver(Loss over) {
            if (over.equals(loss)) {
                drop();
            }
        }

        /** Gives up a connection that is lost, unless it is back. */
        private synchronized void giveUp(Loss over, long now) {
            if (over.equals(loss)) {
                leaveAll(now, () -> {});
            }
        }
    }

    /** That a connection is lost, until nothing is left to be done about it. */
    private record Loss(long epoch, long overAt) {}

    /** What a command is about. */
    private record Place(Footprint footprint, SessionName session) {}

    /** A command about a connection, the connection's epoch in it, and the callback for its completion. */
    private record Pending(Footprint about, long epoch, SessionCommand<SessionOutcome.Done> command, Runnable done) {}

    /** Of two commands about one place, keeps the one that was submitted later, whichever was refused first. */
    private static Pending later(Pending one, Pending other) {
        boolean isOther = one.epoch() == other.epoch()
                // A connection that comes back begins an epoch.
                ? !(other.command() instanceof Back)
                : one.epoch() < other.epoch();
        (isOther ? one : other).done().run();
        return isOther ? other : one;
    }

    private @Nullable RunTimes runTimes(SessionName session, long now, long endWithMembersAt) {
        if (!apps.namespace(session.app(), session.name()).endAbandonedRuns()) {
            return null;
        }
        long grace = times.runs().toMillis();
        return new RunTimes(now + Math.min(AWAY_AFTER_MILLIS, grace), now + grace, endWithMembersAt);
    }

    private Lost lost(Membership trace, long epoch, long now, long stayMillis) {
        long leaveAt = now + stayMillis;
        RunTimes runs = runTimes(
                trace.session(), now, leaveAt + times.runsAfterMembers().toMillis());
        long forgetAt = now + Math.max(times.requests().toMillis(), stayMillis);
        return new Lost(trace.session(), now, trace.connectionId(), epoch, leaveAt, forgetAt, runs);
    }

    /** Until then, a session has to hear of it if the connection comes back. */
    private static long overAt(Lost told) {
        return told.runs() == null
                ? told.forgetAt()
                : Math.max(told.forgetAt(), told.runs().endAt());
    }

    /** What a session is to be told of a connection that has left something in it during an earlier life. */
    private SessionCommand<SessionOutcome.Done> ofEarlierLife(Membership trace, long now) {
        if (Devices.is(trace.connectionId())) {
            // It has no connection that could be lost, so it is waited for anew.
            long leaveAt = now + Devices.STAY.toMillis();
            return new Lost(
                    trace.session(), now, trace.connectionId(), newestEpoch.incrementAndGet(), leaveAt, leaveAt, null);
        }
        SessionCommand<SessionOutcome.Done> told = null;
        while (told == null) {
            told = of(trace.connectionId()).hasLeft(trace.session(), now);
        }
        giveUpOldest(now);
        return told;
    }

    private Footprint of(String connectionId) {
        return all.computeIfAbsent(connectionId, Footprint::new);
    }

    /**
     * Notes that a connection has arrived or come back.
     *
     * @param stayMillis how long its members stay when it is lost, or a negative number for the default
     */
    Footprint arrived(String connectionId, long stayMillis) {
        Footprint footprint = of(connectionId);
        while (!footprint.arrives(stayMillis)) {
            footprint = of(connectionId);
        }
        return footprint;
    }

    /** Notes that a socket of the connection is gone. */
    void lost(Footprint footprint, long now) {
        footprint.goes(now);
        giveUpOldest(now);
    }

    private void giveUpOldest(long now) {
        while (losses.get() > MAX_LOST) {
            var oldest = lost.firstEntry();
            if (oldest == null) {
                break;
            }
            forget(oldest.getKey());
            oldest.getValue().giveUp(oldest.getKey(), now);
        }
    }

    private void forget(Loss loss) {
        if (lost.remove(loss) != null) {
            losses.decrementAndGet();
        }
    }

    /**
     * Notes that the client has closed the connection and will not come back.
     *
     * @param done called by any thread once its members have left
     */
    void ended(Footprint footprint, long now, Runnable done) {
        footprint.closes(now, done);
    }

    /** Does everything that is due. Called from time to time, one call at a time. Blocks. */
    void tick(long now) {
        for (Place place : List.copyOf(refused.keySet())) {
            Pending pending = refused.remove(place);
            if (pending != null) {
                pending.about().submitAgain(pending);
            }
        }
        for (var first = lost.firstEntry();
                first != null && first.getKey().overAt() <= now;
                first = lost.firstEntry()) {
            forget(first.getKey());
            first.getValue().isOver(first.getKey());
        }
        engine.depart(now);
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
                var place = new Place(pending.about(), pending.command().session());
                refused.compute(place, (same, other) -> other == null ? pending : later(other, pending));
            }
        });
    }
}
