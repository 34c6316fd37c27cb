package dev.parley.engine.session.object;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectRefusal;
import dev.parley.engine.session.ObjectRefusal.Reason;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.codec.ObjectCodec;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Objects as plain maps and numbers: what any history of operations must come to. */
public final class ObjectModel {
    private final ObjectLimits limits;
    private Map<String, Map<String, ObjectValue>> maps = new TreeMap<>(Map.of("root", new TreeMap<>()));
    private Map<String, Double> counters = new TreeMap<>();
    private Set<String> deleted = new HashSet<>();

    /** Of its limits it knows those on objects and keys. */
    public ObjectModel(ObjectLimits limits) {
        this.limits = limits;
    }

    /** The same by itself. */
    public ObjectModel copy() {
        ObjectModel copy = new ObjectModel(limits);
        maps.forEach((id, map) -> copy.maps.put(id, new TreeMap<>(map)));
        copy.counters.putAll(counters);
        copy.deleted.addAll(deleted);
        return copy;
    }

    /** What there is, by id: maps and numbers. */
    public Map<String, Object> contents() {
        Map<String, Object> contents = new TreeMap<>(maps);
        contents.putAll(counters);
        return contents;
    }

    /** Does all operations, or none and says why. */
    public @Nullable ObjectRefusal change(List<ObjectOperation> operations) {
        ObjectModel before = copy();
        for (ObjectOperation operation : operations) {
            ObjectRefusal refusal = change(operation);
            if (refusal != null) {
                maps = before.maps;
                counters = before.counters;
                deleted = before.deleted;
                return refusal;
            }
        }
        return null;
    }

    private @Nullable ObjectRefusal change(ObjectOperation operation) {
        String id = operation.objectId();
        ObjectRefusal refusal = switch (operation) {
            case MapCreate op -> create(op);
            case CounterCreate op -> {
                if (!id.startsWith("counter:")) {
                    yield new ObjectRefusal(Reason.WRONG_KIND, id);
                }
                if (deleted.contains(id)) {
                    yield new ObjectRefusal(Reason.DELETED, id);
                }
                counters.putIfAbsent(id, op.count());
                yield null;
            }
            case MapSet op -> set(id, op.key(), op.value());
            case MapRemove op -> {
                Map<String, ObjectValue> map = maps.get(id);
                if (map == null) {
                    yield noMap(id);
                }
                map.remove(op.key());
                yield null;
            }
            case MapClear op -> {
                Map<String, ObjectValue> map = maps.get(id);
                if (map == null) {
                    yield noMap(id);
                }
                map.clear();
                yield null;
            }
            case CounterInc op -> {
                if (counters.containsKey(id)) {
                    counters.merge(id, op.amount(), Double::sum);
                    yield null;
                }
                yield maps.containsKey(id) ? new ObjectRefusal(Reason.WRONG_KIND, id) : missing(id);
            }
            case ObjectDelete op -> {
                if (id.equals("root")) {
                    yield new ObjectRefusal(Reason.WRONG_KIND, id);
                }
                if (maps.remove(id) == null && counters.remove(id) == null) {
                    yield missing(id);
                }
                deleted.add(id);
                yield null;
            }
        };
        boolean full = maps.size() + counters.size() + deleted.size() > limits.objects();
        return refusal == null && full ? new ObjectRefusal(Reason.TOO_MANY_OBJECTS, id) : refusal;
    }

    private @Nullable ObjectRefusal create(MapCreate op) {
        String id = op.objectId();
        if (!id.startsWith("map:")) {
            return new ObjectRefusal(Reason.WRONG_KIND, id);
        }
        if (deleted.contains(id)) {
            return new ObjectRefusal(Reason.DELETED, id);
        }
        if (maps.putIfAbsent(id, new TreeMap<>()) == null) {
            for (var entry : op.entries().entrySet()) {
                ObjectRefusal refusal = set(id, entry.getKey(), entry.getValue());
                if (refusal != null) {
                    return refusal;
                }
            }
        }
        return null;
    }

    private @Nullable ObjectRefusal set(String id, String key, ObjectValue value) {
        Map<String, ObjectValue> map = maps.get(id);
        if (map == null) {
            return noMap(id);
        }
        if (value instanceof ObjectValue.Ref(String target)
                && !maps.containsKey(target)
                && !counters.containsKey(target)) {
            return missing(target);
        }
        map.put(key, value);
        return map.size() > limits.keys() ? new ObjectRefusal(Reason.TOO_MANY_KEYS, id) : null;
    }

    private ObjectRefusal noMap(String id) {
        return counters.containsKey(id) ? new ObjectRefusal(Reason.WRONG_KIND, id) : missing(id);
    }

    private ObjectRefusal missing(String id) {
        return new ObjectRefusal(deleted.contains(id) ? Reason.DELETED : Reason.NOT_FOUND, id);
    }

