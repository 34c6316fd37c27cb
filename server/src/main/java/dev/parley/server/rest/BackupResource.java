package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.RootKey;
import dev.parley.server.webhook.WebhookKeys;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code /backup}: copies the data folder while the server goes on. */
final class BackupResource {
    /** The file that tells a start that the folder is a copy from before, see {@code docs/operations.md}. */
    static final String RESTORED = "restored";

    /** A folder under this name is a backup that was not completed. */
    private static final String UNFINISHED = ".unfinished";

    private static final List<String> KEYS =
            List.of(RootKey.FILE_NAME, ConnectionKeys.FILE_NAME, WebhookKeys.FILE_NAME);

    private final Engine engine;
    private final Path data;
    private final Gate gate;
    private final ApiKey rootKey;

    /** Held during a backup. Another one waits for it no longer than it takes to say so. */
    private final ReentrantLock running = new ReentrantLock();

    BackupResource(Engine engine, Path data, Gate gate, ApiKey rootKey) {
        this.engine = engine;
        this.data = data;
        this.gate = gate;
        this.rootKey = rootKey;
    }

    /** {@code POST /backup}: 201 when the copy in {@code folder} is complete and on the medium. Blocks, perhaps for long. */
    ObjectNode make(@Nullable String authorization, @Nullable JsonNode body)
            throws AccessRefusedException, WireException, IOException {
        gate.requireKey(authorization, rootKey, "Only the holder of the root key can make a backup.");
        Path folder = folder(body);
        if (!running.tryLock()) {
            throw new WireException(new ErrorInfo(40900, 409, "Another backup is being made."));
        }
        try {
            make(folder);
        } finally {
            running.unlock();
        }
        return JsonMapper.shared().createObjectNode().put("folder", folder.toString());
    }

    private Path folder(@Nullable JsonNode body) throws WireException, IOException {
        String text = body == null ? "" : body.path("folder").stringValue("");
        Path folder;
        try {
            folder = Path.of(text).normalize();
        } catch (InvalidPathException e) {
            throw new WireException(ErrorInfo.invalidValue("'folder' is no path: " + e.getReason() + "."));
        }
        Path parent = folder.getParent();
        if (!folder.isAbsolute() || parent == null) {
            throw new WireException(ErrorInfo.invalidValue(
                    "'folder' must be the absolute path of a new folder on the server's machine."));
        }
        if (!Files.isDirectory(parent)) {
            throw new WireException(
                    ErrorInfo.invalidValue("There is no folder " + parent + " on the server's machine."));
        }
        Path real = parent.toRealPath().resolve(folder.getFileName());
        if (real.startsWith(data.toRealPath())) {
            throw new WireException(ErrorInfo.invalidValue("A backup cannot be made in the data folder itself."));
        }
        // RocksDB takes paths in a form of UTF-8 that only Java has.
        if (real.toString().chars().anyMatch(c -> Character.isSurrogate((char) c))) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The store cannot be copied to a path with characters beyond U+FFFF: " + real));
        }
        if (Files.exists(real)) {
            throw new WireException(new ErrorInfo(40900, 409, real + " exists already; a backup is a new folder."));
        }
        return real;
    }

    private void make(Path folder) throws WireException, IOException {
        Path unfinished = folder.resolveSibling(folder.getFileName() + UNFINISHED);
        try {
            remove(unfinished);
            engine.copyTo(unfinished);
            for (String key : KEYS) {
                if (Files.exists(data.resolve(key))) {
                    Files.copy(data.resolve(key), unfinished.resolve(key), StandardCopyOption.COPY_ATTRIBUTES);
                    sync(unfinished.resolve(key), StandardOpenOption.WRITE);
                }
            }
            Files.createFile(unfinished.resolve(RESTORED));
            sync(unfinished, StandardOpenOption.READ);
            // Whatever has the name of a backup is complete.
            Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
            sync(folder.getParent(), StandardOpenOption.READ);
        } catch (IOException e) {
            remove(unfinished);
            var failure = new WireException(
                    new ErrorInfo(50000, 500, "The backup could not be written to " + folder + ": " + e.getMessage()));
            failure.addSuppressed(e);
            throw failure;
        }
    }

    private static void sync(@Nullable Path path, StandardOpenOption how) throws IOException {
        if (path != null) {
            try (FileChannel channel = FileChannel.open(path, how)) {
                channel.force(true);
            }
        }
    }

    /** Removes a folder and what is in it, if it is there. */
    private static void remove(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> all = Files.walk(folder)) {
                for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }
}
