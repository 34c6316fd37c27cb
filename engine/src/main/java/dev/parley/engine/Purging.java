package dev.parley.engine;

import dev.parley.engine.session.SessionCommand.NotePurge;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.erasure.Erasures.Pending;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Range;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;

/**
 * Removes from the files what is left in them of sessions that were erased: from the journal by a new segment, behind which everything
 * is freed by a checkpoint, and from the store by rewriting the files that have rows of these sessions.
 */
final class Purging {
    /** The number of sessions of one round. */
    static final int MAX_SESSIONS = 64;

    private final Pipeline pipeline;
    private final Store store;

    Purging(Pipeline pipeline, Store store) {
        this.pipeline = pipeline;
        this.store = store;
    }

    /** Does one round. Blocks, perhaps for long. No checkpoint may be in progress. */
    void run(long now) throws IOException {
        List<Pending> pending = pipeline.projections().sessions().erasures().pending(MAX_SESSIONS);
        if (pending.isEmpty()) {
            return;
        }
        // Whoever reads an earlier moment keeps the rows of that moment in the files.
        long newest = store.newestChange();
        Sessions sessions = pipeline.projections().sessions();
        List<Range> ranges = new ArrayList<>(sessions.rangesSharedIn(
                pending.stream().map(one -> one.name().app()).collect(Collectors.toSet())));
        pending.forEach(one -> ranges.addAll(sessions.rangesOf(one.name(), one.session())));
        try {
            pipeline.startSegment().join();
            // The checkpoint can free no segment before there is a record behind it.
            Pending first = pending.getFirst();
            CompletableFuture<Done> noted = new CompletableFuture<>();
            pipeline.enqueue(new NotePurge(first.name(), now, first.session(), false), Reply.to(noted));
            noted.join();
        } catch (CompletionException e) {
            throw new IOException("erased sessions are still in the journal: " + e.getCause(), e);
        }
        pipeline.finish(pipeline.checkpoint());
        if (store.purge(ranges, newest)) {
            for (Pending one : pending) {
                pipeline.enqueue(new NotePurge(one.name(), now, one.session(), true), Forks.ignore());
            }
        }
    }
}
