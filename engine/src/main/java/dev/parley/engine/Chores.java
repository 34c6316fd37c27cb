package dev.parley.engine;

import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.attendance.Attendances;
import dev.parley.engine.session.message.Messages;
import dev.parley.engine.stream.Streams;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The engine's periodic work: it ends streams whose lifetime is over, merges messages that no longer grow, and retries
 * what was refused before for lack of room. It reads no clock; the caller passes the time. One call at a time.
 */
final class Chores {
    /**
     * How much work one sweep does.
     *
     * @param releases number of refused pins of forks that it gives back
     * @param expiries number of streams that it ends
     * @param growthPauseMillis a message that has not grown for this time is merged into one piece
     * @param growing number of growing messages that it checks
     * @param departures number of sessions in which something is done for a lost connection, in which control goes back, whose
     *     wakes are taken back, and that are told that a connection of an earlier life is lost; number of requests that are closed,
     *     and of runs whose agents are looked at
     * @param stallAfterMillis an agent that has said nothing for this time in the middle of a run is stalled
     */
    record Portions(
            int releases, int expiries, long growthPauseMillis, int growing, int departures, long stallAfterMillis) {
        /** One sweep may fill this fraction of the room for waiting commands with commands that end streams. */
        private static final int ROOM_PER_EXPIRY = 4;

        /** The portions for a sweep about once a second, in an engine with room for {@code maxWaiting} commands. */
        static Portions of(int maxWaiting, long stallAfterMillis) {
            int room = Math.max(1, maxWaiting / ROOM_PER_EXPIRY);
            return new Portions(1000, room, 60_000, 1000, room, stallAfterMillis);
        }
    }

    private final Pipeline pipeline;
    private final DiskRoom room;
    private final Portions portions;
    private final long node;

    /** Where the next sweep continues among the growing messages; null to start from the beginning. */
    private byte @Nullable [] growing;

    /** Knows connections of earlier lives; null until this life has begun. */
    private @Nullable EarlierConnections earlier;

    /** Where the next round continues among the connections of earlier lives; null to start from the beginning. */
    private byte @Nullable [] arrivals;

    /** Whether the present search among the connections of earlier lives has found none so far. */
    private boolean foundNone = true;

    /** Whether a whole search has found none in this life. */
    private boolean allTold;

    /** When agents could be heard for the first time in this life; 0 before that. */
    private long hearsSince;

    /** The number of sessions that were told of a connection of an earlier life and have not answered. */
    private final AtomicInteger untold = new AtomicInteger();

    /** The chores of {@code node}. */
    Chores(Pipeline pipeline, DiskRoom room, Portions portions, long node) {
        this.pipeline = pipeline;
        this.room = room;
        this.portions = portions;
        this.node = node;
    }

    /**
     * Begins the work for lost connections. Called when the boot of this life has its outcome.
     *
     * @param connections what sessions are told of connections of earlier lives
     */
    void begin(EarlierConnections connections) {
        earlier = connections;
        arrivals = null;
        foundNone = true;
        allTold = false;
        hearsSince = 0;
    }

    /**
     * Completes what a crash may have left unfinished between two shards. Called once, after the start; on a shared log,
     * after the first command of this life has its outcome, because only then nothing of an earlier life can follow.
     */
    void mend(long now) {
        Streams streams = pipeline.projections().streams();
        pipeline.forks().recover(streams.releases(), streams.orphanedPins(), now);
    }

    /** Does one round of all periodic work. */
    void sweep(long now) throws IOException {
        room.look();
        pipeline.forks().retry(now, portions.releases());
        expire(now);
        compact(now);
    }

    /** Ends streams whose lifetime is over. */
    private void expire(long now) {
        for (var expire : pipeline.projections().streams().due(now, portions.expiries())) {
            pipeline.enqueue(expire, Forks.ignore());
        }
    }

    /**
     * Tells sessions of connections of earlier lives that these are lost. Once all know it, lets members of lost connections
     * leave, ends their runs, and forgets requests that can no longer be sent again.
     */
    void depart(long now) {
        if (earlier != null) {
            tell(earlier, now);
        }
        if (allTold) {
            // Not before: what was due while there was no server is not, as nobody could come back.
            for (var depart : pipeline.projections().sessions().attendances().departures(now, portions.departures())) {
                pipeline.enqueue(depart, Forks.ignore());
            }
            stall(now);
        }
    }

    /** Finds out which agents are stalled. While there was no server, nobody could be heard. */
    private void stall(long now) {
        if (hearsSince == 0 || now < hearsSince) {
            hearsSince = now;
        }
        long since = now - portions.stallAfterMillis();
        if (since >= hearsSince) {
            for (var stall : pipeline.projections().sessions().silences().due(now, since, portions.departures())) {
                pipeline.enqueue(stall, Forks.ignore());
            }
        }
    }

    /**
     * Does one round of telling sessions about connections of earlier lives. It begins when the round before has its outcomes,
     * so no session is told twice. A session that was refused for lack of room is found again by the next search.
     */
    private void tell(EarlierConnections connections, long now) {
        if (untold.get() > 0) {
            return;
        }
        Attendances.Earlier found =
                pipeline.projections().sessions().attendances().ofEarlierLives(node, arrivals, portions.departures());
        arrivals = found.next();
        foundNone &= found.traces().isEmpty();
        untold.set(found.traces().size());
        found.traces().forEach(trace -> pipeline.enqueue(connections.command(trace, now), new Told()));
        if (arrivals == null) {
            allTold |= foundNone;
            foundNone = true;
        }
    }

    /** Waits for the answer of a session. */
    private final class Told implements Reply<SessionOutcome.Done> {
        @Override
        public void done(SessionOutcome.Done outcome) {
            untold.decrementAndGet();
        }

        @Override
        public void failed(Exception failure) {
            // What the connection has left is still in the store, where the next search finds it.
            untold.decrementAndGet();
        }
    }

    /** Takes wakes back from holders whose time is over, and gives up those for which nobody came. */
    void expireWakes(long now) {
        for (var expire : pipeline.projections().sessions().wakes().expiries(now, portions.departures())) {
            pipeline.enqueue(expire, Forks.ignore());
        }
    }

    /** Gives the control of sessions back to agents whose time is over, and closes requests that nobody has answered in time. */
    void giveBack(long now) {
        for (var expire : pipeline.projections().sessions().controls().expiries(now, portions.departures())) {
            pipeline.enqueue(expire, Forks.ignore());
        }
        for (var expire : pipeline.projections().sessions().requests().due(now, portions.departures())) {
            pipeline.enqueue(expire, Forks.ignore());
        }
    }

    /** Merges messages that no longer grow. */
    private void compact(long now) {
        Messages.Growing found = pipeline.projections()
                .sessions()
                .messages()
                .idle(growing, now - portions.growthPauseMillis(), now, portions.growing());
        growing = found.next();
        found.idle().forEach(compact -> pipeline.enqueue(compact, Forks.ignore()));
    }
}
