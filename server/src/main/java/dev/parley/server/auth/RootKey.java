package dev.parley.server.auth;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The key that every server has from its first start, in a file of its data folder. It may do everything.
 *
 * @param created whether this start made it
 */
public record RootKey(ApiKey key, Path file, boolean created) {

    static final String FILE_NAME = "root.key";

    /** Reads the key of {@code folder}, or makes it. */
    public static RootKey in(Path folder) throws IOException {
        Path file = folder.resolve(FILE_NAME);
        boolean created = !Files.exists(file);
        if (created) {
            write(folder, file, ApiKey.generate("root"));
        }
        try {
            return new RootKey(ApiKey.parse(Files.readString(file).strip(), Capabilities.ALL), file, created);
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    file + " holds no key (" + e.getMessage() + "). Remove the file to have a new key made.", e);
        }
    }

    /** All or nothing, and never readable by others: written under another name, then moved. */
    private static void write(Path folder, Path file, String key) throws IOException {
        Files.createDirectories(folder);
        Path draft = folder.resolve(FILE_NAME + ".new");
        Files.deleteIfExists(draft);
        FileAttribute<?>[] ownerOnly = Files.getFileStore(folder).supportsFileAttributeView("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
        try (var channel =
                FileChannel.open(draft, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), ownerOnly)) {
            var bytes = ByteBuffer.wrap((key + "\n").getBytes(StandardCharsets.US_ASCII));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
        try (var directory = FileChannel.open(folder, StandardOpenOption.READ)) {
            directory.force(true);
        }
    }
}
