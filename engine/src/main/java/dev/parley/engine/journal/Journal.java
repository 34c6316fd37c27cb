package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The durable total order of commands. One thread appends and syncs; positions only grow and are never used twice.
 *
 * <p>After an {@link IOException} from {@link #sync()} it is unknown what reached the medium, and a second sync may
 * falsely succeed: the journal must not be used any more, and the process has to stop (fail-stop).
 */
public interface Journal extends AutoCloseable {
    /**
     * Hands every record from {@code position} on to {@code reader}, oldest first. Called once, before the first
     * {@link #append}.
     *
     * @throws CorruptJournalException if a record that was durable once cannot be read any more
     */
    void replay(long position, RecordReader reader) throws IOException;

    /**
     * Puts a record into the group that the next {@link #sync()} makes durable.
     *
     * @return the record's position
     * @throws JournalFullException if there is no room for it; nothing was appended, and the journal stays usable
     * @throws RecordTooLargeException if it is larger than the journal takes; the same holds
     */
    long append(ByteBuffer record) throws IOException;

    /** Bytes in the group that is not durable yet. */
    long pendingBytes();

    /** Makes the group durable. */
    void sync() throws IOException;

    /**
     * Tells that nothing else is waiting, which lets the journal note how far it is durable. A torn group at the end
     * of the log can then be told from damage to a group that was acknowledged.
     */
    void idle() throws IOException;

    /** Frees what lies wholly before {@code position}. */
    void truncateBefore(long position) throws IOException;

    @Override
    void close() throws IOException;

    /** Receives records at replay. */
    @FunctionalInterface
    interface RecordReader {
        /** One record; {@code record} is valid during the call only. */
        void read(long position, ByteBuffer record) throws IOException;
    }
}
