package dev.parley.engine.journal;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.journal.Disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One preallocated file of the journal: a header, records, and zeros.
 *
 * <p>A record's position is the segment's base plus the record's offset in the file. The layout is big-endian, and each
 * record starts at a multiple of eight:
 *
 * <pre>
 * header  magic u64 | version u64 | base u64 | capacity u64 | crc32c u64 over what precedes it | zeros up to 64 bytes
 * record  length u32 | checksum u32 | durable u64 | payload | zeros up to a multiple of eight bytes
 * </pre>
 *
 * <p>{@code durable} is the position up to which the log was synced when the record was written. The checksum is the
 * CRC-32C of {@code durable} and the payload, mixed with a hash of the record's length and position, so that bytes left
 * over from an earlier use of the same place are never taken for a record. The zeros are checked as well, so that every
 * byte of a header and of a record is covered.
 */
record Segment(DiskFile file, String name, long base, long capacity) {
    static final int HEADER_BYTES = 64;
    static final int RECORD_HEADER_BYTES = 16;
    static final int ALIGNMENT = 8;

    private static final long MAGIC = 0x5041524C45594A31L; // "PARLEYJ1"
    private static final int VERSION = 1;
    private static final String SUFFIX = ".journal";

    /** A record that was found whole. */
    record Found(long durable, ByteBuffer payload, int paddedBytes) {}

    static boolean isName(String name) {
        return name.endsWith(SUFFIX);
    }

    static String nameOf(long base) {
        // Zero-padded, so that listings sort in the order of the log.
        return "%020d%s".formatted(base, SUFFIX);
    }

    static Segment create(Disk disk, long base, long capacity) throws IOException {
        BinaryWriter header = new BinaryWriter(HEADER_BYTES);
        header.fixed64(MAGIC).fixed64(VERSION).fixed64(base).fixed64(capacity);
        CRC32C crc = new CRC32C();
        crc.update(header.view());
        header.fixed64(crc.getValue());
        String name = nameOf(base);
        return new Segment(disk.create(name, header.toBytes(), capacity), name, base, capacity);
    }

    static Segment open(Disk disk, String name) throws IOException {
        DiskFile file = disk.open(name);
        ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES);
        file.read(bytes, 0);
        try {
            BinaryReader header = new BinaryReader(bytes.flip());
            long magic = header.fixed64();
            long version = header.fixed64();
            long base = header.fixed64();
            long capacity = header.fixed64();
            CRC32C crc = new CRC32C();
            crc.update(bytes.array(), 0, 4 * Long.BYTES);
            if (magic != MAGIC || header.fixed64() != crc.getValue() || file.size() != capacity) {
                file.close();
                throw damagedHeader(name);
            }
            if (version != VERSION) {
                file.close();
                throw new CorruptJournalException("journal segment " + name + " has format version " + version
                        + ", this program reads version " + VERSION);
            }
            // Only now: another version may use these bytes.
            if (!isZero(bytes, bytes.position(), HEADER_BYTES)) {
                file.close();
                throw damagedHeader(name);
            }
            return new Segment(file, name, base, capacity);
        } catch (MalformedBinaryException e) {
            file.close();
            CorruptJournalException corrupt =
                    new CorruptJournalException("journal segment " + name + " is too short for its header");
            corrupt.initCause(e);
            throw corrupt;
        }
    }

    private static CorruptJournalException damagedHeader(String name) {
        return new CorruptJournalException("the header of journal segment " + name + " is damaged");
    }

    long end() {
        return base + capacity;
    }

    static int paddedBytes(int payloadBytes) {
        return Math.ceilDiv(RECORD_HEADER_BYTES + payloadBytes, ALIGNMENT) * ALIGNMENT;
    }

    /** Writes a record into {@code group} as it will be stored at {@code position}. */
    static void encode(ByteBuffer group, CRC32C crc, long position, long durable, ByteBuffer payload) {
        int start = group.position();
        int length = payload.remaining();
        group.putInt(length).putInt(0).putLong(durable).put(payload);
        while ((group.position() - start) % ALIGNMENT != 0) {
            group.put((byte) 0);
        }
        group.putInt(start + 4, checksum(crc, position, group, start, length));
    }

    /**
     * Decodes the record at {@code offset} of {@code bytes}, which hold the segment from its start. Returns null if
     * there is no whole record.
     */
    static @Nullable Found decode(ByteBuffer bytes, CRC32C crc, long base, int offset) {
        if (bytes.limit() - offset < RECORD_HEADER_BYTES) {
            return null;
        }
        int length = bytes.getInt(offset);
        long durable = bytes.getLong(offset + 8);
        if (length <= 0 || length > bytes.limit() - offset - RECORD_HEADER_BYTES || durable > base + offset) {
            return null;
        }
        if (bytes.getInt(offset + 4) != checksum(crc, base + offset, bytes, offset, length)) {
            return null;
        }
        int padded = paddedBytes(length);
        if (!isZero(bytes, offset + RECORD_HEADER_BYTES + length, Math.min(offset + padded, bytes.limit()))) {
            return null;
        }
        return new Found(durable, bytes.slice(offset + RECORD_HEADER_BYTES, length), padded);
    }

    private static boolean isZero(ByteBuffer bytes, int from, int to) {
        for (int at = from; at < to; at++) {
            if (bytes.get(at) != 0) {
                return false;
            }
        }
        return true;
    }

    private static int checksum(CRC32C crc, long position, ByteBuffer bytes, int start, int length) {
        crc.reset();
        crc.update(bytes.slice(start + 8, Long.BYTES + length));
        // The multiplier spreads nearby positions over all bits of the checksum.
        return (int) crc.getValue() ^ Long.hashCode((position ^ ((long) length << 40)) * 0x9E3779B97F4A7C15L);
    }
}
