package dev.parley.engine;

import dev.parley.engine.codec.FolderFormat;
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
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file of the data folder that says which format the folder has. A folder without the file has the first format.
 */
final class FormatFile {
    private static final String NAME = "format";
    private static final String DRAFT = NAME + ".new";
    private static final Pattern TEXT = Pattern.compile("parley data folder, format (\\d{1,9})\\s*");

    /** The names of the files that this class uses. The second one exists only for a moment. */
    static final List<String> NAMES = List.of(NAME, DRAFT);

    private FormatFile() {}

    /**
     * Refuses a folder to which a newer program has written, and records that this program will write to it. Called by
     * the holder of the folder's lock, before anything in the folder is opened.
     */
    static void enter(Path folder) throws IOException {
        Path file = folder.resolve(NAME);
        int found = Files.exists(file) ? read(file) : 0;
        if (found > FolderFormat.NEWEST) {
            throw new IOException("the data folder " + folder + " has format " + found
                    + ", and this program reads formats up to " + FolderFormat.NEWEST
                    + ": a newer Parley has written to it. Start that one, or restore a backup from before it");
        }
        if (found < FolderFormat.NEWEST) {
            write(folder, FolderFormat.NEWEST);
        }
    }

    private static int read(Path file) throws IOException {
        Matcher text = TEXT.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!text.matches()) {
            throw new IOException(file
                    + " is damaged: it does not say which format the data folder has. It should read '"
                    + text(FolderFormat.NEWEST) + "' if this version of Parley was the last one to use the folder");
        }
        return Integer.parseInt(text.group(1));
    }

    private static String text(int format) {
        return "parley data folder, format " + format;
    }

    /** Writes the file atomically and durably: an older program must meet this file before it meets a newer table. */
    private static void write(Path folder, int format) throws IOException {
        Path draft = folder.resolve(DRAFT);
        Files.deleteIfExists(draft);
        FileAttribute<?>[] ownersAlone =
                folder.getFileSystem().supportedFileAttributeViews().contains("posix")
                        ? new FileAttribute<?>[] {
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                        }
                        : new FileAttribute<?>[0];
        try (FileChannel channel =
                FileChannel.open(draft, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), ownersAlone)) {
            ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text(format) + "\n");
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(draft, folder.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
            directory.force(true);
        }
    }
}
