package dev.parley.server.apps;

import dev.parley.engine.registry.RegisteredApp;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.SecretSeal;
import java.util.List;

/**
 * An app that is to be created.
 *
 * @param id the part of its keys' names before the dot
 */
public record App(String id, List<ApiKey> keys, List<Namespace> namespaces) {

    /** The app in the form in which the registry stores it. */
    RegisteredApp registered(SecretSeal seal) {
        return new RegisteredApp(
                id,
                false,
                keys.stream()
                        .map(key -> new RegisteredApp.Key(
                                key.name(),
                                seal.seal(key),
                                key.capabilities().toJson(),
                                key.uses().revocation()))
                        .toList(),
                namespaces.stream()
                        .map(namespace -> new RegisteredApp.Namespace(
                                namespace.id(),
                                namespace.mutableMessages(),
                                namespace.retentionAge().toMillis(),
                                namespace.retentionBytes(),
                                namespace.maxMembers(),
                                namespace.redeliverCancels(),
                                namespace.endAbandonedRuns()))
                        .toList());
    }
}
