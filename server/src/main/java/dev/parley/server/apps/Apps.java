package dev.parley.server.apps;

import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Keys;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All apps with their keys and namespaces: those of the configuration, which is read once, and those that the admin API
 * makes, which are kept in the data folder. Thread-safe; what changes something blocks on the disk.
 */
public final class Apps implements Keys {

    /** Apps that the admin API may make. */
    public static final int MAX_MADE_APPS = 1_000;

    /** Connections under whose name an app's fixed presence members are there. No client has such a connection. */
    public static final String FIXED_MEMBERS_CONNECTION = "~app";

    private final MadeAppsFile file;
    private final Map<String, ApiKey> configuredKeys;
    private final Map<String, Namespace> configuredNamespaces;
    private final Set<String> configuredApps = new HashSet<>();
    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();

    /** Never changed, but replaced. */
    private volatile Made made;

    private record Made(Map<String, App> apps, Map<String, ApiKey> keys) {

        static Made of(Collection<App> apps) {
            var byId = new TreeMap<String, App>();
            var keys = new HashMap<String, ApiKey>();
            for (App app : apps) {
                byId.put(app.id(), app);
                app.keys().forEach(key -> keys.put(key.name(), key));
            }
            return new Made(byId, keys);
        }
    }

    private Apps(MadeAppsFile file, Collection<ApiKey> keys, Collection<Namespace> namespaces, Collection<App> made) {
        this.file = file;
        this.configuredKeys = new HashMap<>();
        for (ApiKey key : keys) {
            configuredKeys.put(key.name(), key);
            configuredApps.add(key.app());
        }
        this.configuredNamespaces = byId(namespaces);
        this.made = Made.of(made);
    }

    /**
     * The apps of a server.
     *
     * @param folder the data folder
     * @param keys those of the configuration, and the root key
     * @param namespaces those of the configuration: for its apps, and for all others where these say nothing else
     */
    public static Apps open(Path folder, Collection<ApiKey> keys, Collection<Namespace> namespaces) throws IOException {
        var file = new MadeAppsFile(folder);
        return new Apps(file, keys, namespaces, file.read());
    }

    private static Map<String, Namespace> byId(Collection<Namespace> namespaces) {
        var byId = new HashMap<String, Namespace>();
        namespaces.forEach(namespace -> byId.put(namespace.id(), namespace));
        return byId;
    }

    @Override
    public @Nullable ApiKey find(String keyName) {
        ApiKey key = configuredKeys.get(keyName);
        return key == null ? made.keys.get(keyName) : key;
    }

    /** The ids of all apps. */
    public List<String> ids() {
        var ids = new ArrayList<>(configuredApps);
        made.apps.values().stream().filter(app -> !app.removed()).map(App::id).forEach(ids::add);
        return ids;
    }

    /** The rules for a session. */
    public Namespace namespace(String app, String session) {
        String id = Namespace.idFor(session);
        App known = made.apps.get(app);
        Namespace found = known == null ? null : find(known, id);
        if (found == null) {
            found = configuredNamespaces.get(id);
        }
        if (found == null && known != null) {
            found = find(known, Namespace.OTHERS);
        }
        return found == null ? configuredNamespaces.getOrDefault(Namespace.OTHERS, Namespace.DEFAULT) : found;
    }

    private static @Nullable Namespace find(App app, String id) {
        for (Namespace namespace : app.namespaces()) {
            if (namespace.id().equals(id)) {
                return namespace;
            }
        }
        return null;
    }

    /** Tells {@code listener} the id of each app that is removed from now on. */
    public void onRemoved(Consumer<String> listener) {
        listeners.add(listener);
    }

    /**
     * Keeps a new app.
     *
     * @throws TooManyAppsException if there is no room for it
     */
    public synchronized void add(App app) throws IOException, TooManyAppsException {
        if (configuredApps.contains(app.id()) || made.apps.containsKey(app.id())) {
            throw new IllegalArgumentException("there is an app " + app.id());
        }
        if (made.apps.size() >= MAX_MADE_APPS) {
            throw new TooManyAppsException();
        }
        var apps = new ArrayList<>(made.apps.values());
        apps.add(app);
        replace(apps);
    }

    /** Ends an app that the admin API has made: its keys and tokens are good no longer. False if there is none. */
    public boolean remove(String id) throws IOException {
        synchronized (this) {
            App app = made.apps.get(id);
            if (app == null || app.removed()) {
                return false;
            }
            var apps = new ArrayList<>(made.apps.values());
            apps.replaceAll(other -> other.id().equals(id) ? other.gone() : other);
            replace(apps);
        }
        listeners.forEach(listener -> listener.accept(id));
        return true;
    }

    /** The ids of removed apps that are not yet forgotten. */
    public List<String> removed() {
        return made.apps.values().stream().filter(App::removed).map(App::id).toList();
    }

    /** Its sessions are gone, too: nothing is left of a removed app. */
    public synchronized void forget(String id) throws IOException {
        var apps = new ArrayList<>(made.apps.values());
        if (apps.removeIf(app -> app.id().equals(id) && app.removed())) {
            replace(apps);
        }
    }

    private void replace(List<App> apps) throws IOException {
        file.write(apps);
        made = Made.of(apps);
    }
}
