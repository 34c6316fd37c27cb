package dev.parley.engine.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.StoreException;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamMachine;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.StreamTx;
import dev.parley.engine.stream.Streams;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Opening tails, and what a store that fails does to it. What tails yield is the simulation's to show. */
class DeliveryTest {
    private static final long TIME = 1_000_000;

    private final FailingStore store = new FailingStore();
    private final Streams streams = new Streams(store, 0);
    private final Delivery delivery = new Delivery(
            streams,
            new Sessions(store, 0),
            failure -> {
                throw new AssertionError("no listener here throws", failure);
            },
            Memory.ofHeap().windows());
    private long position;

    private void apply(StreamCommand<?> command) {
        StoreTx rows = new StoreTx(store);
        StreamTx tx = new StreamTx(streams, rows);
        StreamMachine.apply(command, ++position, tx);
        rows.commit();
        delivery.show(tx);
    }

    private StreamState create() {
        apply(new Create("s", TIME, "text/plain", -1, -1, false, Payload.empty(), null));
        return Objects.requireNonNull(streams.find("s"));
    }

    @Test
    void aReaderWhoCannotBeLetInIsNotWaitedFor() {
        StreamState state = create();
        store.failing = true;
        assertThatThrownBy(() -> delivery.tail(state, 0, () -> {})).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> delivery.tail(new SessionName("app", "session"), null, false, () -> {}))
                .isInstanceOf(StoreException.class);
        assertThat(delivery.topics()).isZero();
    }

    @Test
    void whoJoinsOthersNeedsNothingFromTheStore() {
        StreamState state = create();
        try (Tail first = Objects.requireNonNull(delivery.tail(state, 0, () -> {}))) {
            apply(new Append("s", TIME, "text/plain", Payload.ofBytes(new byte[5]), false, null, null));
            store.failing = true;
            try (Tail second = Objects.requireNonNull(delivery.tail(state, 0, () -> {}))) {
                assertThat(second.state().tail()).isEqualTo(5);
                assertThat(second.poll(100)).isEqualTo(first.poll(100)).isInstanceOf(Tail.More.class);
            }
        }
        assertThat(delivery.topics()).isZero();
    }

    @Test
    void whoJoinsOthersAtTheEndIsToldSo() {
        StreamState state = create();
        try (Tail first = Objects.requireNonNull(delivery.tail(state, 0, () -> {}))) {
            apply(new Delete("s", TIME));
            assertThat(first.poll(100)).isEqualTo(new Tail.Ended());
            assertThat(delivery.tail(state, 0, () -> {})).isNull();
            assertThat(delivery.topics()).isEqualTo(1);
        }
        assertThat(delivery.topics()).isZero();
    }

    private static final class FailingStore implements Store {
        private final Store store = new SimulatedStore();
        private boolean failing;

        private Store working() {
            if (failing) {
                throw new StoreException("we pretend that the store cannot read", null);
            }
            return store;
        }

        @Override
        public byte @Nullable [] get(Table table, byte[] key) {
            return working().get(table, key);
        }

        @Override
        public Rows scan(Table table, byte[] from, byte[] to) {
            return working().scan(table, from, to);
        }

        @Override
        public Rows scanBackwards(Table table, byte[] from, byte[] to) {
            return working().scanBackwards(table, from, to);
        }

        @Override
        public Moment snapshot() {
            return working().snapshot();
        }

        @Override
        public void write(List<Change> batch) {
            working().write(batch);
        }

        @Override
        public void flush() {
            working().flush();
        }

        @Override
        public long newestChange() {
            return working().newestChange();
        }

        @Override
        public boolean purge(List<Range> ranges, long change) {
            return working().purge(ranges, change);
        }

        @Override
        public long unwrittenBytes() {
            return working().unwrittenBytes();
        }

        @Override
        public long memoryBytes() {
            return working().memoryBytes();
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
