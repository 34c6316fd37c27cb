package dev.parley.engine;

import dev.parley.engine.Shard.Work;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.command.Command;
import dev.parley.engine.journal.CommandLog;
import dev.parley.engine.journal.JournalFullException;
import dev.parley.engine.journal.RecordTooLargeException;
import dev.parley.engine.journal.SubmissionId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Submits the commands of all shards to the log in groups, and hands on what the log hands over. All commands that
 * arrived during one sync share the next one, so latency is one sync when the engine is idle and throughput grows with
 * load. Called by one thread.
 *
 * <p>Each submission has a number. A record that the log hands over finds the reply that waits for its outcome by this
 * number, whatever came between.
 */
final class Committer {
    /** A group this large is synced without waiting for more. */
    private static final long MAX_GROUP_BYTES = 8L << 20;

    private static final int USUAL_RECORD_BYTES = 4096;

    /** A command that waits to be submitted to the log, or to be handed over by it. */
    record Submission(Command<?> command, Reply<?> reply) implements Pipeline.CommitStep {}

    private final CommandLog log;
    /** The submissions that were not handed over yet, oldest first. */
    private final ArrayDeque<Submission> unheard = new ArrayDeque<>();

    private BinaryWriter encoder = new BinaryWriter(USUAL_RECORD_BYTES);

    private final LongAdder commands = new LongAdder();
    private final LongAdder groups = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder syncNanos = new LongAdder();
    /** The number of the next submission. */
    private long next = 1;

    private long end;

    Committer(CommandLog log) {
        this.log = log;
    }

    /**
     * Submits commands to the log, and hands on what has become durable, in the order of the log. Refuses submissions that
     * are too large or for which the disk has no room.
     *
     * @param maxBytes how much a shared log may hand over; see {@link CommandLog#take}
     * @param durable receives the records that became durable, group by group
     * @param refused receives the submissions that were refused
     * @throws IOException if it is unknown what became durable; the engine has to stop
     */
    void commit(List<Submission> submissions, long maxBytes, Consumer<List<Work>> durable, RefusedSubmission refused)
            throws IOException {
        for (Submission submission : submissions) {
            encoder.reset();
            CommandCodec.write(submission.command(), encoder);
            try {
                log.submit(next, encoder.view());
                next++;
                unheard.add(submission);
            } catch (JournalFullException | RecordTooLargeException e) {
                refused.because(submission, e);
            }
            if (encoder.size() > USUAL_RECORD_BYTES) {
                // Release the memory of a large command.
                encoder = new BinaryWriter(USUAL_RECORD_BYTES);
            }
            if (log.pendingBytes() > MAX_GROUP_BYTES) {
                exchange(maxBytes, durable);
            }
        }
        exchange(maxBytes, durable);
    }

    private void exchange(long maxBytes, Consumer<List<Work>> durable) throws IOException {
        long start = System.nanoTime();
        bytes.add(log.pendingBytes());
        log.send();
        long nanos = System.nanoTime() - start;
        Group group = new Group();
        log.take(group, maxBytes);
        if (!group.works.isEmpty()) {
            groups.increment();
            commands.add(group.works.size());
            syncNanos.add(nanos);
            durable.accept(group.works);
        }
    }

    /** The records that the log hands over in one round. */
    private final class Group implements CommandLog.Receiver {
        private final List<Work> works = new ArrayList<>(unheard.size());

        @Override
        public void own(long position, long number) {
            Submission submission = heard(number);
            if (submission == null) {
                throw new IllegalStateException("the log has handed over submission " + number + " twice");
            }
            add(new Work(position, submission.command(), null, submission.reply()));
        }

        @Override
        public void shared(long position, SubmissionId id, boolean isOwn, ByteBuffer record) throws IOException {
            Submission submission = isOwn ? heard(id.number()) : null;
            // All nodes decode the same command from the record, so the submitter need not decode it again.
            add(
                    submission == null
                            ? new Work(position, Recovery.read(position, record), id, null)
                            : new Work(position, submission.command(), id, submission.reply()));
        }

        private void add(Work work) {
            assert work.position() > end : "position " + work.position() + " after " + end;
            end = work.position();
            works.add(work);
        }
    }

    /**
     * The submission with this number if it is handed over for the first time, else null. Submissions before it that were
     * not handed over have been overtaken, so they can have no effect any more.
     */
    private @Nullable Submission heard(long number) {
        long oldest = next - unheard.size();
        if (number < oldest) {
            return null;
        }
        for (; oldest < number; oldest++) {
            unheard.remove().reply().failed(new OverloadedException("the log has given up the command"));
        }
        return unheard.remove();
    }

    /** Tells everybody who waits for a record that nobody knows whether the log has it. */
    void abandon(Exception reason) {
        while (!unheard.isEmpty()) {
            unheard.remove().reply().failed(reason);
        }
    }

    /** Totals since the start, together with figures that the engine has measured. May be called by any thread. */
    EngineTotals totals(long commandNanos, long callbackFailures) {
        return new EngineTotals(
                commands.sum(), commandNanos, groups.sum(), bytes.sum(), syncNanos.sum(), callbackFailures);
    }

    /** Tells the position of the last record that was replayed, or 0 if there is none. Called before the first commit. */
    void continueFrom(long position) {
        end = position;
    }

    /** Position of the last record that was handed over or replayed; 0 before the first one. */
    long end() {
        return end;
    }

    /** Receives a submission that was refused. */
    @FunctionalInterface
    interface RefusedSubmission {
        void because(Submission submission, IOException reason);
    }
}
