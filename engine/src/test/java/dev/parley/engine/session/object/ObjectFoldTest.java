package dev.parley.engine.session.object;

import static org.assertj.core.api.Assertions.assertThat;

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
import dev.parley.engine.session.ObjectValue.Numeric;
import dev.parley.engine.session.ObjectValue.Ref;
import dev.parley.engine.session.ObjectValue.Text;
import dev.parley.engine.session.Positions;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectFoldTest {
    private static final long GRACE = 1000;

    private final MemoryObjects objects = new MemoryObjects();
    private ObjectLimits limits = new ObjectLimits(100, 100, 1000, 100_000, GRACE);
    private long last;

    @Test
    void theLastOneToSetAKeyWins() {
        accept(new MapSet("root", "city", new Text("Paris")));
        accept(new MapSet("root", "city", new Text("Rome")));
        assertThat(value("root", "city")).isEqualTo(new Text("Rome"));
        accept(new MapRemove("root", "city"));
        assertThat(value("root", "city")).isNull();
        assertThat(objects.object("root")).isEqualTo(new ObjectState.MapState("root", 0, 0, 0));
    }

    @Test
    void countersAddUp() {
        accept(new CounterCreate("counter:a", 10));
        accept(new CounterInc("counter:a", 2.5));
        accept(new CounterInc("counter:a", -20));
        assertThat(objects.object("counter:a")).isEqualTo(new ObjectState.CounterState("counter:a", -7.5, last, 0));
    }

    @Test
    void anObjectIsMadeOnce() {
        accept(new CounterCreate("counter:a", 1));
        accept(new CounterInc("counter:a", 1));
        accept(new CounterCreate("counter:a", 1));
        assertThat(objects.object("counter:a"))
                .isInstanceOfSatisfying(
                        ObjectState.CounterState.class,
                        counter -> assertThat(counter.count()).isEqualTo(2));
        accept(new MapCreate("map:m", Map.of("k", new Numeric(1))));
        accept(new MapSet("map:m", "k", new Numeric(2)));
        accept(new MapCreate("map:m", Map.of("k", new Numeric(1))));
        assertThat(value("map:m", "k")).isEqualTo(new Numeric(2));
    }

    @Test
    void clearingLeavesNothingAndRemembersWhen() {
        accept(new MapCreate("map:m", Map.of("a", new Numeric(1), "b", new Numeric(2))));
        accept(new MapRemove("map:m", "a"));
        accept(new MapClear("map:m"));
        assertThat(objects.entries("map:m")).isEmpty();
        assertThat(objects.object("map:m")).isEqualTo(new ObjectState.MapState("map:m", last, 0, 0));
    }

    @Test
    void aDeletedObjectStaysDeleted() {
        accept(new MapCreate("map:m", Map.of("a", new Numeric(1))));
        accept(new MapSet("root", "m", new Ref("map:m")));
        accept(new ObjectDelete("map:m"));
        assertThat(objects.object("map:m")).isEqualTo(new ObjectState.Deleted("map:m", last));
        assertThat(objects.entries("map:m")).isEmpty();
        assertThat(refused(new MapSet("map:m", "a", new Numeric(1)))).isEqualTo(Reason.DELETED);
        assertThat(refused(new MapCreate("map:m", Map.of()))).isEqualTo(Reason.DELETED);
        assertThat(refused(new MapSet("root", "n", new Ref("map:m")))).isEqualTo(Reason.DELETED);
        assertThat(refused(new ObjectDelete("map:m"))).isEqualTo(Reason.DELETED);
    }

    @Test
    void whatCannotBeDoneIsSaid() {
        accept(new CounterCreate("counter:c", Double.MAX_VALUE));
        assertThat(refused(new MapSet("map:none", "k", new Numeric(1)))).isEqualTo(Reason.NOT_FOUND);
        assertThat(refused(new MapSet("root", "k", new Ref("map:none")))).isEqualTo(Reason.NOT_FOUND);
        assertThat(refused(new CounterInc("counter:none", 1))).isEqualTo(Reason.NOT_FOUND);
        assertThat(refused(new MapRemove("map:none", "k"))).isEqualTo(Reason.NOT_FOUND);
        assertThat(refused(new MapClear("map:none"))).isEqualTo(Reason.NOT_FOUND);
        assertThat(refused(new ObjectDelete("map:none"))).isEqualTo(Reason.NOT_FOUND);
        assertThat(refused(new MapSet("counter:c", "k", new Numeric(1)))).isEqualTo(Reason.WRONG_KIND);
        assertThat(refused(new CounterInc("root", 1))).isEqualTo(Reason.WRONG_KIND);
        assertThat(refused(new MapCreate("root", Map.of()))).isEqualTo(Reason.WRONG_KIND);
        assertThat(refused(new MapCreate("counter:x", Map.of()))).isEqualTo(Reason.WRONG_KIND);
        assertThat(refused(new CounterCreate("map:x", 1))).isEqualTo(Reason.WRONG_KIND);
        assertThat(refused(new ObjectDelete("root"))).isEqualTo(Reason.WRONG_KIND);
        assertThat(refused(new CounterInc("counter:c", Double.MAX_VALUE))).isEqualTo(Reason.OUT_OF_RANGE);
    }

    @Test
    void everythingHasALimit() {
        limits = new ObjectLimits(3, 2, 10, 1000, GRACE);
        accept(new MapCreate("map:m", Map.of("a", new Numeric(1), "b", new Numeric(2))));
        assertThat(refused(new MapSet("map:m", "c", new Numeric(3)))).isEqualTo(Reason.TOO_MANY_KEYS);
        accept(new MapRemove("map:m", "a"), new MapSet("map:m", "c", new Numeric(3)));
        assertThat(refused(new MapSet("root", "k", new Text("longer than ten"))))
                .isEqualTo(Reason.VALUE_TOO_LARGE);
        assertThat(refused(new MapSet("root", "k".repeat(1025), new Numeric(1))))
                .isEqualTo(Reason.VALUE_TOO_LARGE);
        accept(new CounterCreate("counter:1", 0), new CounterCreate("counter:2", 0));
        assertThat(refused(new CounterCreate("counter:3", 0))).isEqualTo(Reason.TOO_MANY_OBJECTS);
        limits = new ObjectLimits(100, 100, 1000, objects.totals().bytes() + 100, GRACE);
        assertThat(refused(new MapSet("root", "k", new Text("x".repeat(200))))).isEqualTo(Reason.SESSION_FULL);
    }

    @Test
    void whatWasRemovedIsForgottenAfterTheGracePeriod() {
        accept(new MapSet("root", "k", new Numeric(1)));
        accept(new MapRemove("root", "k"));
        accept(new CounterCreate("counter:c", 0));
        accept(new ObjectDelete("counter:c"));
        long removed = Positions.millis(last);
        assertThat(collect(removed + GRACE - 1)).isEmpty();
        assertThat(objects.entry("root", "k")).isNotNull();
        assertThat(objects.object("counter:c")).isNotNull();
        assertThat(collect(removed + GRACE)).isEmpty();
        assertThat(objects.entry("root", "k")).isNull();
        assertThat(objects.object("counter:c")).isNull();
    }

    @Test
    void anObjectToWhichNothingLeadsIsDeletedAfterTheGracePeriod() {
        accept(new CounterCreate("counter:child", 0));
        accept(new MapCreate("map:parent", Map.of("child", new Ref("counter:child"))));
        accept(new MapSet("map:parent", "self", new Ref("map:parent")));
        assertThat(collect(5000)).isEmpty();
        accept(new MapSet("root", "parent", new Ref("map:parent")));
        assertThat(collect(5000 + GRACE)).isEmpty();
        accept(new MapRemove("root", "parent"));
        assertThat(collect(8000)).isEmpty();
        assertThat(collect(8000 + GRACE - 1)).isEmpty();
        assertThat(collect(8000 + GRACE))
                .containsExactly(new ObjectDelete("counter:child"), new ObjectDelete("map:parent"));
        assertThat(objects.object("counter:child")).isInstanceOf(ObjectState.Deleted.class);
    }

    @Test
    void anObjectThatIsLedToAgainKeepsWhatIsBelowIt() {
        accept(new CounterCreate("counter:child", 0));
        accept(new MapCreate("map:parent", Map.of("child", new Ref("counter:child"))));
        collect(5000);
        accept(new MapSet("root", "parent", new Ref("map:parent")));
        accept(new MapRemove("root", "parent"));
        assertThat(collect(5000 + GRACE)).isEmpty();
        assertThat(objects.object("counter:child")).isInstanceOf(ObjectState.CounterState.class);
    }

    @Test
    void whereRoomIsScarceThingsAreForgottenSooner() {
        limits = new ObjectLimits(100, 100, 1000, 100_000, 24 * 60 * 60_000);
        for (int i = 0; i < 80; i++) {
            accept(new CounterCreate("counter:" + i, 0));
        }
        assertThat(collect(1000)).isEmpty();
        assertThat(collect(1000 + 3 * 60_000)).hasSize(80);
        assertThat(collect(1000 + 6 * 60_000)).isEmpty();
        assertThat(objects.objects()).isEmpty();
        accept(new CounterCreate("counter:a", 0));
        assertThat(collect(1000 + 7 * 60_000)).isEmpty();
        assertThat(collect(1000 + 10 * 60_000)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anyHistoryEndsAsTheModelDoes(long seed) {
        Random random = new Random(seed);
        limits = new ObjectLimits(20, 8, 1000, 100_000, GRACE);
        ObjectModel model = new ObjectModel(limits);
        for (int i = 0; i < 2000; i++) {
            List<ObjectOperation> operations = IntStream.rangeClosed(0, random.nextInt(3))
                    .mapToObj(n -> ObjectModel.anyOperation(random))
                    .toList();
            assertThat(change(operations)).as("%s", operations).isEqualTo(model.change(operations));
            model.assertSame(objects);
        }
    }

    @Test
    void rowsAndOperationsComeBackAsTheyWere() {
        Random random = new Random(5);
        for (int i = 0; i < 2000; i++) {
            ObjectModel.assertRoundTrips(random);
        }
    }

    private @Nullable ObjectValue value(String map, String key) {
        MapEntry entry = objects.entry(map, key);
        return entry == null ? null : entry.value();
    }

    private @Nullable ObjectRefusal change(List<ObjectOperation> operations) {
        ObjectFold fold = new ObjectFold(objects, limits);
        long position = last;
        for (ObjectOperation operation : operations) {
            position = Positions.next(position, 1000);
            ObjectRefusal refusal = fold.apply(position, operation);
            if (refusal != null) {
                return refusal;
            }
        }
        last = position;
        objects.write(fold.draft());
        return null;
    }

    private void accept(ObjectOperation... operations) {
        assertThat(change(List.of(operations))).isNull();
    }

    private Reason refused(ObjectOperation operation) {
        ObjectRefusal refusal = change(List.of(operation));
        assertThat(refusal).isNotNull();
        return refusal.reason();
    }

    private List<ObjectDelete> collect(long time) {
        ObjectFold fold = new ObjectFold(objects, limits);
        List<ObjectDelete> orphans = fold.collect(time);
        for (ObjectDelete orphan : orphans) {
            last = Positions.next(last, time);
            assertThat(fold.apply(last, orphan)).isNull();
        }
        objects.write(fold.draft());
        return orphans;
    }
}
