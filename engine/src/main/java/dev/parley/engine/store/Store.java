package dev.parley.engine.store;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sorted tables of bytes. Reads are thread-safe and see every batch whose {@link #write} has returned.
 *
 * <p>A batch is written completely or not at all. After a crash, the store has a prefix of the batches: at least those
 * before the last {@link #flush()}. Failures are {@link StoreException}.
 */
public interface Store extends View, AutoCloseable {
    /** The rows as they are now, whatever is written later. The caller has to close it. */
    Moment snapshot();

    /** Applies all changes in order, as one change. */
    void write(List<Change> batch);

    /** Returns when everything written is on the medium. */
    void flush();

    /** Identifies the newest change that was written, for {@link #purge}. */
    long newestChange();

    /**
     * Rewrites the files of the store that have rows of some ranges, so that nothing is left in them of rows that were removed. Returns
     * false, and may have left something, if somebody still reads a moment that is not later than {@code change}. May take long.
     */
    boolean purge(List<Range> ranges, long change);

    /**
     * Makes a copy of the store as it is now, in {@code folder}, which does not exist. Returns when the copy is on the medium. May be
     * called while others write; the copy has everything whose {@link #write} had returned by then, and perhaps more, up to one batch.
     */
    default void copyTo(Path folder) {
        throw new UnsupportedOperationException("this store cannot be copied");
    }

    /** The size of written data that is in memory only, and will need space on the disk. */
    long unwrittenBytes();

    /** The memory outside the heap, for data that is not written yet and for cached data. */
    long memoryBytes();

    @Override
    void close();

    /** The tables of the store. */
    enum Table {
        /** The position up to which the journal has been applied, and facts about the data folder. */
        META,
        /** Path to the state of a stream. */
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
        /** Key to the state of a session. */
        SESSIONS,
        /** Session id and position to the entry there; of a message, only its newest version. */
        LOG,
        /** Session id and serial to a message: all of it, or its head while it grows. */
        MESSAGES,
        /** Session id, serial and version to an older version of a message, and to the pieces of one that grows. */
        VERSIONS,
        /** Session id and serial of a message that is in pieces to the session's name. */
        GROWING,
        /** Session id and a client's own message id to the message's serial. */
        MESSAGE_IDS,
        /** Session id, connection and client to a presence member. */
        MEMBERS,
        /** Session id and position to a presence event. */
        PRESENCE,
        /** Session id, connection and number of an accepted request of a connection to its outcome. */
        REMEMBERED("REQUESTS"),
        /** Session id, serial and position to an annotation of a message. */
        ANNOTATIONS,
        /** Session id and serial to the summaries of a message, by name and by client. */
        SUMMARIES,
        /** Session id and object to the state of the object; with a key, to the entry of a map. */
        OBJECTS,
        /** Session id and a client's own id for a change of objects to its outcome; the same ids by age. */
        OBJECT_IDS,
        /**
         * Session id and run to a run that has not ended, to the texts about it, and to when its agent was heard; session id and serial to a message
         * that is being streamed, and to a cancel that has had no effect yet.
         */
        RUNS,
        /** Session id and connection to what is to become of what the connection has left there, once it was lost. */
        ATTENDANCES,
        /** Time, session id and connection to what is due then for a connection that is lost. */
        DEPARTURES,
        /** Apps that were created over HTTP, with their keys and namespaces; revocations of tokens. */
        REGISTRY,
        /** Epoch, session id and connection to the session's name, for each attendance. */
        ARRIVALS,
        /** Session id to the texts about a control that is not the default one; with a position, to a change of control. */
        CONTROLS,
        /** Time and session id to the name of a session whose control goes back to the agent then. */
        EXPIRIES,
        /** What sessions are listed by: app, attribute and name; of a session, the attributes that are found by its id. */
        INDEX,
        /** Session id to what somebody has said about a session that was made explicitly: its labels, and by whom. */
        PROFILES,
        /** Session id and agent to an agent that the session names. */
        AGENTS,
        /** Session id and agent to what the agent has to do; session id to how long agents have only talked to each other. */
        WAKES,
        /** Time, session id and agent to a wake that is to be taken back or given up then, or is to be delivered. */
        WAKE_TIMES,
        /** What remains of erased sessions, by name; ids of those whose content may still be in the files, to names. */
        TOMBSTONES,
        /**
         * Session id and id to what people are asked; session id, run and call to a call of a tool that may be asked about;
         * session id, position and id of what was closed.
         */
        ASKED,
        /** Whether it is open, session and id to what lists of all that people are asked choose by. */
        INBOX,
        /** Time, session id and id to what people are asked and can no longer answer then. */
        DUE,
        /** Session id and horizon to the messages that were removed when the horizon came to be there. */
        REMOVED,
        /** Session id to what the session knows of what its namespace names. */
        INHERITED,
        /** Time, session id and run to a run of whose agent nothing was heard since, as far as is known. */
        SILENCES,
        /** Session id and id to something that the application is to be told. */
        NOTIFICATIONS,
        /** Time, session id and id to something that the application is to be told then. */
        NOTIFICATION_TIMES,
        /** Session id and client to what was told of what the client has not seen; to that it is an agent. */
        NOTIFIED;

        private final String folderName;

        Table() {
            this.folderName = name();
        }

        Table(String folderName) {
            this.folderName = folderName;
        }

        /** The name of the table in data folders, where it never changes. */
        String folderName() {
            return folderName;
        }
    }

    /** All keys of a table from {@code from} (inclusive) to {@code to} (exclusive). */
    record Range(Table table, byte[] from, byte[] to) {}

    /** Rows of one moment. Not thread-safe. */
    interface Moment extends View, AutoCloseable {
        @Override
        void close();
    }

    /** A key with its value. */
    record Row(byte[] key, byte[] value) {}

    /** Iterates over rows. Not thread-safe. */
    interface Rows extends AutoCloseable {
        /** The key of the next row, or null at the end. */
        byte @Nullable [] nextKey();

        /** The length of the next row's value, or -1 at the end. This needs no memory, however long the value is. */
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
