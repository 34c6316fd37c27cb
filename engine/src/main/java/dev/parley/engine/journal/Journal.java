package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The durable total order of commands. One thread appends and syncs. Positions only grow and are never reused.
 *
 * <p>After an {@link IOException} from {@link #sync()}, it is unknown what reached the medium, and a second sync may
 * falsely succeed. The journal must not be used any more, and the process has to stop (fail-stop).
 */
public interface Journal extends AutoCloseable {
    /**
     * Passes every record from {@code position} on to {@code reader}, oldest first. Called once, before the first
     * {@link #append}.
     *
     * @throws CorruptJournalException if a record that was durable once can no longer be read
     */
    void replay(long position, RecordReader reader) throws IOException;

    /**
     * Adds a record to the group that the next {@link #sync()} makes durable.
     *
     * @return the record's position
     * @throws JournalFullException if there is no room for the record; nothing was appended, and the journal stays
     *     usable
     * @throws RecordTooLargeException if the record is larger than allowed; nothing was appended, and the journal stays
     *     usable
     */
    long append(ByteBuffer record) throws IOException;

    /** Number of bytes in the group that is not durable yet. */
    long pendingBytes();

    /** Makes the group durable. */
    void sync() throws IOException;

    /**
     * Tells the journal that no command is waiting, so that it can record how far it is durable. A start can then
     * distinguish a torn group at the end of the log from damage to an acknowledged group.
     */
    void idle() throws IOException;

    /**
     * Makes the next record the first one of a segment, so that {@link #truncateBefore} can free everything before it.
     *
     * @throws JournalFullException if there is no room for a segment; nothing has changed
     */
    void startSegment() throws IOException;

    /**
     * The journal as far as it is durable, to be copied by another thread, while nobody frees segments. Called between two groups.
     */
    default LogCopy copy() {
        throw new UnsupportedOperationException("this journal cannot be copied");
    }

    /** Frees the segments that lie completely before {@code position}. */
    void truncateBefore(long position) throws IOException;

    @Override
    void close() throws IOException;

    /** Receives records at replay. */
    @FunctionalInterface
    interface RecordReader {
        /** Receives one record. {@code record} is valid only during the call. */
        void read(long position, ByteBuffer record) throws IOException;
    }
}
