package dev.parley.server.auth;

import java.util.Arrays;
import java.util.Locale;

/** What one can be allowed to do with a resource. */
public enum Operation {
    READ,
    APPEND,
    CREATE,
    DELETE,
    SUBSCRIBE;

    /** The name in a capability. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static Operation ofWireName(String name) {
        return Arrays.stream(values())
                .filter(operation -> operation.wireName().equals(name))
                .findAny()
                .orElseThrow(() -> new IllegalArgumentException("there is no operation '" + name + "'"));
    }
}
