package dev.parley.engine.journal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A journal of preallocated segment files on one machine.
 *
 * <p>Records are committed in groups: {@link #append} only fills a buffer, and {@link #sync()} writes the buffer with
 * one call and syncs once. The next segment is created ahead of need, so that no group waits while a file is filled
 * with zeros.
 *
 * <p>Recovery reads up to the first record that is not whole. If a later record proves that the log was durable beyond
 * that point, the journal is damaged and refuses to open. Otherwise the rest is a group that was never acknowledged,
 * and is zeroed before anyone reads it.
 */
public final class LocalJournal implements Journal {
    /**
     * The payload of a mark. It begins with a byte with which no command begins, because an empty payload is not
     * allowed.
     */
    private static final byte MARK = (byte) 0xFF;

    /** The second byte of the mark at the end of a segment, which says that the log continues in the next segment. */
    private static final byte GOES_ON = 1;

    private static final ByteBuffer END_OF_SEGMENT =
            ByteBuffer.wrap(new byte[] {MARK, GOES_ON}).asReadOnlyBuffer();

    /** Number of bytes that each segment keeps free for that mark. */
    private static final int END_BYTES = Segment.paddedBytes(END_OF_SEGMENT.capacity());

    private static final long FIRST_SEGMENT_BYTES = 4 << 20;
    private static final long GROWTH = 4;

    /** How much of a segment is copied at a time. */
    private static final int COPY_BYTES = 1 << 20;

    private final Disk disk;
    private final long segmentBytes;
    private final int maxRecordBytes;
    private final Executor background;
    private final CRC32C crc = new CRC32C();

    /** The segments, oldest first. Another thread truncates the journal. */
    @GuardedBy("itself")
    private final Deque<Segment> segments = new ArrayDeque<>();

    /** The newest segment, to which records are written. */
    private Segment active;

    private @Nullable CompletableFuture<Segment> next;
    private ByteBuffer group;
    /** Position of the group's first byte, in the active segment. */
    private long groupStart;
    /** Position up to which the log is synced. A mark is included only after the sync of the group that follows it. */
    private long durable;

    private boolean marked;
    private boolean replayed;
    private boolean broken;

    /**
     * Opens the journal on {@code disk}, and creates its first segment if there is none.
     *
     * @param segmentBytes size of a segment; at least twice {@code maxRecordBytes}
     * @param maxRecordBytes largest payload of one record
     * @param background creates the next segment
     * @throws CorruptJournalException if a segment is missing or its header is damaged
     */
    public LocalJournal(Disk disk, long segmentBytes, int maxRecordBytes, Executor background) throws IOException {
        if (segmentBytes < 2L * Segment.paddedBytes(maxRecordBytes) || segmentBytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a segment of " + segmentBytes + " bytes cannot hold records of "
                    + maxRecordBytes + " bytes: use at least twice as much, below 2 GiB");
        }
        this.disk = disk;
        this.segmentBytes = segmentBytes;
        this.maxRecordBytes = maxRecordBytes;
        this.background = background;
        this.group = ByteBuffer.allocateDirect((int) Math.min(1 << 20, segmentBytes));
        this.active = openSegments();
    }

    /** True if {@code disk} has a journal. */
    public static boolean existsOn(Disk disk) throws IOException {
        return disk.list().stream().anyMatch(Segment::isName);
    }

    /**
     * True if no part of the journal on {@code disk} has been freed, so that its replay produces the complete store.
     */
    public static boolean isWholeOn(Disk disk) throws IOException {
        return disk.list().contains(Segment.nameOf(0));
    }

    private Segment openSegments() throws IOException {
        List<String> names = disk.list().stream()
                .filter(Segment::isName)
                .sorted(Comparator.naturalOrder())
                .toList();
        Deque<Segment> found = new ArrayDeque<>();
        for (String name : names) {
            Segment segment = Segment.open(disk, name);
            if (!found.isEmpty() && found.getLast().end() != segment.base()) {
                throw new CorruptJournalException("journal segment " + name + " does not follow "
                        + found.getLast().name() + ": a file is missing");
            }
            found.add(segment);
        }
        if (found.isEmpty()) {
            // A small segment, so that a first start does not wait for the disk.
            found.add(Segment.create(disk, 0, Math.min(segmentBytes, FIRST_SEGMENT_BYTES)));
        }
        synchronized (segments) {
            segments.addAll(found);
        }
        return found.getLast();
    }

    @Override
    public void replay(long position, RecordReader reader) throws IOException {
        if (replayed) {
            throw new IllegalStateException("replayed already");
        }
        List<Segment> all = segments();
        if (position < all.getFirst().base()) {
            throw outOfRange(position, all, all.getLast().end());
        }
        // After a crash of this process alone, the last group may be only in the system's memory. Without this sync it
        // would be applied and shown before it is durable.
        for (Segment segment : all) {
            segment.file().sync();
        }
        // Where the log seems to end, until a later segment continues it.
        long end = all.getFirst().base() + Segment.HEADER_BYTES;
        boolean ended = false;
        boolean goesOn = false;
        ByteBuffer buffer = ByteBuffer.allocateDirect(
                (int) all.stream().mapToLong(Segment::capacity).max().orElseThrow());
        for (Segment segment : all) {
            if (segment.end() <= position) {
                end = segment.end();
                continue;
            }
            ByteBuffer bytes = load(segment, buffer);
            int offset = Segment.HEADER_BYTES;
            Segment.Found record = Segment.decode(bytes, crc, segment.base(), offset);
            if (record != null && ended && record.durable() > end) {
                throw damaged(end, segment.base() + offset);
            }
            if (record == null) {
                refuseIfDamaged(bytes, segment, offset, ended ? end : segment.base() + offset);
                if (!ended) {
                    end = segment.base() + offset;
                }
                ended = true;
                continue;
            }
            goesOn = false;
            while (record != null) {
                long at = segment.base() + offset;
                if (record.payload().equals(END_OF_SEGMENT)) {
                    // The mark counts only if the next segment has records. Otherwise this segment is continued, over
                    // the mark.
                    goesOn = true;
                    break;
                }
                if (at >= position && record.payload().get(0) != MARK) {
                    reader.read(at, record.payload());
                }
                offset += record.paddedBytes();
                record = Segment.decode(bytes, crc, segment.base(), offset);
            }
            end = segment.base() + offset;
            ended = true;
            refuseIfDamaged(bytes, segment, offset, end);
        }
        if (position > end) {
            throw outOfRange(position, all, end);
        }
        if (goesOn && all.getLast().base() < end) {
            throw new CorruptJournalException(
                    "the journal goes on behind " + all.getLast().name()
                            + ", but the next segment is missing. Restore the data folder from a backup; Parley will not start on"
                            + " a log without its end");
        }
        cutTornTail(all, end, buffer);
        groupStart = end;
        durable = end;
        replayed = true;
    }

    /** The segments as they are now, oldest first. */
    private List<Segment> segments() {
        synchronized (segments) {
            return List.copyOf(segments);
        }
    }

    private static CorruptJournalException outOfRange(long position, List<Segment> all, long end) {
        return new CorruptJournalException("the store reflects the journal up to position " + position
                + ", but the journal holds " + all.getFirst().base() + " to " + end
                + ": files of the data folder are missing or from elsewhere");
    }

    private static ByteBuffer load(Segment segment, ByteBuffer buffer) throws IOException {
        buffer.clear().limit((int) segment.capacity());
        segment.file().read(buffer, 0);
        return buffer.flip();
    }

    /**
     * Searches after the end of the log for a record that was written when positions beyond {@code end} were durable.
     */
    private void refuseIfDamaged(ByteBuffer bytes, Segment segment, int from, long end) throws CorruptJournalException {
        for (int offset = from; offset + Segment.RECORD_HEADER_BYTES <= bytes.limit(); offset += Segment.ALIGNMENT) {
            if (bytes.getInt(offset) != 0) {
                Segment.Found later = Segment.decode(bytes, crc, segment.base(), offset);
                if (later != null && later.durable() > end) {
                    throw damaged(end, segment.base() + offset);
                }
            }
        }
    }

    private static CorruptJournalException damaged(long at, long witness) {
        return new CorruptJournalException("the journal is damaged at position " + at
                + ": the record there was durable when the one at " + witness
                + " was written, and cannot be read now. Restore the data folder from a backup; Parley will not start "
                + "on a log with a hole");
    }

    /** Zeroes everything after {@code end} and removes the segments after it, so that a torn group never reappears. */
    private void cutTornTail(List<Segment> all, long end, ByteBuffer buffer) throws IOException {
        for (Segment segment : all) {
            if (segment.base() < end) {
                active = segment;
            }
        }
        ByteBuffer bytes = load(active, buffer);
        int from = (int) (end - active.base());
        int to = bytes.limit();
        while (to > from && bytes.get(to - 1) == 0) {
            to--;
        }
        if (to > from) {
            active.file().write(ByteBuffer.allocate(to - from), from);
            active.file().sync();
        }
        // Removed last, because the mark that these segments follow was cut above. With the mark and without the
        // segments, the journal would look as if it had lost its end.
        for (Segment empty : all.reversed()) {
            if (empty.equals(active)) {
                break;
            }
            synchronized (segments) {
                segments.removeLast();
            }
            empty.file().close();
            disk.delete(empty.name());
        }
    }

    @Override
    public long append(ByteBuffer record) throws IOException {
        int length = record.remaining();
        if (length == 0) {
            throw new IllegalArgumentException("a record without bytes is no record");
        }
        usable();
        if (length > maxRecordBytes) {
            throw new RecordTooLargeException(length, maxRecordBytes);
        }
        int padded = Segment.paddedBytes(length);
        if (groupStart + group.position() + padded > active.end() - END_BYTES) {
            // A group never spans two segments.
            sync();
            roll();
        }
        if (group.remaining() < padded) {
            ByteBuffer larger = ByteBuffer.allocateDirect(Math.max(group.capacity() * 2, group.position() + padded));
            group = larger.put(group.flip());
        }
        long position = groupStart + group.position();
        Segment.encode(group, crc, position, durable, record);
        return position;
    }

    @Override
    public long pendingBytes() {
        return group.position();
    }

    @Override
    public void sync() throws IOException {
        usable();
        if (group.position() == 0) {
            return;
        }
        try {
            write();
            active.file().sync();
            durable = groupStart;
            marked = false;
            if (next == null && groupStart - active.base() > active.capacity() / 2) {
                next = prepareAfter(active);
            }
        } catch (IOException | RuntimeException | Error e) {
            broken = true;
            throw e;
        }
    }

    private void write() throws IOException {
        int bytes = group.flip().remaining();
        active.file().write(group, groupStart - active.base());
        group.clear();
        groupStart += bytes;
    }

    @Override
    public void idle() throws IOException {
        usable();
        int padded = Segment.paddedBytes(1);
        if (marked || groupStart + padded > active.end() - END_BYTES) {
            return;
        }
        try {
            Segment.encode(group, crc, groupStart, durable, ByteBuffer.wrap(new byte[] {MARK}));
            // The mark is not synced here: it is evidence, not a promise. The sync of the next group covers it.
            write();
            marked = true;
        } catch (IOException | RuntimeException | Error e) {
            broken = true;
            throw e;
        }
    }

    private void usable() throws IOException {
        if (broken) {
            throw new IOException("the journal failed earlier and cannot be used any more");
        }
        if (!replayed) {
            throw new IllegalStateException("replay the journal before appending to it");
        }
    }

    @Override
    public void startSegment() throws IOException {
        sync();
        if (groupStart > active.base() + Segment.HEADER_BYTES) {
            roll();
        }
    }

    private void roll() throws IOException {
        // An earlier attempt may have failed long ago, and there may be room again.
        CompletableFuture<Segment> prepared =
                next == null || next.isCompletedExceptionally() ? prepareAfter(active) : next;
        Segment full = active;
        try {
            active = prepared.join();
        } catch (CompletionException e) {
            next = null;
            throw new JournalFullException(segmentBytes, e);
        }
        noteThatLogGoesOn(full);
        synchronized (segments) {
            segments.add(active);
        }
        groupStart = active.base() + Segment.HEADER_BYTES;
        next = null;
    }

    /**
     * Writes the end mark. It is durable before the next segment has a record, so that the loss of that segment is
     * noticed.
     */
    private void noteThatLogGoesOn(Segment full) throws IOException {
        if (groupStart + END_BYTES > full.end()) {
            // A version without this mark filled the segment.
            return;
        }
        try {
            Segment.encode(group, crc, groupStart, durable, END_OF_SEGMENT.duplicate());
            full.file().write(group.flip(), groupStart - full.base());
            group.clear();
            full.file().sync();
        } catch (IOException | RuntimeException | Error e) {
            broken = true;
            throw e;
        }
    }

    /**
     * Creates the next segment. Segments grow step by step to their full size, so that a server with few commands
     * writes little.
     */
    private CompletableFuture<Segment> prepareAfter(Segment segment) {
        long room = (long) Segment.HEADER_BYTES + Segment.paddedBytes(maxRecordBytes) + END_BYTES;
        long capacity = Math.min(segmentBytes, Math.max(GROWTH * segment.capacity(), room));
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return Segment.create(disk, segment.end(), capacity);
                    } catch (IOException e) {
                        throw new CompletionException(e);
                    }
                },
                background);
    }

    @Override
    public LogCopy copy() {
        if (group.position() > 0) {
            throw new IllegalStateException("a group is not synced yet");
        }
        long end = groupStart;
        List<Segment> parts = segments();
        return folder -> {
            Files.createDirectory(folder);
            for (Segment part : parts) {
                copy(part, end, folder.resolve(part.name()));
            }
        };
    }

    /** Copies a segment up to {@code end}. Later records are left out, because they may be written at this very moment. */
    private static void copy(Segment segment, long end, Path file) throws IOException {
        long bytes = Math.min(end, segment.end()) - segment.base();
        ByteBuffer buffer = ByteBuffer.allocateDirect(COPY_BYTES);
        try (FileChannel to = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            for (long at = 0; at < bytes; ) {
                buffer.clear().limit((int) Math.min(COPY_BYTES, bytes - at));
                segment.file().read(buffer, at);
                buffer.flip();
                if (!buffer.hasRemaining()) {
                    throw new IOException("journal segment " + segment.name() + " is too short");
                }
                at += buffer.remaining();
                while (buffer.hasRemaining()) {
                    to.write(buffer, at - buffer.remaining());
                }
            }
            if (bytes < segment.capacity()) {
                // The rest is zeros, up to the size that the header says.
                to.write(ByteBuffer.allocate(1), segment.capacity() - 1);
            }
            to.force(true);
        }
    }

    @Override
    public void truncateBefore(long position) throws IOException {
        while (true) {
            Segment oldest;
            synchronized (segments) {
                oldest = segments.getFirst();
                if (segments.size() == 1 || oldest.end() > position) {
                    return;
                }
            }
            oldest.file().close();
            // Removed from the list only when the file is deleted. Later segments must not be deleted before it, which
            // would leave a hole.
            disk.delete(oldest.name());
            synchronized (segments) {
                segments.removeFirst();
            }
        }
    }

    @Override
    public void close() throws IOException {
        if (next != null) {
            // The next start drops an empty segment at the end. Waiting for it keeps the folder unchanged after close.
            next.handle((segment, failure) -> segment).join();
        }
        for (Segment segment : segments()) {
            segment.file().close();
        }
    }
}
