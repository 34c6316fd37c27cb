package dev.parley.server.cli.remote;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code parley backup}: has a running server copy its data folder. */
@Command(
        name = "backup",
        description = "Copy the data folder of a running server, which goes on meanwhile. Needs the root key.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "The copy has everything that was acknowledged before the command began. To restore it, start a server on it:",
            "parley serve --data DIR, or put it in the place of the data folder."
        })
public final class Backup implements Runnable {
    @Mixin
    private Remote remote = new Remote();

    @Parameters(paramLabel = "DIR", description = "A new folder, on the machine of the server.")
    private @Nullable Path folder;

    @Override
    public void run() {
        if (folder == null) {
            throw new RemoteException("Name the folder of the backup.");
        }
        JsonNode made = remote.post(
                "/backup",
                Remote.JSON
                        .createObjectNode()
                        .put("folder", folder.toAbsolutePath().normalize().toString()));
        remote.write(
                made, "The server has copied its data to " + made.path("folder").stringValue("") + ".");
    }
}
