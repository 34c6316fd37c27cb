package dev.parley.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.store.Store;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides how much disk space commands may use. Everything that was accepted must find space, or the engine has to
 * stop: the journal's next file, and the part of the store that is in memory and written later. Thread-safe.
 */
final class DiskRoom {
    private static final Logger LOG = LoggerFactory.getLogger(DiskRoom.class);

    /** The rows of a command may need this many times the command's size in the store. */
    private static final int ROWS_PER_COMMAND = 2;

    /**
     * After commands were refused, the free space has to exceed the limit by the reserve divided by this number before
     * commands are accepted again.
     */
    private static final int MARGIN_SHARE = 8;

    /** Tells how many bytes of the disk are free. */
    interface FreeSpace {
        long bytes() throws IOException;
    }

    private final Path folder;
    private final FreeSpace disk;
    private final long minFree;
    private final long segmentBytes;
    private final LongSupplier waitingBytes;
    /** Number of bytes that may still be accepted before the disk is checked again. */
    private final AtomicLong left = new AtomicLong();

    /** Guarded, so that a closed store is never asked. */
    @GuardedBy("this")
    private @Nullable Store store;

    private volatile boolean low;

    /**
     * The space on the disk of {@code options.folder()}, which must exist.
     *
     * @param waitingBytes tells how many bytes are held by commands that are accepted and not yet applied
     */
    DiskRoom(EngineOptions options, LongSupplier waitingBytes) {
        this(
                options.folder(),
                // Not by its FileStore: in a chroot whose root is no mount, Java finds none. Nothing free if it cannot
                // be told.
                options.folder().toFile()::getUsableSpace,
                options.minFreeBytes(),
                options.segmentBytes(),
                waitingBytes);
    }

    /** The space on {@code disk}, which holds {@code folder}. */
    DiskRoom(Path folder, FreeSpace disk, long minFree, long segmentBytes, LongSupplier waitingBytes) {
        this.folder = folder;
        this.disk = disk;
        this.minFree = minFree;
        this.segmentBytes = segmentBytes;
        this.waitingBytes = waitingBytes;
    }

    /** Sets the store whose unwritten data needs space. Null before the store is closed. */
    synchronized void isFor(@Nullable Store opened) {
        store = opened;
    }

    /**
     * Number of bytes that must stay free when a journal file is created. It is less than the limit below which
     * commands are refused, so that commands that store nothing, and may free space, still find room in the journal.
     */
    synchronized long besidesSegment() {
        return minFree / 2 + unwritten();
    }

    @GuardedBy("this")
    private long unwritten() {
        return store == null ? 0 : store.unwrittenBytes();
    }

    /** Reserves space for a command of {@code bytes} that stores something. Returns false if there is none. */
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
            // The engine's next sweep checks the disk again and reports the failure.
            LOG.debug("the disk cannot be looked at", e);
            return false;
        }
        return !low;
    }

    /** Checks the free space. Called about once a second, because other programs use the disk as well. */
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

    /** The reason for refusing a command. */
    StorageFullException refusal() {
        return new StorageFullException(
                "the disk of " + folder + " is nearly full: what is left is needed for what was accepted before", null);
    }
}
