package dev.parley.server.apps;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.registry.RegistryCommand.AddApp;
import dev.parley.engine.registry.RegistryOutcome;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.Revocations;
import dev.parley.server.auth.SecretFile;
import dev.parley.server.auth.SecretSeal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The files in which earlier versions kept apps and revocations. The start makes commands of their content, and removes
 * the files when these commands are durable. If the start is interrupted in between, the next one repeats the commands,
 * which then change nothing.
 */
public final class RegistryFiles {

    static final String APPS = "apps.json";
    static final String REVOCATIONS = "revocations.json";

    /** The number of commands that are submitted at a time. The engine always has room for them. */
    private static final int BATCH = 100;

    private static final Logger LOG = LoggerFactory.getLogger(RegistryFiles.class);

    private RegistryFiles() {}

    private record StoredApp(String id, boolean removed, List<StoredKey> keys, List<StoredNamespace> namespaces) {}

    private record StoredKey(String key, String capability, boolean revocableTokens) {}

    private record StoredNamespace(
            String id,
            boolean mutableMessages,
            long retentionAge,
            long retentionBytes,
            int maxMembers,
            boolean redeliverCancels,
            boolean endAbandonedRuns) {}

    private record StoredRevocation(String keyName, String target, Instant issuedBefore, Instant appliesAt) {}

    /**
     * Registers the content of the files in {@code folder}. Called before requests are served; blocks.
     *
     * @throws IOException with a message for the operator
     */
    public static void register(Path folder, Engine engine, SecretSeal seal, Instant now) throws IOException {
        move(
                folder,
                APPS,
                StoredApp[].class,
                app -> new AddApp(
                        now.toEpochMilli(),
                        app.removed
                                ? new RegisteredApp(app.id, true, List.of(), List.of())
                                : restore(app).registered(seal)),
                engine);
        move(
                folder,
                REVOCATIONS,
                StoredRevocation[].class,
                revocation -> Revocations.command(
                        revocation.keyName,
                        revocation.target,
                        new Revocations.Revoked(revocation.issuedBefore, revocation.appliesAt),
                        now),
                engine);
    }

    /** Makes a command of a part of a file. */
    @FunctionalInterface
    private interface ToCommand<T> {
        RegistryCommand<?> of(T stored);
    }

    private static <T> void move(Path folder, String name, Class<T[]> type, ToCommand<T> toCommand, Engine engine)
            throws IOException {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            return;
        }
        var commands = new ArrayList<RegistryCommand<?>>();
        try {
            for (T stored : JsonMapper.shared().readValue(Files.readString(file), type)) {
                commands.add(toCommand.of(stored));
            }
        } catch (JacksonException | IllegalArgumentException | NullPointerException e) {
            // Without the message of the exception, because it may quote the file.
            throw new IOException(file + " is damaged (" + e.getClass().getSimpleName()
                    + "). What it says would be forgotten without it: restore it from a backup");
        }
        try {
            for (int done = 0; done < commands.size(); done += BATCH) {
                var outcomes = new ArrayList<CompletableFuture<? extends RegistryOutcome>>();
                commands.subList(done, Math.min(commands.size(), done + BATCH))
                        .forEach(command -> outcomes.add(engine.submit(command)));
                for (var outcome : outcomes) {
                    check(file, outcome.join());
                }
            }
        } catch (CompletionException e) {
            throw new IOException(file + " cannot be moved into the log: " + e.getCause(), e);
        }
        SecretFile.remove(folder, name);
        LOG.info("{}: {} entries are in the log now, and the file is removed", file, commands.size());
    }

    private static void check(Path file, RegistryOutcome outcome) throws IOException {
        switch (outcome) {
            case RegistryOutcome.TooManyApps(int max) ->
                throw new IOException(file + " has more apps than the " + max + " that there may be");
            case RegistryOutcome.TooManyRevocations(int max) ->
                throw new IOException(file + " has more revocations than the " + max + " that there may be");
            // If the app exists, a start that was interrupted has registered it.
            case RegistryOutcome.Done done -> {}
            case RegistryOutcome.IdTaken taken -> {}
            case RegistryOutcome.NoSuchApp none -> {}
            case RegistryOutcome.Forgotten forgotten -> {}
            case RegistryOutcome.TooManyAgents none -> {}
            case RegistryOutcome.TooManyNamespaces none -> {}
            case RegistryOutcome.AgentsTooLarge none -> {}
        }
    }

    private static App restore(StoredApp stored) {
        return new App(
                stored.id,
                stored.keys.stream()
                        .map(key -> ApiKey.parse(
                                key.key,
                                Capabilities.parse(key.capability),
                                new ApiKey.Uses(false, key.revocableTokens)))
                        .toList(),
                stored.namespaces.stream()
                        .map(namespace -> new Namespace(
                                namespace.id,
                                namespace.mutableMessages,
                                Duration.ofMillis(namespace.retentionAge),
                                namespace.retentionBytes,
                                namespace.maxMembers,
                                namespace.redeliverCancels,
                                namespace.endAbandonedRuns))
                        .toList());
    }
}
