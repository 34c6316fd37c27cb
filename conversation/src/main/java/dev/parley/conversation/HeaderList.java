package dev.parley.conversation;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Transport headers that are being written; those without a value are left out. */
final class HeaderList {
    private final Map<String, String> headers = new LinkedHashMap<>();

    HeaderList put(String name, @Nullable String value) {
        if (value != null) {
            headers.put(name, value);
        }
        return this;
    }

    /** As the npm library does, leaves out a value that is empty. */
    HeaderList putUnlessEmpty(String name, @Nullable String value) {
        return value == null || value.isEmpty() ? this : put(name, value);
    }

    Map<String, String> map() {
        return headers;
    }

    /** The headers of a message that is all transport. */
    Headers alone() {
        return new Headers(headers, Map.of());
    }
}
