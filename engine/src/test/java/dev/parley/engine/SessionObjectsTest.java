package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectRefusal;
import dev.parley.engine.session.ObjectRefusal.Reason;
import dev.parley.engine.session.ObjectValue.Numeric;
import dev.parley.engine.session.ObjectValue.Ref;
import dev.parley.engine.session.ObjectValue.Text;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.ChangeObjects;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.ObjectOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.ObjectRefused;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.object.MapEntry;
import dev.parley.engine.session.object.ObjectModel;
import dev.parley.engine.session.object.ObjectState;
import dev.parley.engine.session.object.SharedObjects.ObjectPage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Objects of sessions in the whole engine, on RocksDB and real files. */
@Timeout(60)
class SessionObjectsTest extends SmallEngine {
    private static final SessionName NAME = new SessionName("app", "room");
    private static final ObjectLimits LIMITS = new ObjectLimits(20, 8, 1000, 100_000, 1_000_000);

    private SessionOutcome change(@Nullable Sender sender, List<ObjectOperation> operations) throws Exception {
        List<ObjectOp> ops = operations.stream()
                .map(operation -> new ObjectOp("id", false, "ann", "c1", null, operation))
                .toList();
        return submit(new ChangeObjects(NAME, TIME, sender, ops, LIMITS));
    }

    private SessionOutcome change(ObjectOperation... operations) throws Exception {
        return change(null, List.of(operations));
    }

    private SessionOutcome changeOnce(String id, ObjectOperation... operations) throws Exception {
        List<ObjectOp> ops = Arrays.stream(operations)
                .map(operation -> new ObjectOp(id, true, null, null, null, operation))
                .toList();
        return submit(new ChangeObjects(NAME, TIME, null, ops, LIMITS));
    }

    private SessionState state() {
        return Objects.requireNonNull(engine.sessions().find(NAME));
    }

    private double count(String counter) {
        ObjectState found = engine.sessions().objects().read(state(), objects -> objects.object(counter));
        assertThat(found).isInstanceOf(ObjectState.CounterState.class);
        return ((ObjectState.CounterState) found).count();
    }

    private static List<ObjectOperation> changes(SessionTail tail) {
        List<ObjectOperation> changes = new ArrayList<>();
        while (tail.poll(1 << 20) instanceof SessionTail.More more) {
            more.entries().forEach(entry -> {
                if (entry instanceof ObjectEntry change) {
                    changes.add(change.operation());
                }
            });
        }
        return changes;
    }

    @Test
    void objectsStandInTheOneOrderAndStayAcrossARestart() throws Exception {
        SessionTail live = engine.delivery().tail(NAME, null, false, () -> {});
        SessionOutcome made = change(new CounterCreate("counter:a", 1), new MapSet("root", "a", new Ref("counter:a")));
        assertThat(made).isEqualTo(new Accepted(List.of(Positions.of(TIME, 0), Positions.of(TIME, 1))));
        var message = new MessageOp.Create(null, false, "ann", "c1", new Body(null, Data.of("hi"), null, null), false);
        submit(new Publish(NAME, TIME, null, List.of(message)));
        assertThat(change(new CounterInc("counter:a", 2))).isEqualTo(new Accepted(List.of(Positions.of(TIME, 3))));
        assertThat(changes(live))
                .containsExactly(
                        new CounterCreate("counter:a", 1),
                        new MapSet("root", "a", new Ref("counter:a")),
                        new CounterInc("counter:a", 2));
        assertThat(live.position()).isEqualTo(state().last());
        live.close();
        close();
        open();
        assertThat(count("counter:a")).isEqualTo(3);
        assertThat(state().last()).isEqualTo(Positions.of(TIME, 3));
    }

    @Test
    void aRequestThatIsSentAgainIsDoneOnce() throws Exception {
        change(new CounterCreate("counter:a", 0));
        SessionOutcome first = change(new Sender("c1", 0, 7), List.of(new CounterInc("counter:a", 5)));
        assertThat(change(new Sender("c1", 0, 7), List.of(new CounterInc("counter:a", 5))))
                .isEqualTo(first);
        close();
        open();
        assertThat(change(new Sender("c1", 0, 7), List.of(new CounterInc("counter:a", 5))))
                .isEqualTo(first);
        assertThat(count("counter:a")).isEqualTo(5);
    }

    @Test
    void whatHasAnIdOfItsOwnIsDoneOnce() throws Exception {
        change(new CounterCreate("counter:a", 0), new CounterCreate("counter:b", 0));
        SessionOutcome first = changeOnce("mine", new CounterInc("counter:a", 5), new CounterInc("counter:b", 6));
        SessionOutcome again = changeOnce("mine", new CounterInc("counter:a", 5));
        assertThat(again).isInstanceOf(Accepted.class);
        assertThat(((Accepted) first).positions()).containsAll(((Accepted) again).positions());
        changeOnce("other", new CounterInc("counter:a", 1));
        assertThat(count("counter:a")).isEqualTo(6);
        assertThat(count("counter:b")).isEqualTo(6);
    }

