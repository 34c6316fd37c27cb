package dev.parley.engine.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.codec.GoldenBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The journal's files are as they always were, and each byte of what is in them counts. */
class SegmentFormatTest {
    private static final int SEGMENT_BYTES = 256;
    private static final int MAX_RECORD_BYTES = 16;

    @TempDir
    Path folder;

    private int folders;

    @Test
    void segments() throws IOException {
        GoldenBytes golden = new GoldenBytes("segments");
        golden.bytes("name of a segment", Segment.nameOf(0x0102_0304_0506L).getBytes(StandardCharsets.US_ASCII));
        golden.example("header of a segment", 0x0102_0304_0506L, this::header, this::baseOf);
        golden.example(
                "record with padding", "record", text -> record(text, 4096, 4000), bytes -> text(bytes, 4096, 4000));
        golden.example(
                "record without padding",
                "8 bytes.",
                text -> record(text, 4096, 4000),
                bytes -> text(bytes, 4096, 4000));
        golden.example("journal that was idle", List.of("one", "two", "three"), this::idleJournal, this::replayed);
        golden.example(
                "first segment of a journal that goes on",
                "the next segment is missing",
                this::fullSegment,
                this::whyNotReplayed);
        golden.complete();
    }

    private byte[] header(long base) {
        return read(folder -> {
            Segment.create(new FolderDisk(folder), base, SEGMENT_BYTES).file().close();
            return Arrays.copyOf(Files.readAllBytes(folder.resolve(Segment.nameOf(base))), Segment.HEADER_BYTES);
        });
    }

    private long baseOf(byte[] header) {
        return read(folder -> {
            Files.write(folder.resolve("x.journal"), Arrays.copyOf(header, SEGMENT_BYTES));
            Segment opened = Segment.open(new FolderDisk(folder), "x.journal");
            opened.file().close();
            return opened.base();
        });
    }

    private static byte[] record(String text, long position, long durable) {
        ByteBuffer group = ByteBuffer.allocate(64);
        Segment.encode(group, new CRC32C(), position, durable, StandardCharsets.UTF_8.encode(text));
        return Arrays.copyOf(group.array(), group.position());
    }

    private static String text(byte[] bytes, long position, long durable) {
        Segment.Found found = Segment.decode(ByteBuffer.wrap(bytes), new CRC32C(), position, 0);
        assertThat(found).isNotNull();
        assertThat(found.durable()).isEqualTo(durable);
        assertThat(found.paddedBytes()).isEqualTo(bytes.length);
        return StandardCharsets.UTF_8.decode(found.payload()).toString();
    }

    private byte[] idleJournal(List<String> records) {
        return read(folder -> {
            try (LocalJournal journal = open(folder, new ArrayList<>())) {
                journal.append(StandardCharsets.UTF_8.encode(records.get(0)));
                journal.sync();
                journal.append(StandardCharsets.UTF_8.encode(records.get(1)));
                journal.append(StandardCharsets.UTF_8.encode(records.get(2)));
                journal.sync();
                journal.idle();
            }
            return firstSegment(folder);
        });
    }

    private byte[] fullSegment(String unused) {
        return read(folder -> {
            try (LocalJournal journal = open(folder, new ArrayList<>())) {
                while (journal.append(StandardCharsets.UTF_8.encode("a record")) < SEGMENT_BYTES) {
                    journal.sync();
                }
            }
            return firstSegment(folder);
        });
    }

    private String whyNotReplayed(byte[] segment) {
        try {
            return "replayed " + replayed(segment);
        } catch (UncheckedIOException e) {
            return String.valueOf(e.getMessage()).replaceFirst(".*but ", "").replaceFirst("\\. .*", "");
        }
    }

    /** What is in the first segment, without the zeros behind it. */
    private static byte[] firstSegment(Path folder) throws IOException {
        byte[] bytes = Files.readAllBytes(folder.resolve(Segment.nameOf(0)));
        int end = bytes.length;
        while (bytes[end - 1] == 0) {
            end--;
        }
        return Arrays.copyOf(bytes, end);
    }

    private List<String> replayed(byte[] segment) {
        return read(folder -> {
            Files.write(folder.resolve(Segment.nameOf(0)), Arrays.copyOf(segment, SEGMENT_BYTES));
            List<String> records = new ArrayList<>();
            open(folder, records).close();
            return records;
        });
    }

    private static LocalJournal open(Path folder, List<String> records) throws IOException {
        LocalJournal journal = new LocalJournal(new FolderDisk(folder), SEGMENT_BYTES, MAX_RECORD_BYTES, Runnable::run);
        try {
            journal.replay(
                    0,
                    (position, record) ->
                            records.add(StandardCharsets.UTF_8.decode(record).toString()));
            return journal;
        } catch (IOException e) {
            journal.close();
            throw e;
        }
    }

    private interface Work<T> {
        T in(Path folder) throws IOException;
    }

    private <T> T read(Work<T> work) {
        try {
            return work.in(Files.createDirectory(folder.resolve("" + folders++)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void everyBitOfAHeaderCounts() throws IOException {
        byte[] header = header(4096);
        assertThat(baseOf(header)).isEqualTo(4096);
        for (int bit = 0; bit < header.length * Byte.SIZE; bit++) {
            byte[] damaged = flipped(header, bit);
            assertThatThrownBy(() -> baseOf(damaged))
                    .as("bit %d", bit)
                    .hasRootCauseInstanceOf(CorruptJournalException.class)
                    .hasMessageContaining("is damaged");
        }
    }

    @Test
    void everyBitOfARecordCounts() {
        for (String text : List.of("record", "8 bytes.")) {
            byte[] record = record(text, 4096, 4000);
            for (int bit = 0; bit < record.length * Byte.SIZE; bit++) {
                // Zeros follow, so that a greater length finds room.
                ByteBuffer damaged = ByteBuffer.wrap(Arrays.copyOf(flipped(record, bit), 1 << 16));
                assertThat(Segment.decode(damaged, new CRC32C(), 4096, 0))
                        .as("bit %d of %s", bit, text)
                        .isNull();
            }
        }
    }

    private static byte[] flipped(byte[] bytes, int bit) {
        byte[] flipped = bytes.clone();
        flipped[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
        return flipped;
    }
}
