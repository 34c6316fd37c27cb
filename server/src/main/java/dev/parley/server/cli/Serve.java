package dev.parley.server.cli;

import dev.parley.server.config.Config;
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.ops.Logs;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code parley serve}: starts a server, and stops it on SIGTERM. */
@Command(
        name = "serve",
        description = "Run the server.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Any setting a.b-c can also be set in the configuration file, or in the environment as PARLEY_A_B_C.",
            "A flag takes precedence over the environment, and the environment over the file. All settings: docs/configuration.md."
        })
final class Serve implements Callable<Integer> {

    @Option(names = "--config", paramLabel = "FILE", description = "Configuration file (YAML).")
    private @Nullable Path config;

    @Option(names = "--host", paramLabel = "H", description = "Address to listen on (server.host).")
    private @Nullable String host;

    @Option(names = "--port", paramLabel = "N", description = "Port to listen on, 0 for a free one (server.port).")
    private @Nullable String port;

    @Option(names = "--data", paramLabel = "DIR", description = "Folder for all data (data.dir).")
    private @Nullable String data;

    @Option(names = "--tls-cert", paramLabel = "PEM", description = "Certificate chain (tls.cert).")
    private @Nullable String tlsCert;

    @Option(names = "--tls-key", paramLabel = "PEM", description = "Private key (tls.key).")
    private @Nullable String tlsKey;

    @Option(names = "--log-format", paramLabel = "text|json", description = "Format of log lines (log.format).")
    private @Nullable String logFormat;

    @Option(
            names = "--insecure-no-auth",
            description = "Serve everybody without a key, even beyond this machine (auth.insecure-no-auth).")
    private boolean insecureNoAuth;

    @Option(
            names = "--admin-api",
            description = "Allow apps to be created and removed over HTTP, for tests and development (auth.admin-api).")
    private boolean adminApi;

    @Option(names = "--set", paramLabel = "SETTING=VALUE", description = "Any other setting; may be repeated.")
    private Map<String, String> set = new LinkedHashMap<>();

    @Override
    public Integer call() throws InterruptedException {
        Map<String, String> environment = System.getenv();
        Config settings = load(environment);
        Logs.configure(settings.log());
        var log = LoggerFactory.getLogger(Serve.class);
        ConfigLoader.unknownVariables(environment).forEach(log::warn);
        Path unused = AotCache.unused();
        if (unused != null) {
            log.warn(
                    "the AOT cache {} does not fit the program or the JVM and its options, so that starting takes longer",
                    unused);
        }

        var server = ParleyServer.start(settings);
        var _ = server.failure().thenAccept(Serve::die);
        boolean training = "1".equals(environment.get("PARLEY_TRAIN"));
        if (!training) {
            // Before the line below is printed, because a signal that comes after it is meant for the server.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server), "shutdown"));
        }
        // Scripts and tests take this line as the sign that requests are served.
        System.out.println("Parley is listening on " + server.uri());
        greet(server, System.out);
        System.out.flush();
        if (training) {
            Training.run(server.uri(), server.rootKey().file());
            server.stop();
            return 0;
        }
        new CountDownLatch(1).await();
        return 0;
    }

    private Config load(Map<String, String> environment) {
        var loader = new ConfigLoader().environment(environment).flags(flags());
        String fromEnvironment = environment.get("PARLEY_CONFIG");
        if (config != null) {
            loader.file(config);
        } else if (fromEnvironment != null) {
            loader.file(Path.of(fromEnvironment));
        }
        return loader.load();
    }

    private Map<String, String> flags() {
        var flags = new HashMap<>(set);
        flag(flags, "server.host", host);
        flag(flags, "server.port", port);
        flag(flags, "data.dir", data);
        flag(flags, "tls.cert", tlsCert);
        flag(flags, "tls.key", tlsKey);
        flag(flags, "log.format", logFormat);
        flag(flags, "auth.insecure-no-auth", insecureNoAuth ? "true" : null);
        flag(flags, "auth.admin-api", adminApi ? "true" : null);
        return flags;
    }

    private static void flag(Map<String, String> flags, String setting, @Nullable String value) {
        if (value != null) {
            flags.put(setting, value);
        }
    }

    private static void greet(ParleyServer server, PrintStream out) {
        var rootKey = server.rootKey();
        if (rootKey.created()) {
            out.println("A root key, which may do everything, was created in "
                    + rootKey.file().toAbsolutePath());
        }
        if (server.makesAppsForEverybody()) {
            out.println("Everybody on this machine may create apps with keys of their own (admin-api).");
        }
        String credentials = "";
        if (server.isOpen()) {
            out.println(
                    server.isLoopback()
                            ? "No keys are configured, so the streams door is open to everybody on this machine."
                            : "WARNING: the streams door is open to everybody who reaches this port (insecure-no-auth).");
        } else {
            credentials = " -u \"$(cat " + rootKey.file().toAbsolutePath() + ")\"";
        }
        String stream = server.uri() + "/v1/stream/hello";
        out.println("Try: curl%s -X PUT -H 'Content-Type: application/json' -d '[{\"hello\":\"world\"}]' %s"
                .formatted(credentials, stream));
        out.println("     curl%s '%s?offset=-1'".formatted(credentials, stream));
    }

    private static void stop(ParleyServer server) {
        server.stop();
        System.out.flush();
        // A JVM that is ended by a signal has a status of 128 or more, but this is the normal way to stop the server.
        Runtime.getRuntime().halt(0);
    }

    /**
     * Ends the process. The memory may be ahead of the disk now, so nothing more may be answered, and a restart has to
     * recover.
     */
    private static void die(Throwable cause) {
        System.err.println("parley: The engine has failed and Parley stops at once: " + cause
                + ". What was acknowledged is safe; a restart recovers it.");
        System.err.flush();
        Runtime.getRuntime().halt(Main.ENGINE_FAILED);
    }
}
