package dev.parley.server.apps;

import dev.parley.engine.Engine;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.SecretSeal;
import java.util.Collection;

/** The apps of servers in tests. */
public final class TestApps {

    private TestApps() {}

    /** Those of an engine in which nothing is sealed with another root key. */
    public static Apps of(Engine engine, ApiKey rootKey, Collection<ApiKey> keys, Collection<Namespace> namespaces) {
        try {
            return new Apps(engine, SecretSeal.with(rootKey), keys, namespaces);
        } catch (SecretSeal.BrokenSealException e) {
            throw new AssertionError(e);
        }
    }
}
