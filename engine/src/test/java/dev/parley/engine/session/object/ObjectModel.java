package dev.parley.engine.session.object;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.object.ObjectOperation.CounterCreate;
import dev.parley.engine.session.object.ObjectOperation.CounterInc;
import dev.parley.engine.session.object.ObjectOperation.MapClear;
import dev.parley.engine.session.object.ObjectOperation.MapCreate;
import dev.parley.engine.session.object.ObjectOperation.MapRemove;
import dev.parley.engine.session.object.ObjectOperation.MapSet;
import dev.parley.engine.session.object.ObjectOperation.ObjectDelete;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

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

    /** Does all operations, or none. */
    public boolean change(long position, List<ObjectOperation> operations) {
        assertThat(position).isPositive();
        Map<String, Map<String, ObjectValue>> mapsBefore = new TreeMap<>();
        maps.forEach((id, map) -> mapsBefore.put(id, new TreeMap<>(map)));
        Map<String, Double> countersBefore = new TreeMap<>(counters);
        Set<String> deletedBefore = new HashSet<>(deleted);
        boolean fine = operations.stream().allMatch(this::change);
        if (!fine) {
            maps = mapsBefore;
            counters = countersBefore;
            deleted = deletedBefore;
        }
        return fine;
    }

    private boolean change(ObjectOperation operation) {
        if (deleted.contains(operation.objectId())) {
            return false;
        }
        Map<String, ObjectValue> map = maps.get(operation.objectId());
        switch (operation) {
            case MapCreate op -> {
                if (!op.objectId().startsWith("map:")) {
                    return false;
                }
                if (map != null) {
                    return true;
                }
                maps.put(op.objectId(), new TreeMap<>());
                return roomForObjects()
                        && op.entries().entrySet().stream()
                                .allMatch(entry -> set(op.objectId(), entry.getKey(), entry.getValue()));
            }
            case CounterCreate op -> {
                return op.objectId().startsWith("counter:")
                        && (counters.putIfAbsent(op.objectId(), op.count()) != null || roomForObjects());
            }
            case MapSet op -> {
                return map != null && set(op.objectId(), op.key(), op.value());
            }
            case MapRemove op -> {
                if (map != null) {
                    map.remove(op.key());
                }
                return map != null;
            }
            case MapClear op -> {
                if (map != null) {
                    map.clear();
                }
                return map != null;
            }
            case CounterInc op -> {
                return counters.computeIfPresent(op.objectId(), (id, count) -> count + op.amount()) != null;
            }
            case ObjectDelete op -> {
                boolean known = map != null || counters.containsKey(op.objectId());
                if (!known || op.objectId().equals("root")) {
                    return false;
                }
                maps.remove(op.objectId());
                counters.remove(op.objectId());
                return deleted.add(op.objectId());
            }
        }
    }

    private boolean set(String id, String key, ObjectValue value) {
        if (value instanceof ObjectValue.Ref(String target)
                && !maps.containsKey(target)
                && !counters.containsKey(target)) {
            return false;
        }
        Map<String, ObjectValue> map = maps.get(id);
        assertThat(map).isNotNull();
        map.put(key, value);
        return map.size() <= limits.keys();
    }

    private boolean roomForObjects() {
        return maps.size() + counters.size() + deleted.size() <= limits.objects();
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
