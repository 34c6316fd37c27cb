package dev.parley.server.wire;

import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.object.ObjectIds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A change of objects as a REST client sends it. It may name the objects by a path.
 *
 * @param id the client's own id, an idempotency key
 * @param objectId the id of the object, or null
 * @param path the path of the objects, or null
 */
public record InboundRestObject(
        @Nullable String id,
        @Nullable String objectId,
        @Nullable String path,
        Verb verb) {
    /** The operation. */
    public sealed interface Verb {}

    /**
     * Changes existing objects.
     *
     * @param map whether the objects are maps; otherwise they are counters
     * @param on the operation for an object
     */
    public record Change(boolean map, Function<String, ObjectOperation> on) implements Verb {}

    /** Creates an object to which the client has given an id. */
    public record CreateNamed(ObjectOperation operation) implements Verb {}

    /** Creates a map or a counter to which the server gives an id. */
    public sealed interface Create extends Verb {
        /** The operation with an id that follows from the nonce, the time and the initial value. */
        ObjectOperation named(String nonce, long time);
    }

    private record CreateMap(String initialValue, Map<String, ObjectValue> entries) implements Create {
        @Override
        public ObjectOperation named(String nonce, long time) {
            return new MapCreate(ObjectIds.ofMap(initialValue, nonce, time), entries);
        }
    }

    private record CreateCounter(String initialValue, double count) implements Create {
        @Override
        public ObjectOperation named(String nonce, long time) {
            return new CounterCreate(ObjectIds.ofCounter(initialValue, nonce, time), count);
        }
    }

    /** Reads one operation or an array of them. */
    public static List<InboundRestObject> readAll(JsonNode body) throws WireException {
        List<InboundRestObject> operations = new ArrayList<>();
        for (JsonNode node : body.isArray() ? body : List.of(body)) {
            Fields fields = Fields.of(node, "operation");
            operations.add(new InboundRestObject(
                    fields.text("id"), fields.text("objectId"), fields.text("path"), verb(fields)));
        }
        return operations;
    }

    private static Verb verb(Fields fields) throws WireException {
        Fields set = fields.object("mapSet", "mapSet");
        if (set != null) {
            ObjectOperation.MapSet read = InboundObject.mapSet("", set);
            return new Change(true, id -> new ObjectOperation.MapSet(id, read.key(), read.value()));
        }
        Fields remove = fields.object("mapRemove", "mapRemove");
        if (remove != null) {
            String key = InboundObject.mapRemove("", remove).key();
            return new Change(true, id -> new ObjectOperation.MapRemove(id, key));
        }
        if (fields.get("mapClear") != null) {
            return new Change(true, ObjectOperation.MapClear::new);
        }
        Fields increment = fields.object("counterInc", "counterInc");
        if (increment != null) {
            double amount = InboundObject.counterInc("", increment).amount();
            return new Change(false, id -> new ObjectOperation.CounterInc(id, amount));
        }
        Fields map = fields.object("mapCreate", "mapCreate");
        if (map != null) {
            return new CreateMap(map.node().toString(), InboundObject.entries(map));
        }
        Fields counter = fields.object("counterCreate", "counterCreate");
        if (counter != null) {
            return new CreateCounter(counter.node().toString(), InboundObject.count(counter));
        }
        Fields namedMap = fields.object("mapCreateWithObjectId", "mapCreateWithObjectId");
        if (namedMap != null) {
            return new CreateNamed(InboundObject.mapCreate(fields.requiredText("objectId"), namedMap));
        }
        Fields namedCounter = fields.object("counterCreateWithObjectId", "counterCreateWithObjectId");
        if (namedCounter != null) {
            return new CreateNamed(InboundObject.counterCreate(fields.requiredText("objectId"), namedCounter));
        }
        throw InboundObject.invalid("An operation has one of mapSet, mapRemove, mapClear, counterInc, mapCreate, "
                + "counterCreate, mapCreateWithObjectId or counterCreateWithObjectId.");
    }
}
