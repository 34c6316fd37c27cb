package dev.parley.server.apps;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.registry.RegistryCommand.AddApp;
import dev.parley.engine.registry.RegistryCommand.ForgetApp;
import dev.parley.engine.registry.RegistryCommand.RemoveApp;
import dev.parley.engine.registry.RegistryOutcome;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.IdTaken;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Keys;
import dev.parley.server.auth.SecretSeal;
import dev.parley.server.auth.SecretSeal.BrokenSealException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All apps with their keys and namespaces: those of the configuration, which is read once, and those that were created
 * over HTTP, which are in the registry of the engine. Thread-safe.
 */
public final class Apps implements Keys {
    /** The time in which the clients of a removed app have to leave before the request is answered. */
    private static final Duration LEAVING_TIMEOUT = Duration.ofSeconds(10);

    /**
     * The beginning of the ids of connections to which the fixed presence members of apps belong. No client has such a
     * connection.
     */
    public static final String FIXED_MEMBERS_CONNECTION = "~app";

    private static final Logger LOG = LoggerFactory.getLogger(Apps.class);

    private final Engine engine;
    private final SecretSeal seal;
    private final Map<String, ApiKey> configuredKeys = new HashMap<>();
    private final Map<String, Namespace> configuredNamespaces = new HashMap<>();
    private final Set<String> configuredApps = new HashSet<>();

    /**
     * Apps of the registry with their decrypted secrets, by id. An entry is valid as long as the registry has the state
     * from which it was made.
     */
    private final ConcurrentHashMap<String, Opened> opened = new ConcurrentHashMap<>();

    /** The removed apps whose clients have not all left yet. */
    private final ConcurrentHashMap<String, CompletableFuture<?>> leaving = new ConcurrentHashMap<>();

    private record Opened(RegisteredApp source, Map<String, ApiKey> keys, Map<String, Namespace> namespaces) {}

    /**
     * The apps of a server.
     *
     * @param seal decrypts the secrets of apps in the registry
     * @param keys the keys of the configuration, and the root key
     * @param namespaces the namespaces of the configuration. They apply to its apps, and to other apps that have no
     *     namespace with the same name.
     * @throws BrokenSealException if a secret in the registry was encrypted with another root key
     */
    public Apps(Engine engine, SecretSeal seal, Collection<ApiKey> keys, Collection<Namespace> namespaces)
            throws BrokenSealException {
        this.engine = engine;
        this.seal = seal;
        for (ApiKey key : keys) {
            configuredKeys.put(key.name(), key);
            configuredApps.add(key.app());
        }
        namespaces.forEach(namespace -> configuredNamespaces.put(namespace.id(), namespace));
        for (RegisteredApp app : engine.registry().apps()) {
            // All secrets are decrypted now, so that a wrong root key is noticed at the start and not when a key is
            // used.
            for (RegisteredApp.Key key : app.keys()) {
                seal.open(key);
            }
        }
        onRemoved(id -> {
            opened.remove(id);
            return CompletableFuture.completedFuture(null);
        });
    }

    @Override
    public @Nullable ApiKey find(String keyName) {
        ApiKey key = configuredKeys.get(keyName);
        if (key != null) {
            return key;
        }
        Opened app = made(keyName.substring(0, Math.max(0, keyName.indexOf('.'))));
        return app == null ? null : app.keys.get(keyName);
    }

    /** The app that was created over HTTP with this id, if it was not removed. */
    @SuppressWarnings("ReferenceEquality") // whether it is this very state of the app that was opened
    private @Nullable Opened made(String id) {
        RegisteredApp newest = engine.registry().app(id);
        if (newest == null || newest.removed()) {
            return null;
        }
        Opened known = opened.get(id);
        return known != null && known.source == newest
                ? known
                : opened.compute(id, (key, before) -> {
                    RegisteredApp app = engine.registry().app(id);
                    return app == null || app.removed() ? null : open(app);
                });
    }