    @Test
    void aRefusedCommandChangesNothing() throws Exception {
        SessionOutcome refused = change(new MapSet("root", "k", new Text("v")), new CounterInc("counter:none", 1));
        assertThat(refused).isEqualTo(new ObjectRefused(new ObjectRefusal(Reason.NOT_FOUND, "counter:none")));
        assertThat(engine.sessions().find(NAME)).isNull();
        assertThat(engine.sessions().objects().page(NAME, null, 1000).parts())
                .singleElement()
                .satisfies(part -> assertThat(part.object()).isEqualTo(ObjectState.MapState.ROOT));
    }

    @Test
    void whatNothingLeadsToIsDeletedInTheLog() throws Exception {
        long later = TIME + 2 * LIMITS.graceMillis();
        change(new CounterCreate("counter:a", 0), new MapSet("root", "k", new Numeric(1)), new MapRemove("root", "k"));
        SessionTail live = engine.delivery().tail(NAME, null, false, () -> {});
        for (long time : new long[] {TIME + LIMITS.graceMillis() / 2, later}) {
            var op = new ObjectOp(null, false, null, null, null, new MapSet("root", "t", new Numeric(time)));
            submit(new ChangeObjects(NAME, time, null, List.of(op), LIMITS));
        }
        assertThat(changes(live)).endsWith(new ObjectDelete("counter:a")).hasSize(3);
        assertThat(engine.sessions()
                        .objects()
                        .read(state(), objects -> objects.entries("root"))
                        .keySet())
                .containsExactly("t");
        live.close();
    }

    @Test
    void aRemovedSessionTakesItsObjectsWithIt() throws Exception {
        changeOnce("mine", new CounterCreate("counter:a", 0));
        submit(new Remove(NAME, TIME));
        changeOnce("mine", new MapSet("root", "k", new Numeric(1)));
        assertThat(engine.sessions()
                        .objects()
                        .read(state(), objects -> objects.objects())
                        .keySet())
                .containsExactly("root");
    }

    @Test
    void aReaderWhoseChangesAreNoLongerInMemoryIsTold() throws Exception {
        change(new CounterCreate("counter:a", 0));
        SessionTail tail = engine.delivery().tail(NAME, null, false, () -> {});
        for (int i = 0; i < 100; i++) {
            change(IntStream.range(0, 20)
                    .mapToObj(n -> new CounterInc("counter:a", 1))
                    .toArray(ObjectOperation[]::new));
        }
        assertThat(tail.poll(1000)).isInstanceOf(SessionTail.InStore.class);
        assertThat(tail.takeObjectGap()).isFalse();
        tail.readStore(1000);
        assertThat(tail.takeObjectGap()).isTrue();
        assertThat(tail.takeObjectGap()).isFalse();
        assertThat(tail.position()).isEqualTo(state().last());
        tail.close();
    }

    @Test
    void anyHistoryEndsAsTheModelDoesAcrossResendsAndRestarts() throws Exception {
        Random random = new Random(11);
        ObjectModel model = new ObjectModel(LIMITS);
        long serial = 0;
        for (int i = 0; i < 600; i++) {
            List<ObjectOperation> operations = IntStream.rangeClosed(0, random.nextInt(3))
                    .mapToObj(n -> ObjectModel.anyOperation(random))
                    .toList();
            Sender sender = new Sender("c1", 0, serial++);
            SessionOutcome outcome = change(sender, operations);
            ObjectRefusal refusal = model.change(operations);
            if (refusal == null) {
                assertThat(outcome).isInstanceOf(Accepted.class);
            } else {
                assertThat(outcome).isEqualTo(new ObjectRefused(refusal));
            }
            if (random.nextInt(150) == 0) {
                close();
                open();
            }
            if (outcome instanceof Accepted && random.nextInt(4) == 0) {
                assertThat(change(sender, operations)).isEqualTo(outcome);
            }
        }
        engine.sessions().objects().read(state(), objects -> {
            model.assertSame(objects);
            Map<String, ObjectState> paged = new TreeMap<>();
            Map<String, Map<String, MapEntry>> entries = new TreeMap<>();
            byte @Nullable [] from = null;
            do {
                ObjectPage page = engine.sessions().objects().page(NAME, from, 100);
                page.parts().forEach(part -> {
                    paged.put(part.object().id(), part.object());
                    entries.computeIfAbsent(part.object().id(), id -> new TreeMap<>())
                            .putAll(part.entries());
                });
                from = page.next();
            } while (from != null);
            assertThat(paged).isEqualTo(objects.objects());
            paged.keySet().forEach(id -> assertThat(entries.get(id)).isEqualTo(objects.entries(id)));
            return null;
        });
    }
}
