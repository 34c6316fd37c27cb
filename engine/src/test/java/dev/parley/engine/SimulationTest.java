package dev.parley.engine;

import dev.parley.engine.History.Storage;
import dev.parley.engine.store.RocksStore;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Thousands of short lives of an engine, each drawn from a seed, with crashes at any instant.
 *
 * <p>{@code -Dparley.sim.histories=N} or {@code PARLEY_SIM_HISTORIES=N} runs N of them, {@code PARLEY_TEST_FULL=1} the
 * long form, and {@code -Dparley.sim.seed=S} runs one and prints what happens in it.
 */
class SimulationTest {
    private static final Logger LOG = LoggerFactory.getLogger(SimulationTest.class);
    private static final int HISTORIES = 9_000;
    private static final int FULL_HISTORIES = 200_000;

    /** RocksDB takes its time to open and to flush: one history in so many runs on it. */
    private static final int MEMORY_PER_ROCKS = 100;

    @TempDir
    Path folder;

    @Test
    void everyHistoryIsOneTheProtocolAllows() throws IOException {
        Long only = Long.getLong("parley.sim.seed");
        if (only != null) {
            run(only, new InMemory(), true);
            return;
        }
        for (long seed = 0; seed < histories(); seed++) {
            run(seed, new InMemory(), false);
        }
    }

    @Test
    void soIsEveryHistoryOnRocksDb() throws IOException {
        Long only = Long.getLong("parley.sim.seed");
        if (only != null) {
            onRocksDb(only, true);
            return;
        }
        for (long seed = 0; seed < histories() / MEMORY_PER_ROCKS; seed++) {
            onRocksDb(seed, false);
        }
    }

    private void onRocksDb(long seed, boolean loud) throws IOException {
        try (OnRocksDb storage = new OnRocksDb(Files.createDirectory(folder.resolve("seed-" + seed)))) {
            run(seed, storage, loud);
        }
    }

    private static int histories() {
        String wanted = System.getProperty("parley.sim.histories", System.getenv("PARLEY_SIM_HISTORIES"));
        if (wanted != null) {
            return Integer.parseInt(wanted);
        }
        return "1".equals(System.getenv("PARLEY_TEST_FULL")) ? FULL_HISTORIES : HISTORIES;
    }

    private static void run(long seed, Storage storage, boolean loud) {
        try {
            new History(seed, storage, loud ? System.out::println : line -> {}).run();
        } catch (Exception | AssertionError e) {
            throw new AssertionError(
                    "seed " + seed + "; once more, with all its steps: "
                            + "mvn -pl engine test -Dtest=SimulationTest -Dparley.sim.seed=" + seed,
                    e);
        }
    }

    private static final class InMemory implements Storage {
        private final SimulatedStore store = new SimulatedStore();

        @Override
        public Store store() {
            return store;
        }

        @Override
        public void crash(SplittableRandom random) {
            store.crash(random);
        }
    }

    /** A crash leaves what RocksDB's files are while it runs: what it has in memory is lost. */
    private static final class OnRocksDb implements Storage, AutoCloseable {
        private final Path folder;
        private int lives;
        private Store store;

        OnRocksDb(Path folder) {
            this.folder = folder;
            this.store = new RocksStore(folder.resolve("0"), 1 << 20, 8 << 20);
        }

        @Override
        public Store store() {
            return store;
        }

        @Override
        public void crash(SplittableRandom random) {
            Path dead = folder.resolve("" + lives);
            lives++;
            Path alive = folder.resolve("" + lives);
            try {
                while (!copied(dead, alive)) {
                    LOG.debug("RocksDB was at work, once more");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            store.close();
            store = new RocksStore(alive, 1 << 20, 8 << 20);
        }

        /** Copies the files; false if they were not the same all the while. */
        private static boolean copied(Path from, Path to) throws IOException {
            Files.createDirectories(to);
            Map<Path, Long> before = sizes(from);
            for (Path file : sizes(to).keySet()) {
                Files.delete(to.resolve(file));
            }
            try {
                for (Path file : before.keySet()) {
                    Files.copy(from.resolve(file), to.resolve(file));
                }
            } catch (NoSuchFileException e) {
                return false;
            }
            return sizes(from).equals(before);
        }

        private static Map<Path, Long> sizes(Path folder) throws IOException {
            Map<Path, Long> sizes = new TreeMap<>();
            try (var files = Files.newDirectoryStream(folder)) {
                for (Path file : files) {
                    sizes.put(file.getFileName(), file.toFile().length());
                }
            }
            return sizes;
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
