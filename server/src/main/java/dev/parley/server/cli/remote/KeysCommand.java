package dev.parley.server.cli.remote;

import dev.parley.server.auth.ApiKey;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code parley keys}: makes keys, without asking a server. */
@Command(
        name = "keys",
        description = "Make keys for the setting auth.keys.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class KeysCommand extends CommandGroup {
    private static final int APP_CHARS = 64;

    @Command(
            name = "new",
            description =
                    "Write a new key with a secret of 256 random bits. A server takes it once it is in auth.keys.",
            mixinStandardHelpOptions = true)
    void make(
            @Option(
                            names = "--app",
                            paramLabel = "APP",
                            defaultValue = "app",
                            description = "The app that the key belongs to (app).")
                    String app,
            @Option(names = "--json", description = "Write JSON.") boolean json) {
        if (!ApiKey.isApp(app) || app.length() > APP_CHARS) {
            throw wrong("An app has 1 to " + APP_CHARS + " letters, digits, '-' and '_'.");
        }
        String key = ApiKey.generate(app);
        if (json) {
            Remote.out()
                    .println(Remote.JSON
                            .createObjectNode()
                            .put("keyName", key.substring(0, key.indexOf(':')))
                            .put("key", key));
        } else {
            Remote.out().println(key);
        }
    }
}
