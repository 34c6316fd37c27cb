package dev.parley.engine;

import dev.parley.engine.store.Store;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of the disk commands may take. What was accepted must find room, or the engine has to stop: the journal's next
 * file, and what the store has in memory and writes later. Thread-safe.
 */
final class DiskRoom {
    private static final Logger LOG = LoggerFactory.getLogger(DiskRoom.class);

    /** The rows of a command may take so many times its own size in the store. */
    private static final int ROWS_PER_COMMAND = 2;

    /** When the room was too little, it has to grow by this share of the reserve before commands are accepted again. */
    private static final int MARGIN_SHARE = 8;

    /** How many bytes of the disk are left for us. */
    interface FreeSpace {
        long bytes() throws IOException;
    }

    private final Path folder;
    private final FreeSpace disk;
    private final long minFree;
    private final long segmentBytes;
    private final LongSupplier waitingBytes;
    /** What may still be accepted before the disk is looked at again. */
    private final AtomicLong left = new AtomicLong();

    /** Guarded by this, so that nobody asks a closed store. */
    private @Nullable Store store;

    private volatile boolean low;

    /**
     * The room on the disk of {@code options.folder()}, which must exist.
     *
     * @param waitingBytes how much the commands hold that are accepted and not applied
     */
    DiskRoom(EngineOptions options, LongSupplier waitingBytes) throws IOException {
        this(
                options.folder(),
                Files.getFileStore(options.folder())::getUsableSpace,
                options.minFreeBytes(),
                options.segmentBytes(),
                waitingBytes);
    }

    /** The room on {@code disk}, which holds {@code folder}. */
    DiskRoom(Path folder, FreeSpace disk, long minFree, long segmentBytes, LongSupplier waitingBytes) {
        this.folder = folder;
        this.disk = disk;
        this.minFree = minFree;
        this.segmentBytes = segmentBytes;
        this.waitingBytes = waitingBytes;
    }

    /** From now on there must be room for what {@code opened} has in memory; null before it is closed. */
    synchronized void isFor(@Nullable Store opened) {
        store = opened;
    }

    /**
     * What has to stay free when a journal file is made. Less than what makes commands be refused, so that those which
     * store nothing, and may free room, find a journal to stand in.
     */
    synchronized long besidesSegment() {
        return minFree / 2 + unwritten();
    }

    private long unwritten() {
        return store == null ? 0 : store.unwrittenBytes();
    }

    /** Takes room for a command of {@code bytes} that stores something; false if there is none. */
    boolean take(int bytes) {
        if (low) {
            return false;
        }
        if (left.addAndGet(-(long) bytes * ROWS_PER_COMMAND) >= 0) {
            return true;
        }
        try {
            look();
        } catch (IOException e) {
            // The next look of the engine's sweep reports it.
            LOG.debug("the disk cannot be looked at", e);
            return false;
        }
        return !low;
    }

    /** Looks how much there is. To be called about once a second, as others use the disk too. */
    synchronized void look() throws IOException {
        long usable = disk.bytes();
        long room = usable
                - minFree
                - segmentBytes
                - unwritten()
                - ROWS_PER_COMMAND * waitingBytes.getAsLong()
                - (low ? minFree / MARGIN_SHARE : 0);
        left.set(room);
        if (low != room < 0) {
            low = room < 0;
            LOG.warn(
                    "the disk of {} has {} bytes left: {}",
                    folder,
                    usable,
                    low ? "commands that store something are refused" : "all commands are accepted again");
        }
    }

    /** Why a command was refused. */
    StorageFullException refusal() {
        return new StorageFullException(
                "the disk of " + folder + " is nearly full: what is left is needed for what was accepted before", null);
    }
}
