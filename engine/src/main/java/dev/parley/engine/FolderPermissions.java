package dev.parley.engine;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The permissions of the data folder, which holds sessions, messages and keys. Only its owner may read it; wider
 * permissions are taken away.
 */
final class FolderPermissions {
    private static final Set<PosixFilePermission> FOLDER = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");

    /** The folders that the engine keeps there, each with files in it. */
    private static final List<String> OWN_FOLDERS = List.of("journal", "store", "native");

    private static final Logger LOG = LoggerFactory.getLogger(FolderPermissions.class);

    private FolderPermissions() {}

    /** Creates {@code folder} if it does not exist, and takes from other users all permissions on its content. */
    static void keepFromOthers(Path folder) throws IOException {
        boolean posix = folder.getFileSystem().supportedFileAttributeViews().contains("posix");
        if (!Files.exists(folder)) {
            if (posix) {
                Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(FOLDER));
            } else {
                Files.createDirectories(folder);
            }
        }
        if (!posix) {
            return;
        }
        try {
            if (isOurs(folder)) {
                restrict(folder, FOLDER);
            } else {
                LOG.warn(
                        "{} has files that are not Parley's, so others keep their rights on the folder itself", folder);
            }
            for (Path entry : entries(folder)) {
                if (OWN_FOLDERS.contains(entry.getFileName().toString()) && Files.isDirectory(entry)) {
                    restrict(entry, FOLDER);
                    for (Path file : entries(entry)) {
                        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                            restrict(file, FILE);
                        }
                    }
                } else if (isOwnFile(entry)) {
                    restrict(entry, FILE);
                }
            }
        } catch (FileSystemException e) {
            // The volume has no permissions, or belongs to another owner who lets us write. The operator has to judge
            // that.
            LOG.warn("others may be able to read {}, which cannot be changed: {}", folder, e.toString());
        }
    }

    private static boolean isOurs(Path folder) throws IOException {
        return entries(folder).stream()
                .allMatch(entry -> OWN_FOLDERS.contains(entry.getFileName().toString()) || isOwnFile(entry));
    }

    private static boolean isOwnFile(Path entry) {
        String name = entry.getFileName().toString();
        return Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)
                && (name.equals("lock")
                        || FormatFile.NAMES.contains(name)
                        || name.endsWith(".key")
                        || name.endsWith(".json"));
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }

    private static void restrict(Path path, Set<PosixFilePermission> most) throws IOException {
        Set<PosixFilePermission> given = Files.getPosixFilePermissions(path);
        Set<PosixFilePermission> kept = EnumSet.noneOf(PosixFilePermission.class);
        kept.addAll(given);
        kept.retainAll(most);
        if (kept.size() < given.size()) {
            Files.setPosixFilePermissions(path, kept);
            LOG.debug("{} is its owner's alone now", path);
        }
    }
}