    private Opened open(RegisteredApp app) {
        var keys = new HashMap<String, ApiKey>();
        for (RegisteredApp.Key key : app.keys()) {
            try {
                keys.put(key.name(), seal.open(key));
            } catch (BrokenSealException e) {
                // Another server of the cluster registered the app after this server had started.
                LOG.atError().setCause(e).addKeyValue("key", key.name()).log("A key cannot be used on this server");
            }
        }
        var namespaces = new HashMap<String, Namespace>();
        for (RegisteredApp.Namespace namespace : app.namespaces()) {
            namespaces.put(
                    namespace.id(),
                    new Namespace(
                            namespace.id(),
                            namespace.mutableMessages(),
                            Duration.ofMillis(namespace.retentionMillis()),
                            namespace.retentionBytes(),
                            namespace.maxMembers(),
                            namespace.redeliverCancels(),
                            namespace.endAbandonedRuns()));
        }
        return new Opened(app, keys, namespaces);
    }

    /** The ids of all apps. */
    public List<String> ids() {
        var ids = new ArrayList<>(configuredApps);
        for (RegisteredApp app : engine.registry().apps()) {
            if (!app.removed() && !configuredApps.contains(app.id())) {
                ids.add(app.id());
            }
        }
        return ids;
    }

    /** The rules that apply to a session. */
    public Namespace namespace(String app, String session) {
        String id = Namespace.idFor(session);
        Opened made = made(app);
        Namespace found = made == null ? null : made.namespaces.get(id);
        if (found == null) {
            found = configuredNamespaces.get(id);
        }
        if (found == null && made != null) {
            found = made.namespaces.get(Namespace.OTHERS);
        }
        return found == null ? configuredNamespaces.getOrDefault(Namespace.OTHERS, Namespace.DEFAULT) : found;
    }

    /**
     * Tells {@code listener} the id of each app that is removed from now on, whichever server of a cluster received the
     * request. The listener is called by an engine thread, and must hand its work over to another thread. What it returns
     * completes when the clients of the app have left, and whoever removes the app waits for it.
     */
    public void onRemoved(Function<String, CompletableFuture<?>> listener) {
        engine.registry().listen(new Registry.Listener() {
            @Override
            public void appRemoved(String id) {
                CompletableFuture<?> left = listener.apply(id);
                if (!left.isDone()) {
                    CompletableFuture<?> all =
                            leaving.merge(id, left, (one, other) -> CompletableFuture.allOf(one, other));
                    var _ = all.whenComplete((done, failure) -> leaving.remove(id, all));
                }
            }
        });
    }

    /** Registers a new app. The app is durable when the future completes. */
    public CompletableFuture<RegistryOutcome.OfAddApp> add(App app, long now) {
        if (configuredApps.contains(app.id())) {
            return CompletableFuture.completedFuture(new IdTaken());
        }
        return engine.submit(new AddApp(now, app.registered(seal)));
    }

    /**
     * Removes an app that was created over HTTP. When the future completes, its keys and tokens are no longer valid, and
     * the members of its connections to this server have left. The result is false if there is no such app. The future
     * fails with a {@link java.util.concurrent.TimeoutException} if the app is removed, but not all have left in time.
     */
    public CompletableFuture<Boolean> remove(String id, long now) {
        return engine.submit(new RemoveApp(now, id)).thenCompose(outcome -> {
            boolean removed = outcome instanceof Done;
            // The listeners have been told before the outcome.
            CompletableFuture<?> left = removed ? leaving.get(id) : null;
            return left == null
                    ? CompletableFuture.completedFuture(removed)
                    : left.thenApply(done -> true).orTimeout(LEAVING_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    /** The ids of removed apps whose sessions may still exist. */
    public List<String> removed() {
        return engine.registry().apps().stream()
                .filter(RegisteredApp::removed)
                .map(RegisteredApp::id)
                .toList();
    }

    /** Removes the last trace of a removed app, because its sessions are gone. */
    public CompletableFuture<RegistryOutcome.OfForgetApp> forget(String id, long now) {
        return engine.submit(new ForgetApp(now, id));
    }
}
