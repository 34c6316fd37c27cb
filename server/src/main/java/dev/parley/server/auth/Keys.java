package dev.parley.server.auth;

import java.util.Collection;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The keys that are valid at the moment. */
@FunctionalInterface
public interface Keys {

    /** The key with this name, or null. */
    @Nullable
    ApiKey find(String name);

    /** A fixed set of keys. */
    static Keys of(Collection<ApiKey> keys) {
        Map<String, ApiKey> byName =
                keys.stream().collect(Collectors.toUnmodifiableMap(ApiKey::name, Function.identity()));
        return byName::get;
    }
}
