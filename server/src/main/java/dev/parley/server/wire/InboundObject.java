package dev.parley.server.wire;

import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.object.ObjectIds;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A change of an object as a realtime client sends it.
 *
 * @param id the client's own id
 * @param extras a JSON object as text
 */
public record InboundObject(
        @Nullable String id,
        @Nullable String clientId,
        @Nullable String extras,
        ObjectOperation operation) {
    /** The size in bytes that counts for limits. The object's id does not count. */
    public int size() {
        return operation.size()
                - operation.objectId().length()
                + (clientId == null ? 0 : clientId.length())
                + (extras == null ? 0 : extras.length());
    }

    static List<InboundObject> readAll(Iterable<JsonNode> nodes) throws WireException {
        List<InboundObject> objects = new ArrayList<>();
        for (JsonNode node : nodes) {
            Fields fields = Fields.of(node, "object message");
            Fields operation = fields.object("operation", "operation");
            if (operation == null) {
                throw invalid("An object message must have an operation.");
            }
            objects.add(new InboundObject(
                    fields.text("id"), fields.text("clientId"), fields.json("extras"), operation(operation)));
        }
        return objects;
    }

    private static ObjectOperation operation(Fields fields) throws WireException {
        ObjectActions action = ObjectActions.of(fields.number("action", -1));
        String id = fields.requiredText("objectId");
        return switch (action) {
            case MAP_CREATE -> {
                Fields proven = fields.object("mapCreateWithObjectId", "mapCreateWithObjectId");
                yield mapCreate(id, proven);
            }
            case COUNTER_CREATE -> {
                Fields proven = fields.object("counterCreateWithObjectId", "counterCreateWithObjectId");
                yield counterCreate(id, proven);
            }
            case MAP_SET -> mapSet(id, required(fields, "mapSet"));
            case MAP_REMOVE -> mapRemove(id, required(fields, "mapRemove"));
            case COUNTER_INC -> counterInc(id, required(fields, "counterInc"));
            case MAP_CLEAR -> new MapClear(id);
            case OBJECT_DELETE -> new ObjectDelete(id);
        };
    }

    private static Fields required(Fields fields, String name) throws WireException {
        Fields part = fields.object(name, name);
        if (part == null) {
            throw invalid("The operation has no " + name + ".");
        }
        return part;
    }

    /** The creation of a map to which the client has given an id. The id must follow from the initial value. */
    static MapCreate mapCreate(String id, @Nullable Fields proven) throws WireException {
        return new MapCreate(id, entries(initialValue(id, ObjectIds.isMap(id), proven)));
    }

    /** The creation of a counter to which the client has given an id. */
    static CounterCreate counterCreate(String id, @Nullable Fields proven) throws WireException {
        return new CounterCreate(id, count(initialValue(id, ObjectIds.isCounter(id), proven)));
    }

    private static Fields initialValue(String id, boolean kind, @Nullable Fields proven) throws WireException {
        if (proven == null) {
            throw invalid("A new object must have the initialValue and the nonce from which its objectId was derived.");
        }
        String initialValue = proven.requiredText("initialValue");
        if (!kind || !ObjectIds.verify(id, initialValue, proven.requiredText("nonce"))) {
            throw invalid("The objectId was not derived from this initialValue and nonce.");
        }
        return Fields.of(WireFormat.JSON.read(initialValue.getBytes(StandardCharsets.UTF_8)), "initialValue");
    }

    /** Reads the entries of {@code mapCreate}. */
    static Map<String, ObjectValue> entries(Fields create) throws WireException {
        JsonNode semantics = create.get("semantics");
        if (semantics != null
                && !(semantics.isNumber() && semantics.asInt(-1) == 0)
                && !(semantics.isString() && semantics.stringValue().equalsIgnoreCase("lww"))) {
            throw invalid("The only semantics of maps is 0 (LWW): the last write wins.");
        }
        Map<String, ObjectValue> entries = new TreeMap<>();
        Fields object = create.object("entries", "field entries");
        if (object != null) {
            for (Map.Entry<String, JsonNode> entry : object.node().properties()) {
                Fields fields = Fields.of(entry.getValue(), "entry");
                Fields data = fields.object("data", "field data");
                if (data == null) {
                    throw invalid("The entry " + entry.getKey() + " has no data.");
                }
                entries.put(entry.getKey(), ObjectValues.read(data));
            }
        }
        return entries;
    }

    /** Reads the count of {@code counterCreate}. */
    static double count(Fields create) throws WireException {
        return create.get("count") == null ? 0 : create.decimal("count");
    }

    static MapSet mapSet(String id, Fields fields) throws WireException {
        Fields value = fields.object("value", "field value");
        if (value == null) {
            throw invalid("The operation has no value to set.");
        }
        return new MapSet(id, fields.requiredText("key"), ObjectValues.read(value));
    }

    static MapRemove mapRemove(String id, Fields fields) throws WireException {
        return new MapRemove(id, fields.requiredText("key"));
    }

    static CounterInc counterInc(String id, Fields fields) throws WireException {
        return new CounterInc(id, fields.decimal("number"));
    }

    static WireException invalid(String message) {
        return new WireException(ErrorInfo.invalidObjectMessage(message));
    }
}
