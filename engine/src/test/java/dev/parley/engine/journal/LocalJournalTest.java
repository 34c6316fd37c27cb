package dev.parley.engine.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The journal on real files, with damage done to them by hand. */
class LocalJournalTest {
    private static final int SEGMENT_BYTES = 2048;
    private static final int MAX_RECORD_BYTES = 512;

    @TempDir
    Path folder;

    private int copies;

    @Test
    void readsBackWhatWasSyncedInOrderAndFromAnyPosition() throws IOException {
        List<Long> positions = new ArrayList<>();
        List<String> written =
                IntStream.range(0, 300).mapToObj(i -> "record " + i).toList();
        try (Opened journal = open(folder)) {
            for (String text : written) {
                positions.add(journal.append(text));
                journal.journal.sync();
            }
        }
        assertThat(segments(folder)).hasSizeGreaterThan(4);
        assertThat(positions).isSorted().doesNotHaveDuplicates();
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).isEqualTo(written);
        }
        for (int i = 0; i < written.size(); i += 37) {
            try (Opened journal = open(folder, positions.get(i))) {
                assertThat(journal.replayed).isEqualTo(written.subList(i, written.size()));
            }
        }
    }

    @Test
    void aTornLastGroupIsCutWherever() throws IOException {
        long start;
        List<Long> ends = new ArrayList<>();
        try (Opened journal = open(folder)) {
            journal.appendAndSync("first");
            start = journal.append("a1");
            ends.add(journal.append("a2, which is longer"));
            ends.add(journal.append("a3"));
            ends.add(ends.getLast() + Segment.paddedBytes(2));
            journal.journal.sync();
        }
        for (long cut = start; cut <= ends.getLast(); cut++) {
            Path torn = copy();
            zero(torn, cut, SEGMENT_BYTES);
            List<String> kept = new ArrayList<>(List.of("first"));
            List<String> group = List.of("a1", "a2, which is longer", "a3");
            for (int i = 0; i < 3 && ends.get(i) - paddingOf(group.get(i)) <= cut; i++) {
                kept.add(group.get(i));
            }
            assertReopensWith(torn, kept);

            Path beheaded = copy();
            zero(beheaded, start, Math.max(cut, start + Long.BYTES));
            assertReopensWith(beheaded, List.of("first"));
        }
    }

    private static int paddingOf(String text) {
        return Segment.paddedBytes(text.length()) - Segment.RECORD_HEADER_BYTES - text.length();
    }

    /** What is left is whole, and goes on whole. */
    private void assertReopensWith(Path damaged, List<String> kept) throws IOException {
        List<String> more = new ArrayList<>(kept);
        try (Opened journal = open(damaged)) {
            assertThat(journal.replayed).isEqualTo(kept);
            journal.appendAndSync("b1");
            more.add("b1");
        }
        try (Opened journal = open(damaged)) {
            assertThat(journal.replayed).isEqualTo(more);
        }
    }

    @Test
    void aCutGroupNeverComesBackBehindANewOne() throws IOException {
        long first;
        try (Opened journal = open(folder)) {
            first = journal.append("old 1");
            journal.append("old 2");
            journal.append("old 3");
            journal.journal.sync();
        }
        zero(folder, first, first + 8);
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).isEmpty();
            journal.appendAndSync("new 1");
        }
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).containsExactly("new 1");
        }
    }

    @Test
    void aRecordCountsWhereItWasWrittenOnly() throws IOException {
        long first;
        long end;
        try (Opened journal = open(folder)) {
            first = journal.appendAndSync("one");
            end = journal.appendAndSync("two") + Segment.paddedBytes(3);
        }
        Path file = segments(folder).getFirst();
        byte[] bytes = Files.readAllBytes(file);
        System.arraycopy(bytes, (int) first, bytes, (int) end, Segment.paddedBytes(3));
        Files.write(file, bytes);
        assertReopensWith(folder, List.of("one", "two"));
    }

    @Test
    void aMarkThatWasLostTakesNothingWithIt() throws IOException {
        long mark;
        try (Opened journal = open(folder)) {
            mark = journal.appendAndSync("acknowledged") + Segment.paddedBytes("acknowledged".length());
            journal.journal.idle();
            journal.appendAndSync("on its way");
        }
        // A power failure before the second sync: what is later in the file reached the disk, the mark did not.
        zero(folder, mark, mark + Segment.paddedBytes(1));
        assertReopensWith(folder, List.of("acknowledged"));
    }

    @Test
    void aMarkLostAtTheEndOfASegmentDoesNotHideTheNext() throws IOException {
        List<String> written = new ArrayList<>();
        try (Opened journal = open(folder)) {
            for (int i = 0; i < 3; i++) {
                written.add("x".repeat(MAX_RECORD_BYTES));
                journal.appendAndSync(written.getLast());
            }
            journal.journal.idle();
            written.add("y".repeat(MAX_RECORD_BYTES));
            journal.appendAndSync(written.getLast());
        }
        long mark = Segment.HEADER_BYTES + 3L * Segment.paddedBytes(MAX_RECORD_BYTES);
        zero(folder, mark, mark + Segment.paddedBytes(1));
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).isEqualTo(written);
        }
    }

    /** Flips a bit of every byte in turn: what was durable is read as it was, or the journal says that it is damaged. */
    @Test
    void aFlippedBitIsNeverServed() throws IOException {
        List<String> written = List.of("one", "two", "three", "four");
        for (boolean marked : new boolean[] {true, false}) {
            Path original = Files.createDirectory(folder.resolve("marked-" + marked));
            long lastGroup;
            long end;
            try (Opened journal = open(original)) {
                journal.appendAndSync("one");
                journal.append("two");
                journal.appendAndSync("three");
                lastGroup = journal.appendAndSync("four");
                end = lastGroup + Segment.paddedBytes("four".length());
                if (marked) {
                    journal.journal.idle();
                }
            }
            Path file = segments(original).getFirst();
            byte[] bytes = Files.readAllBytes(file);
            int refused = 0;
            for (int at = 0; at < end + 40; at++) {
                byte[] damaged = bytes.clone();
                damaged[at] ^= (byte) (1 << at % 8);
                Files.write(file, damaged);
                try (Opened journal = open(original)) {
                    if (journal.replayed.size() < written.size()) {
                        assertThat(marked).as("byte %d", at).isFalse();
                        assertThat(at).isGreaterThanOrEqualTo((int) lastGroup);
                        assertThat(journal.replayed).isEqualTo(written.subList(0, 3));
                    } else {
                        assertThat(journal.replayed).isEqualTo(written);
                    }
                } catch (CorruptJournalException e) {
                    assertThat(e).hasMessageMatching(".*(damaged|format version).*");
                    refused++;
                }
            }
            long records = Segment.paddedBytes(3) * 2L + Segment.paddedBytes(5) + (marked ? Segment.paddedBytes(4) : 0);
            assertThat(refused).isEqualTo(Segment.HEADER_BYTES + records);
        }
    }

    @Test
    void saysWhichFileIsMissingOrMixedUp() throws IOException {
        try (Opened journal = open(folder)) {
            for (int i = 0; i < 200; i++) {
                journal.appendAndSync("record " + i);
            }
        }
        List<Path> files = segments(folder);
        assertThat(files).hasSizeGreaterThan(3);

        Path holed = copy();
        Files.delete(holed.resolve(files.get(1).getFileName()));
        assertThatThrownBy(() -> open(holed))
                .isInstanceOf(CorruptJournalException.class)
                .hasMessageContaining(files.get(2).getFileName().toString())
                .hasMessageContaining("a file is missing");

        Path beheaded = copy();
        Files.delete(beheaded.resolve(files.get(0).getFileName()));
        assertThatThrownBy(() -> open(beheaded))
                .hasMessageContaining("the store reflects the journal up to position 0");

        Path shortened = copy();
        Files.delete(shortened.resolve(files.getLast().getFileName()));
        Files.delete(shortened.resolve(files.get(files.size() - 2).getFileName()));
        long later = (files.size() - 1L) * SEGMENT_BYTES;
        assertThatThrownBy(() -> open(shortened, later)).hasMessageContaining("but the journal holds 0 to");

        Path swapped = copy();
        Path second = swapped.resolve(files.get(1).getFileName());
        Path third = swapped.resolve(files.get(2).getFileName());
        byte[] bytes = Files.readAllBytes(second);
        Files.copy(third, second, StandardCopyOption.REPLACE_EXISTING);
        Files.write(third, bytes);
        assertThatThrownBy(() -> open(swapped)).hasMessageContaining("a file is missing");

        Path truncated = copy();
        Files.write(truncated.resolve(files.get(1).getFileName()), new byte[10]);
        assertThatThrownBy(() -> open(truncated)).hasMessageContaining("too short for its header");

        Path cutOff = copy();
        Files.write(cutOff.resolve(files.get(1).getFileName()), Arrays.copyOf(Files.readAllBytes(files.get(1)), 1000));
        assertThatThrownBy(() -> open(cutOff)).hasMessageContaining("header").hasMessageContaining("damaged");

        Path emptied = copy();
        zeroFile(emptied.resolve(files.get(1).getFileName()), Segment.HEADER_BYTES, SEGMENT_BYTES);
        assertThatThrownBy(() -> open(emptied))
                .hasMessageContaining("the journal is damaged at position")
                .hasMessageContaining("Restore the data folder from a backup");
    }

    /** Without the store, which has made no checkpoint yet: only the journal itself can tell. */
    @Test
    void theLossOfTheNewestSegmentIsNoticed() throws IOException {
        List<String> written = new ArrayList<>();
        try (Opened journal = open(folder)) {
            // The next segment is not made ahead before this one is half full.
            while (segments(folder).size() < 4) {
                written.add("record " + written.size());
                journal.appendAndSync(written.getLast());
            }
            journal.journal.idle();
        }
        List<Path> files = segments(folder);
        Path lost = copy();
        Files.delete(lost.resolve(files.getLast().getFileName()));
        Files.delete(lost.resolve(files.get(files.size() - 2).getFileName()));
        for (int tries = 0; tries < 2; tries++) {
            assertThatThrownBy(() -> open(lost))
                    .isInstanceOf(CorruptJournalException.class)
                    .hasMessageContaining(
                            files.get(files.size() - 3).getFileName().toString())
                    .hasMessageContaining("the next segment is missing");
        }
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).isEqualTo(written);
        }
    }

    /** As a crash leaves it between the note that the log goes on and the first record behind it. */
    @Test
    void aLogThatWasToGoOnInTheNextSegmentGoesOn() throws IOException {
        List<String> written = new ArrayList<>();
        try (Opened journal = open(folder)) {
            while (segments(folder).size() < 3) {
                written.add("record " + written.size());
                journal.appendAndSync(written.getLast());
            }
        }
        // Two records each do not fit into what is left of the second segment.
        String large = "x".repeat(MAX_RECORD_BYTES);
        List<Path> files = segments(folder);
        try (Opened journal = open(folder)) {
            while (segments(folder).size() == files.size()) {
                written.add(large);
                journal.appendAndSync(large);
            }
        }
        Path last = segments(folder).getLast();
        Path crashed = copy();
        List<String> kept = new ArrayList<>(written);
        try (Opened journal = open(crashed)) {
            assertThat(journal.replayed).isEqualTo(kept);
        }
        for (Path file : segments(crashed)) {
            if (file.getFileName().toString().compareTo(last.getFileName().toString()) >= 0) {
                zeroFile(file, Segment.HEADER_BYTES, SEGMENT_BYTES);
            }
        }
        List<String> left = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            try (Opened journal = open(crashed)) {
                if (i == 0) {
                    left.addAll(journal.replayed);
                    assertThat(written).startsWith(left.toArray(String[]::new));
                }
                assertThat(journal.replayed).isEqualTo(left);
                left.add(large);
                journal.appendAndSync(large);
            }
        }
    }

    @Test
    void aNewerFormatIsNamed() throws IOException {
        open(folder).close();
        Path file = segments(folder).getFirst();
        byte[] bytes = Files.readAllBytes(file);
        bytes[15]++;
        bytes[Segment.HEADER_BYTES - 1] = 1;
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, 32);
        ByteBuffer.wrap(bytes).putLong(32, crc.getValue());
        Files.write(file, bytes);
        assertThatThrownBy(() -> open(folder))
                .isInstanceOf(CorruptJournalException.class)
                .hasMessageContaining("has format version 2, this program reads version 1");
    }

    @Test
    void frontSegmentsAreFreed() throws IOException {
        List<Long> positions = new ArrayList<>();
        try (Opened journal = open(folder)) {
            for (int i = 0; i < 200; i++) {
                positions.add(journal.appendAndSync("record " + i));
            }
            int before = segments(folder).size();
            journal.journal.truncateBefore(positions.get(100));
            assertThat(segments(folder)).hasSizeLessThan(before);
            journal.appendAndSync("record 200");
        }
        try (Opened journal = open(folder, positions.get(100))) {
            assertThat(journal.replayed).hasSize(101).startsWith("record 100").endsWith("record 200");
            journal.journal.truncateBefore(Long.MAX_VALUE);
            assertThat(segments(folder))
                    .as("the active one, and perhaps the next")
                    .hasSizeLessThanOrEqualTo(2);
        }
        assertThatThrownBy(() -> open(folder)).isInstanceOf(CorruptJournalException.class);
    }

    @Test
    void whatStandsBeforeASegmentThatWasBegunCanBeFreed() throws IOException {
        long position;
        try (Opened journal = open(folder)) {
            journal.journal.startSegment();
            assertThat(segments(folder)).as("there is nothing to free").hasSize(1);
            journal.appendAndSync("before");
            journal.append("together with it");
            journal.journal.startSegment();
            journal.journal.startSegment();
            position = journal.appendAndSync("after");
            journal.journal.truncateBefore(position);
            assertThat(segments(folder)).hasSize(1);
            assertThat(new String(Files.readAllBytes(segments(folder).getFirst()), StandardCharsets.ISO_8859_1))
                    .contains("after")
                    .doesNotContain("before", "together");
        }
        try (Opened journal = open(folder, position)) {
            assertThat(journal.replayed).containsExactly("after");
        }
    }

    @Test
    void aSegmentThatWasBegunAndHasNothingIsNoDamage() throws IOException {
        try (Opened journal = open(folder)) {
            journal.appendAndSync("one");
            journal.journal.startSegment();
        }
        assertReopensWith(folder, List.of("one"));
    }

    @Test
    void aSegmentThatCouldNotBeDeletedGoesFirstNextTime() throws IOException {
        FaultyDisk disk = new FaultyDisk(new FolderDisk(folder));
        List<Long> positions = new ArrayList<>();
        try (Opened journal = new Opened(disk, 0)) {
            for (int i = 0; i < 200; i++) {
                positions.add(journal.appendAndSync("record " + i));
            }
            disk.keeping(true);
            assertThatThrownBy(() -> journal.journal.truncateBefore(positions.get(190)))
                    .hasMessageContaining("pretend");
            disk.keeping(false);
            int before = segments(folder).size();
            journal.journal.truncateBefore(positions.get(190));
            assertThat(segments(folder)).hasSizeLessThan(before);
        }
        try (Opened journal = open(folder, positions.get(190))) {
            assertThat(journal.replayed).hasSize(10).startsWith("record 190").endsWith("record 199");
        }
    }

    @Test
    void aFullDiskRefusesAndThenWorksAgain() throws IOException {
        FaultyDisk disk = new FaultyDisk(new FolderDisk(folder));
        List<String> written = new ArrayList<>();
        try (Opened journal = new Opened(disk, 0)) {
            disk.full(true);
            int refused = 0;
            for (int i = 0; i < 200; i++) {
                String text = "record " + i;
                try {
                    journal.appendAndSync(text);
                    written.add(text);
                } catch (JournalFullException e) {
                    assertThat(e).hasMessageContaining("no room").hasMessageContaining("pretend");
                    refused++;
                }
                disk.full(i < 150);
            }
            assertThat(refused).isPositive();
            assertThat(written).hasSize(200 - refused).contains("record 0", "record 199");
        }
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).isEqualTo(written);
        }
    }

    @Test
    void aDiskThatWasFullForAWhileRefusesNothing() throws IOException {
        FaultyDisk disk = new FaultyDisk(new FolderDisk(folder));
        String large = "x".repeat(MAX_RECORD_BYTES);
        try (Opened journal = new Opened(disk, 0)) {
            disk.full(true);
            journal.appendAndSync(large);
            journal.appendAndSync(large);
            // More than half of the segment is taken: the next one was prepared by now, in vain.
            disk.full(false);
            journal.appendAndSync(large);
            journal.appendAndSync("y".repeat(MAX_RECORD_BYTES));
        }
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).containsExactly(large, large, large, "y".repeat(MAX_RECORD_BYTES));
        }
    }

    @Test
    void aFileThatCannotFitIsRefusedBeforeItIsBegun() throws IOException {
        FolderDisk disk = new FolderDisk(folder);
        assertThatThrownBy(() -> disk.create("large", new byte[0], Long.MAX_VALUE))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("bytes left, large needs " + Long.MAX_VALUE);
        assertThat(disk.list()).isEmpty();
    }

    @Test
    void aFailedSyncIsTheEnd() throws IOException {
        FaultyDisk disk = new FaultyDisk(new FolderDisk(folder));
        try (Opened journal = new Opened(disk, 0)) {
            journal.appendAndSync("acknowledged");
            disk.failing(true);
            journal.append("lost or not");
            assertThatThrownBy(journal.journal::sync).hasMessageContaining("pretend");
            disk.failing(false);
            assertThatThrownBy(journal.journal::sync).hasMessageContaining("failed earlier");
            assertThatThrownBy(journal.journal::idle).hasMessageContaining("failed earlier");
            assertThatThrownBy(() -> journal.append("more")).hasMessageContaining("failed earlier");
        }
        try (Opened journal = open(folder)) {
            assertThat(journal.replayed).startsWith("acknowledged");
        }
    }

    @Test
    void whatAStartFindsIsMadeDurableBeforeAnyoneSeesIt() throws IOException {
        try (Opened journal = open(folder)) {
            journal.appendAndSync("perhaps in the system's memory only");
        }
        FaultyDisk disk = new FaultyDisk(new FolderDisk(folder));
        disk.failing(true);
        List<Long> seen = new ArrayList<>();
        try (LocalJournal journal = new LocalJournal(disk, SEGMENT_BYTES, MAX_RECORD_BYTES, Runnable::run)) {
            assertThatThrownBy(() -> journal.replay(0, (position, record) -> seen.add(position)))
                    .hasMessageContaining("pretend");
        }
        assertThat(seen).isEmpty();
    }

    @Test
    void refusesARecordThatIsTooLargeAndGoesOn() throws IOException {
        try (Opened journal = open(folder)) {
            assertThatThrownBy(() -> journal.append("x".repeat(MAX_RECORD_BYTES + 1)))
                    .isInstanceOf(RecordTooLargeException.class)
                    .hasMessage("a record of 513 bytes, allowed are 512");
            journal.appendAndSync("x".repeat(MAX_RECORD_BYTES));
        }
        assertThatThrownBy(() -> new LocalJournal(new FolderDisk(folder), 1000, 512, Runnable::run))
                .hasMessageContaining("use at least twice as much");
    }

    @Test
    void isUsedInOrderOnly() throws IOException {
        try (LocalJournal journal = new LocalJournal(new FolderDisk(folder), 2048, 512, Runnable::run)) {
            assertThatThrownBy(() -> journal.append(ByteBuffer.allocate(1))).isInstanceOf(IllegalStateException.class);
            journal.replay(0, (position, record) -> {});
            assertThatThrownBy(() -> journal.replay(0, (position, record) -> {}))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    private static Opened open(Path folder) throws IOException {
        return open(folder, 0);
    }

    private static Opened open(Path folder, long position) throws IOException {
        return new Opened(new FolderDisk(folder), position);
    }

    /** A journal with what it replayed. */
    private static final class Opened implements AutoCloseable {
        final LocalJournal journal;
        final List<String> replayed = new ArrayList<>();

        Opened(Disk disk, long position) throws IOException {
            journal = new LocalJournal(disk, SEGMENT_BYTES, MAX_RECORD_BYTES, Runnable::run);
            try {
                journal.replay(
                        position,
                        (at, record) -> replayed.add(
                                StandardCharsets.UTF_8.decode(record).toString()));
            } catch (IOException | RuntimeException | Error e) {
                journal.close();
                throw e;
            }
        }

        long append(String text) throws IOException {
            return journal.append(StandardCharsets.UTF_8.encode(text));
        }

        long appendAndSync(String text) throws IOException {
            long position = append(text);
            journal.sync();
            return position;
        }

        @Override
        public void close() throws IOException {
            journal.close();
        }
    }

    private static List<Path> segments(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> Segment.isName(file.getFileName().toString()))
                    .sorted()
                    .toList();
        }
    }

    private Path copy() throws IOException {
        Path copy = Files.createDirectory(folder.resolve("copy-" + copies++));
        for (Path file : segments(folder)) {
            Files.copy(file, copy.resolve(file.getFileName()));
        }
        return copy;
    }

    /** Makes the bytes of the first segment from {@code from} to {@code to} zero, as if they had never been written. */
    private static void zero(Path folder, long from, long to) throws IOException {
        zeroFile(segments(folder).getFirst(), from, to);
    }

    private static void zeroFile(Path file, long from, long to) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, (int) from, (int) to, (byte) 0);
        Files.write(file, bytes);
    }
}
