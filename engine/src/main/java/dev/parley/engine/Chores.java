package dev.parley.engine;

import dev.parley.engine.session.message.Messages;
import dev.parley.engine.stream.Streams;
import java.io.IOException;
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
     * @param departures number of sessions in which something is done for a lost connection, and in which control goes back
     */
    record Portions(int releases, int expiries, long growthPauseMillis, int growing, int departures) {
        /** One sweep may fill this fraction of the room for waiting commands with commands that end streams. */
        private static final int ROOM_PER_EXPIRY = 4;

        /** The portions for a sweep about once a second, in an engine with room for {@code maxWaiting} commands. */
        static Portions of(int maxWaiting) {
            int room = Math.max(1, maxWaiting / ROOM_PER_EXPIRY);
            return new Portions(1000, room, 60_000, 1000, room);
        }
    }

    private final Pipeline pipeline;
    private final DiskRoom room;
    private final Portions portions;

    /** Where the next sweep continues among the growing messages; null to start from the beginning. */
    private byte @Nullable [] growing;

    Chores(Pipeline pipeline, DiskRoom room, Portions portions) {
        this.pipeline = pipeline;
        this.room = room;
        this.portions = portions;
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

    /** Lets members of lost connections leave, ends their runs, and forgets requests that can no longer be sent again. */
    void depart(long now) {
        for (var depart : pipeline.projections().sessions().attendances().departures(now, portions.departures())) {
            pipeline.enqueue(depart, Forks.ignore());
        }
    }

    /** Gives the control of sessions back to agents whose time is over. */
    void giveBack(long now) {
        for (var expire : pipeline.projections().sessions().controls().expiries(now, portions.departures())) {
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
