package dev.parley.engine.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sorted tables of bytes. Reads are thread-safe and see every batch whose {@link #write} has returned.
 *
 * <p>A batch is written wholly or not at all, and after a crash the store holds a prefix of the batches: at least those
 * before the last {@link #flush()}. Failures are {@link StoreException}.
 */
public interface Store extends AutoCloseable {
    /** The value, or null. */
    byte @Nullable [] get(Table table, byte[] key);

    /** Rows from {@code from} (inclusive) to {@code to} (exclusive), in the order of unsigned bytes. Close it. */
    Rows scan(Table table, byte[] from, byte[] to);

    /** The last row from {@code from} (inclusive) to {@code to} (exclusive), or null. */
    @Nullable
    Row last(Table table, byte[] from, byte[] to);

    /** Applies all changes in order, as one. */
    void write(List<Change> batch);

    /** Returns when everything written is on the medium. */
    void flush();

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
        SUBSCRIPTIONS
    }

    /** A key with its value. */
    record Row(byte[] key, byte[] value) {}

    /** Walks over rows. Not thread-safe. */
    interface Rows extends AutoCloseable {
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
