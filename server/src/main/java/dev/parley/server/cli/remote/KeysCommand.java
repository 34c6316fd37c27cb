package dev.parley.server.cli.remote;

import dev.parley.server.auth.ApiKey;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code parley keys}: makes keys, without asking a server. */
@Command(
        name = "keys",
        description = "Make keys for the setting auth.keys.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class KeysCommand implements Runnable {
    private static final String APP = "[A-Za-z0-9_-]{1,64}";

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public void run() {
        throw Usage.missing(spec);
    }

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
        if (!app.matches(APP)) {
            throw new ParameterException(Usage.line(spec), "An app has 1 to 64 letters, digits, '-' and '_'.");
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
