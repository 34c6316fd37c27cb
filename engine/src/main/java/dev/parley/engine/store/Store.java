package dev.parley.engine.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sorted tables of bytes. Reads are thread-safe and see every batch whose {@link #write} has returned.
 *
 * <p>A batch is written wholly or not at all, and after a crash the store holds a prefix of the batches: at least those
 * before the last {@link #flush()}. Failures are {@link StoreException}.
 */
public interface Store extends View, AutoCloseable {
    /** The rows as they are now, whatever is written afterwards. Close it. */
    Moment snapshot();

    /** Applies all changes in order, as one. */
    void write(List<Change> batch);

    /** Returns when everything written is on the medium. */
    void flush();

    /** How much of what was written is in memory only, and will take room on the disk. */
    long unwrittenBytes();

    /** How much memory it holds outside the heap: what is not written yet, and what is cached. */
    long memoryBytes();

    @Override
    void close();

    /** What the store is divided into. */
    enum Table {
        /** How far the journal has been applied, and facts about the data folder. */
        META,
        /** Path to what a stream is. */
        STREAMS,
        /** Stream id and position to an entry. */
        ENTRIES,
        /** Stream id and producer id to the producer's epoch and sequence number. */
        PRODUCERS,
        /** Deadline and stream id to the path of a stream that ends by itself. */
        DEADLINES,
        /** Stream id and pin id to the path of the fork that holds the pin. */
        PINS,
        /** Notes of work to be done in another shard. */
        OUTBOX,
        /** Subscriptions and their links. */
        SUBSCRIPTIONS,
        /** Key to what a session is. */
        SESSIONS,
        /** Session id and position to what happened there; of a message only its newest version. */
        LOG,
        /** Session id and serial to a message: all of it, or its head while it grows. */
        MESSAGES,
        /** Session id, serial and version to what a message was, and to the pieces of one that grows. */
        VERSIONS,
        /** Session id and serial of a message that is in pieces to the session's name. */
        GROWING,
        /** Session id and a client's own message id to the message's serial. */
        MESSAGE_IDS,
        /** Session id, connection and client to a presence member. */
        MEMBERS,
        /** Session id and position to what a member did. */
        PRESENCE,
        /** Session id, connection and number of an accepted request to its outcome. */
        REQUESTS,
        /** Session id, serial and position to an annotation of a message. */
        ANNOTATIONS,
        /** Session id and serial to what a message's annotations come to, sum by sum and client by client. */
        SUMMARIES,
        /** Session id and object to what it is; with a key, to what a map has under it. */
        OBJECTS,
        /** Session id and a client's own id of a change of objects to its outcome; and what is kept by its age. */
        OBJECT_IDS,
        /**
         * Session id and run to a run that has not ended, and to what is to be said of it; session id and serial to a message
         * that is being streamed, and to a cancel that has had no effect yet.
         */
        RUNS,
        /** Session id and connection to what is to become of what the connection has left there, once it was lost. */
        ATTENDANCES,
        /** Time, session id and connection to what is due then for a connection that is lost. */
        DEPARTURES,
        /** Apps that were made, with their keys and namespaces; and revocations of tokens. */
        REGISTRY
    }

    /** Rows of one moment. Not thread-safe. */
    interface Moment extends View, AutoCloseable {
        @Override
        void close();
    }

    /** A key with its value. */
    record Row(byte[] key, byte[] value) {}

    /** Walks over rows. Not thread-safe. */
    interface Rows extends AutoCloseable {
        /** The key of the next row, or null at the end. */
        byte @Nullable [] nextKey();

        /** How long the value of the next row is, or -1 at the end. Costs no memory, however long it is. */
        int nextLength();

        /** The next row, or null at the end. */
        @Nullable
        Row next();

        @Override
        void close();
    }

    /** One change of a batch. */
    sealed interface Change {
        /** Sets a value. */
        record Put(Table table, byte[] key, byte[] value) implements Change {}

        /** Removes a key, which may be absent. */
        record Remove(Table table, byte[] key) implements Change {}

        /** Removes all keys from {@code from} (inclusive) to {@code to} (exclusive). */
        record RemoveRange(Table table, byte[] from, byte[] to) implements Change {}
    }
}
