package dev.parley.engine;

import dev.parley.engine.memory.Memory;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/**
 * The options of an engine. Every number is a bound.
 *
 * @param folder the data folder, which only one engine may use at a time
 * @param shards number of appliers that share the work; fixed when the folder is first used
 * @param segmentBytes size of a journal segment
 * @param maxRecordBytes size of the largest command in the journal
 * @param cacheBytes memory in which the store caches blocks
 * @param memtableBytes memory for what the store has not written to its files yet
 * @param cachedStates number of stream states that stay in memory, and the same number of session states
 * @param maxWaiting number of commands that may wait for their outcome
 * @param memory the account of the memory that commands and windows may hold
 * @param minFreeBytes free disk space below which commands that store something are refused
 * @param stallAfterMillis an agent that says nothing for this time in the middle of a run is stalled
 * @param mayRead whether the current thread may wait for the disk. Asked before each read of the store if assertions are on;
 *     a read by a thread that may not is a fault
 */
public record EngineOptions(
        Path folder,
        int shards,
        long segmentBytes,
        int maxRecordBytes,
        long cacheBytes,
        long memtableBytes,
        int cachedStates,
        int maxWaiting,
        Memory memory,
        long minFreeBytes,
        long stallAfterMillis,
        BooleanSupplier mayRead) {
    private static final long STALL_AFTER_MILLIS = 120_000;

    /** The same, except that every thread may read, and agents are stalled after two minutes. */
    public EngineOptions(
            Path folder,
            int shards,
            long segmentBytes,
            int maxRecordBytes,
            long cacheBytes,
            long memtableBytes,
            int cachedStates,
            int maxWaiting,
            Memory memory,
            long minFreeBytes) {
        this(
                folder,
                shards,
                segmentBytes,
                maxRecordBytes,
                cacheBytes,
                memtableBytes,
                cachedStates,
                maxWaiting,
                memory,
                minFreeBytes,
                STALL_AFTER_MILLIS,
                () -> true);
    }

    /** The same, with {@link #mayRead}. */
    public EngineOptions readBy(BooleanSupplier allowed) {
        return with(stallAfterMillis, allowed);
    }

    /** The same, with {@link #stallAfterMillis}. */
    public EngineOptions stallAfter(long millis) {
        return with(millis, mayRead);
    }

    private EngineOptions with(long stallAfter, BooleanSupplier allowed) {
        return new EngineOptions(
                folder,
                shards,
                segmentBytes,
                maxRecordBytes,
                cacheBytes,
                memtableBytes,
                cachedStates,
                maxWaiting,
                memory,
                minFreeBytes,
                stallAfter,
                allowed);
    }

    /** The default options for a data folder. */
    public static EngineOptions in(Path folder) {
        return new EngineOptions(
                folder, 1, 64L << 20, 17 << 20, 256L << 20, 256L << 20, 100_000, 100_000, Memory.ofHeap(), 64L << 20);
    }
}
