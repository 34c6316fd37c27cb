package dev.parley.client;

import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The objects that the participants of a session share: maps and counters, which are found by paths such as
 * {@code game.players.ada}. Keys are joined by dots; a backslash before a character lets it mean itself. Changes have one
 * effect, although they may have to be sent several times.
 *
 * <p>This client keeps no copy of the objects: it reads them from the server, and again when they change.
 */
public final class SharedObjects {
    private final Session session;
    private final Http http;
    private final MessageIds ids;
    private final Executor executor;

    SharedObjects(Session session, Http http, MessageIds ids, Executor executor) {
        this.executor = executor;
        this.session = session;
        this.http = http;
        this.ids = ids;
    }

    /**
     * The value at a path, with everything below it, as plain JSON; blocks.
     *
     * @param path empty for all objects
     * @return the value
     * @throws ParleyException.Refused with the status 404 if there is nothing
     */
    public JsonNode get(String path) {
        String query = path.isEmpty() ? "" : "path=" + ConnectUri.encode(path);
        return http.call(Http.Call.get(session.path("object"), query));
    }

    /**
     * Sets a key of a map, and waits until that is durable.
     *
     * @param map the path of the map; empty for the one in which all paths begin
     * @param key the key in the map, not a path
     * @param value a text, number, truth value, or any other JSON value, which is then stored as a document
     */
    public void set(String map, String key, JsonNode value) {
        ObjectNode operation = at(map);
        ObjectNode set = operation.putObject("mapSet").put("key", key);
        set.set("value", typed(value));
        send(operation);
    }

    /**
     * Removes a key of a map, and waits until that is durable.
     *
     * @param map the path of the map; empty for the one in which all paths begin
     * @param key the key in the map, not a path
     */
    public void remove(String map, String key) {
        ObjectNode operation = at(map);
        operation.putObject("mapRemove").put("key", key);
        send(operation);
    }

    /**
     * Adds to a counter, and waits until that is durable.
     *
     * @param counter the path of the counter
     * @param amount how much; negative to subtract
     */
    public void increment(String counter, double amount) {
        ObjectNode operation = at(counter);
        operation.putObject("counterInc").put("number", amount);
        send(operation);
    }

    /**
     * Makes a counter at a path, and waits until that is durable.
     *
     * @param path the map before its last key has to exist
     * @param initial what it counts from
     * @return the id of the counter
     */
    public @Nullable String createCounter(String path, double initial) {
        ObjectNode operation = at(path);
        operation.putObject("counterCreate").put("count", initial);
        return send(operation);
    }

    /**
     * Makes an empty map at a path, and waits until that is durable.
     *
     * @param path the map before its last key has to exist
     * @return the id of the map
     */
    public @Nullable String createMap(String path) {
        ObjectNode operation = at(path);
        operation.putObject("mapCreate").put("semantics", 0).putObject("entries");
        return send(operation);
    }

    private static ObjectNode at(String path) {
        return Wire.object().put("path", path);
    }

    private static ObjectNode typed(JsonNode value) {
        ObjectNode typed = Wire.object();
        if (value.isString()) {
            return typed.put("string", value.stringValue());
        } else if (value.isNumber()) {
            return typed.put("number", value.asDouble());
        } else if (value.isBoolean()) {
            return typed.put("boolean", value.booleanValue());
        }
        return typed.put("json", value.toString());
    }

    /** Sends an operation with an id by which the server knows it if it comes again. */
    private @Nullable String send(ObjectNode operation) {
        operation.put("id", ids.next());
        JsonNode answer = http.call(Http.Call.json("POST", session.path("object"), operation, true));
        return Wire.text(answer.path("objectIds"), 0);
    }

    /**
     * Calls {@code listener} with the value at a path, as {@link #get} has it, and with the new one whenever it has
     * changed; with null when there is none. Values that are replaced at once may be left out. The session has to be
     * attached with {@link SessionOptions.Mode#OBJECT_SUBSCRIBE}; blocks until the first value was read.
     *
     * @param path empty for all objects
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration watch(String path, Consumer<@Nullable JsonNode> listener) {
        var value = new LiveValue(() -> find(path), listener, executor);
        Registration changes = session.onEvent(event -> {
            if (event instanceof ObjectChange || event instanceof Gap) {
                value.mayHaveChanged();
            }
        });
        value.read();
        return changes;
    }

    private @Nullable JsonNode find(String path) {
        try {
            return get(path);
        } catch (ParleyException.Refused e) {
            if (e.statusCode() == 404) {
                return null;
            }
            throw e;
        }
    }

    /**
     * Calls {@code listener} with each change, in one order with the messages of the session. The session has to be attached
     * with {@link SessionOptions.Mode#OBJECT_SUBSCRIBE}.
     *
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration onChange(Consumer<ObjectChange> listener) {
        return session.onEvent(event -> {
            if (event instanceof ObjectChange change) {
                listener.accept(change);
            }
        });
    }
}
