package dev.parley.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.store.Store.Change.Put;
import dev.parley.engine.store.Store.Change.Remove;
import dev.parley.engine.store.Store.Change.RemoveRange;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RocksStoreTest {
    private static final int CACHE_BYTES = 1 << 20;
    private static final int MEMTABLE_BYTES = 8 << 20;

    @TempDir
    Path folder;

    private Store store;

    @BeforeEach
    void open() {
        store = new RocksStore(folder.resolve("store"), CACHE_BYTES, MEMTABLE_BYTES);
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void readsWhatWasWritten() {
        store.write(List.of(put("a", "1"), put("b", "2")));
        assertThat(get("a")).isEqualTo("1");
        assertThat(get("c")).isNull();
        assertThat(store.get(Table.PINS, key("a"))).as("tables are apart").isNull();
    }

    @Test
    void changesOfABatchApplyInOrder() {
        store.write(List.of(put("a", "1"), remove("a"), put("a", "2"), put("b", "1"), removeRange("b", "c")));
        assertThat(get("a")).isEqualTo("2");
        assertThat(get("b")).isNull();
        store.write(List.of(removeRange("a", "z"), put("b", "3"), remove("not there")));
        assertThat(scan("", "z")).containsExactly("b=3");
    }

    @Test
    void whatIsNotWrittenYetHasABound() {
        byte[] large = new byte[64 << 10];
        long most = 0;
        for (int i = 0; i < 1024; i++) {
            new Random(i).nextBytes(large);
            store.write(List.of(new Put(Table.ENTRIES, key("entry" + i), large.clone())));
            most = Math.max(most, store.memoryBytes());
        }
        assertThat(most).as("with 64 MiB written").isLessThan(MEMTABLE_BYTES + CACHE_BYTES + (2 << 20));
        store.flush();
        assertThat(store.memoryBytes()).isLessThan(2 * CACHE_BYTES);
    }

    @Test
    void aSnapshotStaysAsItWas() {
        store.write(List.of(put("a", "1"), put("b", "2")));
        try (Store.Moment before = store.snapshot()) {
            store.write(List.of(put("a", "changed"), remove("b"), put("c", "3")));
            assertThat(before.get(Table.STREAMS, key("b"))).isEqualTo(key("2"));
            assertThat(all(before.scan(Table.STREAMS, key("a"), key("z")))).containsExactly("a=1", "b=2");
            assertThat(all(before.scanBackwards(Table.STREAMS, key("a"), key("z"))))
                    .containsExactly("b=2", "a=1");
        }
        assertThat(all(store.scanBackwards(Table.STREAMS, key("b"), key("z")))).containsExactly("c=3");
        assertThat(all(store.scanBackwards(Table.STREAMS, key("a"), key("c")))).containsExactly("a=changed");
    }

    @Test
    void scansTheRangeInTheOrderOfUnsignedBytes() {
        store.write(List.of(
                new Put(Table.ENTRIES, new byte[] {(byte) 0x80}, key("high")),
                new Put(Table.ENTRIES, new byte[] {0x7F}, key("low")),
                new Put(Table.ENTRIES, new byte[] {0x7F, 0}, key("between")),
                new Put(Table.ENTRIES, new byte[] {(byte) 0x90}, key("outside"))));
        List<String> found = new ArrayList<>();
        try (Rows rows = store.scan(Table.ENTRIES, new byte[] {0x7F}, new byte[] {(byte) 0x90})) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                found.add(text(row.value()));
            }
            assertThat(rows.next()).as("stays at its end").isNull();
        }
        assertThat(found).containsExactly("low", "between", "high");
    }

    @Test
    void aScanSeesOneMoment() {
        store.write(List.of(put("a", "1"), put("b", "1")));
        try (Rows rows = store.scan(Table.STREAMS, key("a"), key("z"))) {
            store.write(List.of(put("b", "2"), put("c", "2")));
            assertThat(text(notNull(rows.next()).value())).isEqualTo("1");
            assertThat(text(notNull(rows.next()).value())).isEqualTo("1");
            assertThat(rows.next()).isNull();
        }
    }

    @Test
    void findsTheLastRowOfARange() {
        store.write(List.of(put("b", "1"), put("d", "2")));
        assertThat(last("a", "z")).isEqualTo("d=2");
        assertThat(last("a", "d")).as("the end is outside").isEqualTo("b=1");
        assertThat(last("b", "c")).as("the start is inside").isEqualTo("b=1");
        assertThat(last("a", "b")).isNull();
        assertThat(last("e", "z")).isNull();
        store.write(List.of(removeRange("d", "e")));
        assertThat(last("a", "z")).isEqualTo("b=1");
    }

    @Test
    void keepsWhatWasFlushed() {
        store.write(List.of(put("a", "1"), new Put(Table.META, key("mark"), key("7"))));
        store.flush();
        store.close();
        open();
        assertThat(get("a")).isEqualTo("1");
        assertThat(store.get(Table.META, key("mark"))).isEqualTo(key("7"));
    }

    @Test
    void saysWhatCannotBeOpened() throws Exception {
        assertThatThrownBy(() -> new RocksStore(folder.resolve("store"), CACHE_BYTES, MEMTABLE_BYTES))
                .as("in use")
                .isInstanceOf(StoreException.class)
                .hasMessageContaining(folder.resolve("store").toString());
        Path broken = Files.createDirectory(folder.resolve("broken"));
        Files.writeString(broken.resolve("CURRENT"), "nonsense");
        assertThatThrownBy(() -> new RocksStore(broken, CACHE_BYTES, MEMTABLE_BYTES))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("cannot open the store in " + broken);
    }

    /** Values, keys, and the first and last keys of files, which RocksDB notes elsewhere. */
    @Test
    void nothingIsLeftInFilesOfWhatWasRemovedAndPurged() throws IOException {
        for (int round = 0; round < 3; round++) {
            store.write(List.of(put("neighbour" + round, "kept"), put("secret-key" + round, "secret-value" + round)));
            store.flush();
        }
        assertThat(filesWith("secret")).isNotEmpty();
        store.write(List.of(removeRange("secret", "secreu")));
        store.flush();

        Store.Range range = new Store.Range(Table.STREAMS, key("secret"), key("secreu"));
        long newest = store.newestChange();
        try (Store.Moment reading = store.snapshot()) {
            assertThat(reading.get(Table.STREAMS, key("neighbour1"))).isEqualTo(key("kept"));
            assertThat(store.purge(List.of(range), newest))
                    .as("while somebody reads")
                    .isFalse();
        }
        assertThat(store.purge(List.of(range), newest)).isTrue();

        assertThat(filesWith("secret")).isEmpty();
        assertThat(scan("a", "z")).containsExactly("neighbour0=kept", "neighbour1=kept", "neighbour2=kept");
        close();
        open();
        assertThat(scan("a", "z")).hasSize(3);
        assertThat(filesWith("secret")).isEmpty();
    }

    private List<Path> filesWith(String text) throws IOException {
        List<Path> found = new ArrayList<>();
        try (var files = Files.list(folder.resolve("store"))) {
            for (Path file : files.toList()) {
                if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text)) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    @Test
    void aTransactionReadsItsOwnChanges() {
        store.write(List.of(put("a", "1"), put("b", "1")));
        StoreTx tx = new StoreTx(store);
        tx.put(Table.STREAMS, key("a"), key("2"));
        tx.remove(Table.STREAMS, key("b"));
        tx.append(Table.STREAMS, key("c"), key("3"));
        assertThat(tx.get(Table.STREAMS, key("a"))).isEqualTo(key("2"));
        assertThat(tx.get(Table.STREAMS, key("b"))).isNull();
        assertThat(scan("", "z")).as("nothing before the commit").containsExactly("a=1", "b=1");
        tx.commit();
        assertThat(scan("", "z")).containsExactly("a=2", "c=3");
    }

    private static Put put(String key, String value) {
        return new Put(Table.STREAMS, key(key), key(value));
    }

    private static Remove remove(String key) {
        return new Remove(Table.STREAMS, key(key));
    }

    private static RemoveRange removeRange(String from, String to) {
        return new RemoveRange(Table.STREAMS, key(from), key(to));
    }

    private @Nullable String get(String key) {
        byte[] value = store.get(Table.STREAMS, key(key));
        return value == null ? null : text(value);
    }

    private @Nullable String last(String from, String to) {
        Row row = store.last(Table.STREAMS, key(from), key(to));
        return row == null ? null : text(row.key()) + "=" + text(row.value());
    }

    private List<String> scan(String from, String to) {
        return all(store.scan(Table.STREAMS, key(from), key(to)));
    }

    private static List<String> all(Rows opened) {
        List<String> found = new ArrayList<>();
        try (Rows rows = opened) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                found.add(text(row.key()) + "=" + text(row.value()));
            }
        }
        return found;
    }

    private static <T> T notNull(@Nullable T value) {
        assertThat(value).isNotNull();
        return Objects.requireNonNull(value);
    }

    private static byte[] key(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
