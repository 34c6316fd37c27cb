package dev.parley.engine;

import dev.parley.engine.session.Sessions;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What time brings: it ends what has outlived its time, joins what grows no more, and goes on with what had no room before.
 * It reads no clock: who does asks for it. One call at a time.
 */
final class Chores {
    /**
     * How much one sweep does.
     *
     * @param releases how many pins of forks it gives back that were refused before
     * @param expiries how many streams it ends
     * @param growthPauseMillis a message that has not grown for so long is joined to one piece
     * @param growing how many growing messages it looks at
     */
    record Portions(int releases, int expiries, long growthPauseMillis, int growing) {
        /** One sweep ends so many streams that their commands take one part in so many of the room for waiting ones. */
        private static final int ROOM_PER_EXPIRY = 4;

        /** What is done about once a second by an engine with room for so many commands. */
        static Portions of(int maxWaiting) {
            return new Portions(1000, Math.max(1, maxWaiting / ROOM_PER_EXPIRY), 60_000, 1000);
        }
    }

    private final Pipeline pipeline;
    private final DiskRoom room;
    private final Portions portions;

    /** Where the next sweep goes on among the growing messages; null to begin anew. */
    private byte @Nullable [] growing;

    Chores(Pipeline pipeline, DiskRoom room, Portions portions) {
        this.pipeline = pipeline;
        this.room = room;
        this.portions = portions;
    }

    /** Brings to an end what a crash may have left between two shards. Called once, after the start. */
    void mend(long now) {
        Forks forks = pipeline.forks();
        forks.recover(pipeline.projections().streams().releases(), now);
        forks.recover(pipeline.projections().streams().orphanedPins(), now);
    }

    /** All that is done again and again. */
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

    /** Joins messages that have ceased to grow. */
    private void compact(long now) {
        Sessions.Growing found = pipeline.projections()
                .sessions()
                .idle(growing, now - portions.growthPauseMillis(), now, portions.growing());
        growing = found.next();
        found.idle().forEach(compact -> pipeline.enqueue(compact, Forks.ignore()));
    }
}
