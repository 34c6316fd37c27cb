package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.journal.LocalLog;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How much a replay takes at a time. What it comes to is the simulation's to show. */
class RecoveryTest {
    private static final int RECORD_BYTES = 3 << 20;
    private static final long TIME = 1_000_000;

    @TempDir
    Path folder;

    @Test
    void aReplayNeverHoldsMoreThanAFewLargeCommands() throws IOException {
        Append append = new Append("s", TIME, "text/plain", Payload.ofBytes(new byte[RECORD_BYTES]), false, null, null);
        try (LocalJournal journal = journal()) {
            journal.replay(0, (position, bytes) -> {});
            write(journal, new Create("s", TIME, "text/plain", -1, -1, false, Payload.empty(), null));
            for (int i = 0; i < 10; i++) {
                write(journal, append);
            }
        }
        SimulatedStore store = new SimulatedStore();
        Streams streams = new Streams(store, 10);
        Sessions sessions = new Sessions(store, 10);
        CallbackFailures failures = failure -> {
            throw new AssertionError("nobody is told of a replay", failure);
        };
        Delivery delivery =
                new Delivery(streams, sessions, failures, Memory.ofHeap().windows());
        Projections projections = new Projections(
                streams, new Subscriptions(store, Memory.ofHeap().subscriptions()), sessions, delivery);
        Shard shard = new Shard(0, store, projections, release -> {}, failures);
        try (LocalJournal journal = journal()) {
            assertThat(Recovery.run(new LocalLog(journal), List.of(shard)).commands())
                    .isEqualTo(11);
        }
        assertThat(Objects.requireNonNull(streams.find("s")).tail()).isEqualTo(10L * RECORD_BYTES);
        assertThat(store.batches())
                .allSatisfy(batch -> assertThat(entries(batch)).isLessThanOrEqualTo(3));
        assertThat(store.batches()).as("not one by one").hasSizeLessThan(6);
    }

    private static long entries(List<Change> batch) {
        return batch.stream()
                .filter(change -> change instanceof Change.Put put && put.table() == Table.ENTRIES)
                .count();
    }

    private LocalJournal journal() throws IOException {
        return new LocalJournal(new FolderDisk(folder), 16 << 20, 4 << 20, Runnable::run);
    }

    private static void write(LocalJournal journal, StreamCommand<?> command) throws IOException {
        BinaryWriter encoded = new BinaryWriter(4096);
        CommandCodec.write(command, encoded);
        journal.append(encoded.view());
        journal.sync();
    }
}
