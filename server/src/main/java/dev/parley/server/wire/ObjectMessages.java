package dev.parley.server.wire;

import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.object.MapEntry;
import dev.parley.engine.session.object.ObjectIds;
import dev.parley.engine.session.object.ObjectState;
import java.util.Map;

/** Writes changes of objects, and states of objects, in the form of the realtime protocol. */
public final class ObjectMessages {
    /**
     * The name of the only site: as there is one order, there is one site. Clients need the name to know which changes
     * they have seen.
     */
    public static final String SITE_CODE = "parley";

    private ObjectMessages() {}

    static void write(WireWriter to, ObjectEntry entry) {
        long millis = Positions.millis(entry.position());
        to.beginObject()
                .field("id", entry.id())
                .field("clientId", entry.clientId())
                .field("connectionId", entry.connectionId())
                .field("timestamp", millis)
                .field("serial", Serials.render(entry.position()))
                .field("serialTimestamp", millis)
                .field("siteCode", SITE_CODE)
                .jsonField("extras", entry.extras())
                .name("operation");
        operation(to, entry.operation(), Serials.render(entry.position()));
        to.endObject();
    }

    private static void operation(WireWriter to, ObjectOperation operation, String serial) {
        to.beginObject().field("action", ObjectActions.of(operation).number()).field("objectId", operation.objectId());
        switch (operation) {
            case MapCreate op -> {
                to.name("mapCreate").beginObject().field("semantics", 0);
                to.name("entries").beginObject();
                op.entries().forEach((key, value) -> {
                    to.name(key).beginObject().field("timeserial", serial).name("data");
                    ObjectValues.write(to, value);
                    to.endObject();
                });
                to.endObject().endObject();
            }
            case MapSet op -> {
                to.name("mapSet").beginObject().field("key", op.key()).name("value");
                ObjectValues.write(to, op.value());
                to.endObject();
            }
            case MapRemove op ->
                to.name("mapRemove").beginObject().field("key", op.key()).endObject();
            case MapClear op -> to.name("mapClear").beginObject().endObject();
            case CounterCreate op ->
                to.name("counterCreate")
                        .beginObject()
                        .name("count")
                        .value(op.count())
                        .endObject();
            case CounterInc op ->
                to.name("counterInc")
                        .beginObject()
                        .name("number")
                        .value(op.amount())
                        .endObject();
            case ObjectDelete op -> to.name("objectDelete").beginObject().endObject();
        }
        to.endObject();
    }

    /**
     * Writes an object in its state at {@code position}, or with later changes that may be applied again.
     *
     * <p>The initial value of an object is in its state, like all later changes. Its creation is therefore shown as
     * that of an empty object, because clients add the two.
     */
    static void write(WireWriter to, ObjectState object, Map<String, MapEntry> entries, long position) {
        long known = switch (object) {
            case ObjectState.CounterState counter -> Math.max(position, counter.changedAt());
            case ObjectState.MapState map -> position;
            case ObjectState.Deleted deleted -> Math.max(position, deleted.position());
        };
        to.beginObject().name("object").beginObject().field("objectId", object.id());
        to.name("siteTimeserials")
                .beginObject()
                .field(SITE_CODE, Serials.render(known))
                .endObject();
        to.field("tombstone", object instanceof ObjectState.Deleted);
        switch (object) {
            case ObjectState.MapState map -> {
                if (!map.id().equals(ObjectIds.ROOT)) {
                    createOp(to, new MapCreate(map.id(), Map.of()));
                }
                map(to, map.clearedAt(), entries);
            }
            case ObjectState.CounterState counter -> {
                createOp(to, new CounterCreate(counter.id(), 0));
                to.name("counter")
                        .beginObject()
                        .name("count")
                        .value(counter.count())
                        .endObject();
            }
            case ObjectState.Deleted deleted -> {
                if (ObjectIds.isMap(deleted.id())) {
                    map(to, Positions.START, entries);
                } else {
                    to.name("counter").beginObject().name("count").value(0.0).endObject();
                }
            }
        }
        to.endObject();
        if (object instanceof ObjectState.Deleted deleted) {
            to.field("serialTimestamp", Positions.millis(deleted.position()));
        }
        to.endObject();
    }

    private static void createOp(WireWriter to, ObjectOperation create) {
        to.name("createOp");
        operation(to, create, "");
    }

    private static void map(WireWriter to, long clearedAt, Map<String, MapEntry> entries) {
        to.name("map").beginObject().field("semantics", 0);
        if (clearedAt != Positions.START) {
            to.field("clearTimeserial", Serials.render(clearedAt));
        }
        to.name("entries").beginObject();
        entries.forEach((key, entry) -> {
            ObjectValue value = entry.value();
            to.name(key)
                    .beginObject()
                    .field("timeserial", Serials.render(entry.position()))
                    .field("tombstone", value == null);
            if (value == null) {
                to.field("serialTimestamp", Positions.millis(entry.position()));
            } else {
                to.name("data");
                ObjectValues.write(to, value);
            }
            to.endObject();
        });
        to.endObject().endObject();
    }
}
