package dev.parley.engine;

import dev.parley.engine.memory.Memory;
import java.nio.file.Path;

/**
 * What an engine needs to know. Every number is a bound.
 *
 * @param folder the data folder, which belongs to one engine at a time
 * @param shards how many appliers share the work; fixed when the folder is first used
 * @param segmentBytes size of a journal segment
 * @param maxRecordBytes largest command in the journal
 * @param cacheBytes memory for blocks of the store
 * @param cachedStates how many states of streams stay in memory, and as many of sessions
 * @param maxWaiting how many commands may wait for their outcome
 * @param memory the account of the memory that commands and windows may hold
 * @param minFreeBytes commands that store something are refused when the disk has less room than this
 */
public record EngineOptions(
        Path folder,
        int shards,
        long segmentBytes,
        int maxRecordBytes,
        long cacheBytes,
        int cachedStates,
        int maxWaiting,
        Memory memory,
        long minFreeBytes) {

    /** Defaults for a data folder. */
    public static EngineOptions in(Path folder) {
        return new EngineOptions(
                folder, 1, 64L << 20, 17 << 20, 256L << 20, 100_000, 100_000, Memory.ofHeap(), 64L << 20);
    }
}
