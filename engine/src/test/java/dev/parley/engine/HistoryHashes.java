package dev.parley.engine;

import dev.parley.engine.History.Storage;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;

/** A program that prints a line for each history: hashes of its steps, of its journal and of its store in the end. */
final class HistoryHashes {
    private static final byte[] FIRST = {};
    private static final byte[] LAST = new byte[32];

    static {
        Arrays.fill(LAST, (byte) 0xFF);
    }

    private HistoryHashes() {}

    /** Takes how many histories to run, from seed 0. */
    public static void main(String[] args) throws IOException, NoSuchAlgorithmException {
        for (long seed = 0; seed < Integer.parseInt(args[0]); seed++) {
            System.out.println(hashes(seed));
        }
    }

    private static String hashes(long seed) throws IOException, NoSuchAlgorithmException {
        InMemory storage = new InMemory();
        MessageDigest steps = MessageDigest.getInstance("SHA-256");
        History history =
                new History(seed, storage, step -> steps.update((step + "\n").getBytes(StandardCharsets.UTF_8)));
        history.run();
        MessageDigest journal = MessageDigest.getInstance("SHA-256");
        history.written().forEach((position, record) -> {
            journal.update(ByteBuffer.allocate(Long.BYTES).putLong(0, position));
            update(journal, record);
        });
        MessageDigest store = MessageDigest.getInstance("SHA-256");
        for (Table table : Table.values()) {
            update(store, table.name().getBytes(StandardCharsets.UTF_8));
            try (Rows rows = storage.store.scan(table, FIRST, LAST)) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    update(store, row.key());
                    update(store, row.value());
                }
            }
        }
        return "seed %d: steps %s, journal %s, store %s".formatted(seed, hex(steps), hex(journal), hex(store));
    }

    private static void update(MessageDigest digest, byte[] part) {
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, part.length));
        digest.update(part);
    }

    private static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    private static final class InMemory implements Storage {
        final SimulatedStore store = new SimulatedStore();

        @Override
        public Store store() {
            return store;
        }

        @Override
        public void crash(SplittableRandom random) {
            store.crash(random);
        }
    }
}
