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

/** Files that only the owner of the data folder may read. */
public final class SecretFile {

    private SecretFile() {}

    /** Removes a file. The removal is durable when the method returns. Does nothing if the file does not exist. */
    public static void remove(Path folder, String name) throws IOException {
        Files.deleteIfExists(folder.resolve(name));
        sync(folder);
    }

    private static void sync(Path folder) throws IOException {
        try (var directory = FileChannel.open(folder, StandardOpenOption.READ)) {
            directory.force(true);
        }
    }

    /**
     * Writes a file, completely or not at all. It is durable when the method returns, and never readable by others: it
     * is written under another name, and then moved.
     */
    public static void write(Path folder, String name, String secret) throws IOException {
        Files.createDirectories(folder);
        Path draft = folder.resolve(name + ".new");
        Files.deleteIfExists(draft);
        FileAttribute<?>[] ownerOnly =
                folder.getFileSystem().supportedFileAttributeViews().contains("posix")
                        ? new FileAttribute<?>[] {
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                        }
                        : new FileAttribute<?>[0];
        try (var channel =
                FileChannel.open(draft, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), ownerOnly)) {
            var bytes = ByteBuffer.wrap((secret + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(draft, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        sync(folder);
    }
}