    /** Fails unless the objects are as here. */
    public void assertSame(ObjectTable objects) {
        Map<String, Map<String, ObjectValue>> foundMaps = new HashMap<>(Map.of("root", Map.of()));
        Map<String, Double> foundCounters = new HashMap<>();
        long[] bytes = {0};
        objects.objects().forEach((id, object) -> {
            bytes[0] += object.size();
            switch (object) {
                case ObjectState.MapState map -> {
                    Map<String, ObjectValue> entries = new TreeMap<>();
                    objects.entries(id).forEach((key, entry) -> {
                        bytes[0] += entry.size(key);
                        if (entry.value() != null) {
                            entries.put(key, entry.value());
                        }
                    });
                    assertThat(map.keys()).isEqualTo(entries.size());
                    foundMaps.put(id, entries);
                }
                case ObjectState.CounterState counter -> foundCounters.put(id, counter.count());
                case ObjectState.Deleted gone -> assertThat(deleted).contains(id);
            }
        });
        assertThat(foundMaps).isEqualTo(maps);
        assertThat(foundCounters).isEqualTo(counters);
        assertThat(objects.totals().bytes()).isEqualTo(bytes[0]);
        assertThat(objects.totals().objects()).isEqualTo(objects.objects().size());
    }

    /** An operation that makes sense more often than not. */
    public static ObjectOperation anyOperation(RandomGenerator random) {
        String map = random.nextInt(3) == 0 ? "root" : "map:" + random.nextInt(12);
        String counter = "counter:" + random.nextInt(12);
        String key = "k" + random.nextInt(12);
        return switch (random.nextInt(32)) {
            case 0, 1, 2, 3 -> new MapCreate(map, Map.of(key, anyValue(random)));
            case 4, 5, 6, 7 -> new CounterCreate(counter, random.nextInt(100));
            case 8, 9, 10, 11, 12 -> new CounterInc(counter, random.nextInt(-50, 50));
            case 13, 14, 15, 16 -> new MapRemove(map, key);
            case 17 -> new MapClear(map);
            case 18 -> new ObjectDelete(random.nextBoolean() ? map : counter);
            case 19 -> new CounterInc(map, 1);
            case 20 -> new MapSet(counter, key, anyValue(random));
            default -> new MapSet(map, key, anyValue(random));
        };
    }

    private static ObjectValue anyValue(RandomGenerator random) {
        return switch (random.nextInt(8)) {
            case 0 -> new ObjectValue.Ref("map:" + random.nextInt(12));
            case 1 -> new ObjectValue.Ref("counter:" + random.nextInt(12));
            case 2 -> new ObjectValue.Text("text " + random.nextInt());
            case 3 -> new ObjectValue.Bool(random.nextBoolean());
            case 4 -> new ObjectValue.Json("{\"n\":" + random.nextInt() + "}");
            case 5 -> {
                byte[] bytes = new byte[random.nextInt(20)];
                random.nextBytes(bytes);
                yield new ObjectValue.Bytes(bytes);
            }
            default -> new ObjectValue.Numeric(random.nextInt(1000) / 8.0);
        };
    }

    static void assertRoundTrips(RandomGenerator random) {
        ObjectOperation operation = anyOperation(random);
        BinaryWriter out = new BinaryWriter(8);
        ObjectCodec.operation(out, operation);
        assertThat(ObjectCodec.operation(new BinaryReader(out.toBytes()))).isEqualTo(operation);

        MapEntry entry =
                new MapEntry(random.nextLong(1, Long.MAX_VALUE), random.nextBoolean() ? anyValue(random) : null);
        assertThat(ObjectRows.entry(ObjectRows.entry(entry))).isEqualTo(entry);

        String id = "map:" + random.nextInt();
        ObjectState object = switch (random.nextInt(3)) {
            case 0 ->
                new ObjectState.MapState(id, random.nextLong(1L << 62), random.nextInt(1000), random.nextLong(1000));
            case 1 -> new ObjectState.CounterState(id, random.nextGaussian(), random.nextLong(1L << 62), 7);
            default -> new ObjectState.Deleted(id, random.nextLong(1L << 62));
        };
        assertThat(ObjectRows.object(id, ObjectRows.object(object))).isEqualTo(object);

        ObjectTotals totals =
                new ObjectTotals(random.nextInt(1000), random.nextLong(1L << 40), random.nextLong(1L << 40));
        assertThat(ObjectRows.totals(ObjectRows.totals(totals))).isEqualTo(totals);

        String key = random.nextBoolean() ? "" : "\u00e9" + random.nextInt();
        assertThat(ObjectRows.key(ObjectRows.objectKey(7, id))).isEqualTo(new ObjectRows.Key(id, null));
        assertThat(ObjectRows.key(ObjectRows.entryKey(7, id, key))).isEqualTo(new ObjectRows.Key(id, key));
    }
}
