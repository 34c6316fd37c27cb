package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The ordered log of all commands, as a pipeline sees it. The pipeline submits records, and the log hands records to the
 * pipeline in their one order: the pipeline's own records and, if the log is shared, those of other nodes. A record that
 * is handed over is durable. Positions only grow and are never reused, and are the same on all nodes.
 *
 * <p>One thread calls all methods except {@link #truncateBefore}. After an {@link IOException} that no method declares to
 * be harmless, the log must not be used any more, and the process has to stop.
 */
public interface CommandLog extends AutoCloseable {
    /**
     * Passes every record from {@code position} on to {@code reader}, oldest first, up to the end that the log has at
     * this moment. What follows is handed over by {@link #take}. Called once, before everything else.
     *
     * @throws CorruptJournalException if a record that was durable once can no longer be read
     */
    void replay(long position, RecordReader reader) throws IOException;

    /**
     * Adds a record to the round that the next {@link #send()} ends.
     *
     * @param number the number of the record: 1 for the first one, and one more for each one that was not refused
     * @throws JournalFullException if there is no room for the record; nothing was submitted
     * @throws RecordTooLargeException if the record is larger than allowed; nothing was submitted
     */
    void submit(long number, ByteBuffer record) throws IOException;

    /** Number of bytes in the round that is not sent yet. */
    long pendingBytes();

    /**
     * Ends the round. A local log makes the round durable before this method returns. A shared log sends the round on
     * its way, and repeats it until it knows that the log has it; the log may therefore have a record more than once.
     */
    void send() throws IOException;

    /**
     * Hands over records that have become durable and were not handed over yet, in their order. Never waits for more.
     *
     * @param maxBytes a shared log hands over nothing if this is 0, and otherwise stops after the record with which it
     *     has handed over this number of bytes. A local log ignores it and hands over the round that was sent.
     */
    void take(Receiver receiver, long maxBytes) throws IOException;

    /** Tells the log that no command is waiting. See {@link Journal#idle}. */
    void idle() throws IOException;

    /** Tells a local log to let the next record begin a part of its own; see {@link Journal#startSegment}. */
    void startSegment() throws IOException;

    /**
     * What the log holds at this moment, to be copied by another thread afterwards. A shared log is not copied.
     */
    default LogCopy copy() {
        throw new UnsupportedOperationException("a shared log is copied where it is kept");
    }

    /** Tells the log that this node needs nothing before {@code position} any more. */
    void truncateBefore(long position) throws IOException;

    /** Whether records of other nodes may be in the log, and records may be in it more than once. */
    boolean isShared();

    /**
     * Sets who is told that {@link #take} has something to hand over. A shared log calls {@code listener} from any
     * thread, once until the next take. A local log never does, because it hands over what was sent right before.
     */
    void onNews(Runnable listener);

    @Override
    void close() throws IOException;

    /** Receives records at replay. */
    @FunctionalInterface
    interface RecordReader {
        /**
         * Receives one record.
         *
         * @param id the id under which the record was submitted, or null if the log has each record once
         * @param record valid only during the call
         */
        void read(long position, @Nullable SubmissionId id, ByteBuffer record) throws IOException;
    }

    /** Receives records that have become durable. */
    interface Receiver {
        /** A record that this pipeline submitted, from a log that has each record once. */
        void own(long position, long number);

        /**
         * A record of a shared log. It may have been handed over before, at another position.
         *
         * @param isOwn whether this pipeline submitted the record, in its present life
         * @param record valid only during the call
         */
        void shared(long position, SubmissionId id, boolean isOwn, ByteBuffer record) throws IOException;
    }
}
