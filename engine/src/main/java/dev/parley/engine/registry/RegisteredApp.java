package dev.parley.engine.registry;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * An app that was created over HTTP. Apps of the configuration are not registered.
 *
 * @param removed whether the app was removed, and only its sessions are still to be removed. It has no keys and no
 *     namespaces then.
 */
public record RegisteredApp(String id, boolean removed, List<Key> keys, List<Namespace> namespaces) {
    private static final int BYTES = 64;
    private static final int BYTES_OF_PART = 128;

    /**
     * A key of an app.
     *
     * @param name the name of the key, which begins with the id of the app
     * @param capability the capability as JSON
     * @param revocableTokens whether the key may revoke tokens that it has signed
     */
    public record Key(String name, SealedSecret secret, String capability, boolean revocableTokens) {}

    /**
     * Rules for the sessions of an app whose names have the same beginning.
     *
     * @param retentionMillis how long messages are kept
     * @param retentionBytes the size of the messages that a session keeps
     * @param maxMembers the greatest number of presence members of one session
     */
    public record Namespace(
            String id,
            boolean mutableMessages,
            long retentionMillis,
            long retentionBytes,
            int maxMembers,
            boolean redeliverCancels,
            boolean endAbandonedRuns) {}

    /** Checks that a removed app has nothing left. */
    public RegisteredApp {
        if (removed && !(keys.isEmpty() && namespaces.isEmpty())) {
            throw new IllegalArgumentException("the app " + id + " is removed and has keys or namespaces");
        }
    }

    /** The same app, removed. */
    RegisteredApp gone() {
        return new RegisteredApp(id, true, List.of(), List.of());
    }

    /** The memory that the app takes, roughly. */
    int weight() {
        int bytes = BYTES + id.length();
        for (Key key : keys) {
            bytes += BYTES_OF_PART + key.name.length() + key.secret.bytes().length + key.capability.length();
        }
        for (Namespace namespace : namespaces) {
            bytes += BYTES_OF_PART + namespace.id.length();
        }
        return bytes;
    }

    void write(BinaryWriter out) {
        out.string(id).bool(removed).varint(keys.size());
        for (Key key : keys) {
            out.string(key.name).blob(key.secret.bytes()).string(key.capability).bool(key.revocableTokens);
        }
        out.varint(namespaces.size());
        for (Namespace namespace : namespaces) {
            out.string(namespace.id)
                    .bool(namespace.mutableMessages)
                    .varint(namespace.retentionMillis)
                    .varint(namespace.retentionBytes)
                    .varint(namespace.maxMembers)
                    .bool(namespace.redeliverCancels)
                    .bool(namespace.endAbandonedRuns);
        }
    }

    static RegisteredApp read(BinaryReader in) {
        String id = in.string();
        boolean removed = in.bool();
        List<Key> keys = new ArrayList<>();
        for (int left = in.count(); left > 0; left--) {
            keys.add(new Key(in.string(), new SealedSecret(in.blob()), in.string(), in.bool()));
        }
        List<Namespace> namespaces = new ArrayList<>();
        for (int left = in.count(); left > 0; left--) {
            namespaces.add(
                    new Namespace(in.string(), in.bool(), in.varint(), in.varint(), in.count(), in.bool(), in.bool()));
        }
        return new RegisteredApp(id, removed, List.copyOf(keys), List.copyOf(namespaces));
    }
}
