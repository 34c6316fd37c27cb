package dev.parley.engine;

import dev.parley.engine.Shard.Work;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.command.Command;
import dev.parley.engine.journal.Journal;
import dev.parley.engine.journal.JournalFullException;
import dev.parley.engine.journal.RecordTooLargeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Writes the commands of all shards to the journal in groups. All commands that arrived during one sync share the next
 * one, so latency is one sync when the engine is idle and throughput grows with load. Called by one thread.
 */
final class Committer {
    /** A group this large is synced without waiting for more. */
    private static final long MAX_GROUP_BYTES = 8L << 20;

    private static final int USUAL_RECORD_BYTES = 4096;

    /** A command that waits to be written to the journal. */
    record Submission(Command<?> command, Reply<?> reply) implements Pipeline.CommitStep {}

    private final Journal journal;
    private BinaryWriter encoder = new BinaryWriter(USUAL_RECORD_BYTES);

    private final LongAdder commands = new LongAdder();
    private final LongAdder groups = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder syncNanos = new LongAdder();
    private long end;

    Committer(Journal journal) {
        this.journal = journal;
    }

    /**
     * Makes submissions durable and hands them on in the order of the journal. Refuses submissions that are too large
     * or for which the disk has no room.
     *
     * @param durable receives each group after its sync
     * @param refused receives the submissions that were refused
     * @throws IOException if it is unknown what became durable; the engine has to stop
     */
    void commit(List<Submission> submissions, Consumer<List<Work>> durable, RefusedSubmission refused)
            throws IOException {
        List<Work> group = new ArrayList<>(submissions.size());
        for (Submission submission : submissions) {
            encoder.reset();
            CommandCodec.write(submission.command(), encoder);
            try {
                long position = journal.append(encoder.view());
                assert position > end : "position " + position + " after " + end;
                end = position;
                group.add(new Work(position, submission.command(), submission.reply()));
            } catch (JournalFullException | RecordTooLargeException e) {
                refused.because(submission, e);
            }
            if (encoder.size() > USUAL_RECORD_BYTES) {
                // Release the memory of a large command.
                encoder = new BinaryWriter(USUAL_RECORD_BYTES);
            }
            if (journal.pendingBytes() > MAX_GROUP_BYTES) {
                sync(group);
                durable.accept(group);
                group = new ArrayList<>();
            }
        }
        sync(group);
        if (!group.isEmpty()) {
            durable.accept(group);
        }
    }

    private void sync(List<Work> group) throws IOException {
        long start = System.nanoTime();
        bytes.add(journal.pendingBytes());
        journal.sync();
        if (!group.isEmpty()) {
            groups.increment();
            commands.add(group.size());
            syncNanos.add(System.nanoTime() - start);
        }
    }

    /** Totals since the start, together with figures that the engine has measured. May be called by any thread. */
    EngineTotals totals(long commandNanos, long callbackFailures) {
        return new EngineTotals(
                commands.sum(), commandNanos, groups.sum(), bytes.sum(), syncNanos.sum(), callbackFailures);
    }

    /** Tells the position of the last record of the journal, or 0 if there is none. Called before the first commit. */
    void continueFrom(long position) {
        end = position;
    }

    /** Position of the last record; 0 before the first one. */
    long end() {
        return end;
    }

    /** Receives a submission that was refused. */
    @FunctionalInterface
    interface RefusedSubmission {
        void because(Submission submission, IOException reason);
    }
}
