package dev.parley.examples;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** A shop that books once for each key, as APIs with idempotency keys do. */
public final class Shop {
    private final Map<String, String> bookings = new ConcurrentHashMap<>();

    /** A shop without bookings. */
    public Shop() {}

    /** Books a connection, such as {@code {"id": "8:04"}}; the same key again books nothing more. */
    public JsonNode book(@Nullable JsonNode connection, String key) {
        String id = connection == null ? "" : connection.path("id").asString("");
        return JsonNodeFactory.instance.stringNode(book(id, key));
    }

    /** The same, with the id of the connection. */
    public String book(String id, String key) {
        return bookings.computeIfAbsent(key, unused -> "booked " + id);
    }

    /** The bookings by their keys. */
    public Map<String, String> bookings() {
        return Map.copyOf(bookings);
    }
}
