package dev.parley.server.apps;

import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.SecretFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** The file of the data folder with the apps that the admin API has made; it holds their secrets. */
record MadeAppsFile(Path folder) {

    static final String FILE_NAME = "apps.json";

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

    List<App> read() throws IOException {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return List.of();
        }
        try {
            return List.of(JsonMapper.shared().readValue(Files.readString(file), StoredApp[].class)).stream()
                    .map(MadeAppsFile::restore)
                    .toList();
        } catch (JacksonException | IllegalArgumentException e) {
            // Without the message: it may quote the file.
            throw new IOException(file + " is damaged (" + e.getClass().getSimpleName() + ")");
        }
    }

    void write(Collection<App> apps) throws IOException {
        var stored = apps.stream().map(MadeAppsFile::store).toList();
        SecretFile.write(folder, FILE_NAME, JsonMapper.shared().writeValueAsString(stored));
    }

    private static StoredApp store(App app) {
        return new StoredApp(
                app.id(),
                app.removed(),
                app.keys().stream()
                        .map(key -> new StoredKey(
                                key.written(),
                                key.capabilities().toJson(),
                                key.uses().revocation()))
                        .toList(),
                app.namespaces().stream()
                        .map(namespace -> new StoredNamespace(
                                namespace.id(),
                                namespace.mutableMessages(),
                                namespace.retentionAge().toMillis(),
                                namespace.retentionBytes(),
                                namespace.maxMembers(),
                                namespace.redeliverCancels(),
                                namespace.endAbandonedRuns()))
                        .toList());
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
                        .toList(),
                stored.removed);
    }
}
