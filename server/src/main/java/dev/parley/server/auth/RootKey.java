package dev.parley.server.auth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The root key, which every server has from its first start, in a file of the data folder. It may do everything.
 *
 * @param created whether this start has created it
 */
public record RootKey(ApiKey key, Path file, boolean created) {

    public static final String FILE_NAME = "root.key";

    private static final String NEEDED =
            "The secrets of the keys of apps are encrypted with it: restore it from the backup of this data folder.";

    /**
     * Reads the key of {@code folder}, or creates it.
     *
     * @param hasSealed whether secrets in the data folder are encrypted with the key, so that a new one must not
     *     replace it
     */
    public static RootKey in(Path folder, boolean hasSealed) throws IOException {
        Path file = folder.resolve(FILE_NAME);
        boolean created = !Files.exists(file);
        if (created && hasSealed) {
            throw new IOException(file + " is missing. " + NEEDED);
        } else if (created) {
            SecretFile.write(folder, FILE_NAME, ApiKey.generate("root"));
        }
        try {
            return new RootKey(ApiKey.parse(Files.readString(file).strip(), Capabilities.ALL), file, created);
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    file + " holds no key (" + e.getMessage() + "). "
                            + (hasSealed ? NEEDED : "Remove the file, so that a new key is created."),
                    e);
        }
    }
}
