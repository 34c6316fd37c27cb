package dev.parley.engine.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDB;
import org.rocksdb.util.Environment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * RocksDB's machine code, which is in a jar and has to be a file to be loaded. By itself, RocksDB creates a new file in
 * the temporary folder at every start, and only an orderly end removes the file.
 */
public final class NativeLibrary {
    /** RocksDB's own variable for the folder. If it is set, the operator has chosen a folder. */
    private static final String CHOSEN_FOLDER = "ROCKSDB_SHAREDLIB_DIR";

    private static final String IN_JAR = Environment.getJniLibraryFileName("rocksdb");

    /** The name that RocksDB looks for in a folder, which is not the one in its jar. */
    private static final String IN_FOLDER = Environment.getJniLibraryFileName("rocksdbjni");

    private static final int BLOCK_BYTES = 1 << 16;
    private static final String UNFINISHED = ".unfinished";

    private static final AtomicBoolean LOADED = new AtomicBoolean();
    private static final Logger LOG = LoggerFactory.getLogger(NativeLibrary.class);

    private NativeLibrary() {}

    /**
     * Loads the library from {@code folder}, where it is kept from start to start. Called once in a process; the folder
     * belongs to one process at a time.
     *
     * @throws IOException if the library cannot be loaded from anywhere
     */
    public static void load(Path folder) throws IOException {
        if (System.getenv(CHOSEN_FOLDER) != null || !LOADED.compareAndSet(false, true)) {
            return;
        }
        try {
            if (keep(IN_JAR, folder.resolve(IN_FOLDER))) {
                RocksDB.loadLibrary(List.of(folder.toString()));
            }
        } catch (IOException | UnsatisfiedLinkError e) {
            // For example on a full disk, or one whose files may not be executed. RocksDB then does it in its own way.
            LOG.atWarn()
                    .addKeyValue("cause", e.getMessage())
                    .log("RocksDB cannot be loaded from {}; a copy of it in the temporary folder is", folder);
            loadTemporary(folder);
        }
    }

    private static void loadTemporary(Path folder) throws IOException {
        try {
            RocksDB.loadLibrary();
        } catch (UnsatisfiedLinkError e) {
            throw new IOException(
                    "RocksDB can be loaded neither from " + folder + " nor from the temporary folder: " + e.getMessage()
                            + ". Name another one in " + CHOSEN_FOLDER,
                    e);
        }
    }

    /** Makes sure that the file exists and is equal to the one in the jar. Returns false if the jar has none. */
    private static boolean keep(String name, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        if (Files.exists(file)) {
            try (InputStream original = open(name);
                    InputStream kept = Files.newInputStream(file)) {
                if (original == null || isSame(original, kept)) {
                    return original != null;
                }
            }
        }
        try (InputStream original = open(name)) {
            if (original == null) {
                return false;
            }
            Path unfinished = file.resolveSibling(file.getFileName() + UNFINISHED);
            Files.copy(original, unfinished, StandardCopyOption.REPLACE_EXISTING);
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return true;
    }

    private static @Nullable InputStream open(String name) {
        return RocksDB.class.getClassLoader().getResourceAsStream(name);
    }

    private static boolean isSame(InputStream one, InputStream other) throws IOException {
        while (true) {
            byte[] block = one.readNBytes(BLOCK_BYTES);
            if (!Arrays.equals(block, other.readNBytes(BLOCK_BYTES))) {
                return false;
            }
            if (block.length < BLOCK_BYTES) {
                return true;
            }
        }
    }
}
