package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.journal.LocalLog;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Pinned;
import dev.parley.engine.stream.StreamCommand.Span;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How much a replay takes at a time, and in which order. What it comes to is the simulation's to show. */
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
        assertThat(replay(store, streams, 1)).isEqualTo(11);
        assertThat(Objects.requireNonNull(streams.find("s")).tail()).isEqualTo(10L * RECORD_BYTES);
        assertThat(store.batches())
                .allSatisfy(batch -> assertThat(entries(batch)).isLessThanOrEqualTo(3));
        assertThat(store.batches()).as("not one by one").hasSizeLessThan(6);
    }

    /** A pin of format 1 looks at an entry of another shard, so the order across shards counts. */
    @Test
    void aReplayFollowsTheOrderAcrossShards() throws IOException {
        String source = pathIn(0);
        String fork = pathIn(1);
        Payload payload = Payload.ofBytes("abcdef".getBytes(StandardCharsets.US_ASCII));
        try (LocalJournal journal = journal()) {
            journal.replay(0, (position, bytes) -> {});
            long id = write(journal, new Create(source, TIME, "text/plain", -1, -1, false, payload, null));
            write(journal, new Pin(source, TIME, "pin", fork, new Place.Start(), 6));
            Span inherited = new Span(id, source.hashCode(), 0, 6);
            Pinned pin = new Pinned("pin", 6, "text/plain", -1, -1, id, List.of(inherited));
            Fork of = new Fork(source, new Place.Start(), 6, pin);
            write(journal, new Create(fork, TIME, null, -1, -1, false, Payload.empty(), of));
            Place inside = new Place.Named(id, source.hashCode(), 2);
            write(journal, new Pin(fork, TIME, "other pin", "grandchild", inside, 2));
        }
        SimulatedStore store = new SimulatedStore();
        Streams streams = new Streams(store, 10);
        assertThat(replay(store, streams, 2)).isEqualTo(4);
        assertThat(Objects.requireNonNull(streams.find(fork)).pins()).isEqualTo(1);
    }

    private static String pathIn(int shard) {
        return Stream.iterate(0, i -> i + 1)
                .map(i -> "s" + i)
                .filter(path -> Shard.indexOf(new Touch(path, TIME), 2) == shard)
                .findFirst()
                .orElseThrow();
    }

    /** Replays the journal into {@code store}, and returns how many commands it had. */
    private long replay(SimulatedStore store, Streams streams, int shardCount) throws IOException {
        Sessions sessions = new Sessions(store, 10);
        CallbackFailures failures = failure -> {
            throw new AssertionError("nobody is told of a replay", failure);
        };
        Delivery delivery =
                new Delivery(streams, sessions, failures, Memory.ofHeap().windows());
        Projections projections = new Projections(
                streams,
                new Subscriptions(store, Memory.ofHeap().subscriptions()),
                sessions,
                new Registry(store),
                delivery);
        List<Shard> shards = new ArrayList<>();
        for (int i = 0; i < shardCount; i++) {
            shards.add(new Shard(i, store, projections, release -> {}, failures));
        }
        try (LocalJournal journal = journal()) {
            return Recovery.run(new LocalLog(journal), shards).commands();
        }
    }

    private static long entries(List<Change> batch) {
        return batch.stream()
                .filter(change -> change instanceof Change.Put put && put.table() == Table.ENTRIES)
                .count();
    }

    private LocalJournal journal() throws IOException {
        return new LocalJournal(new FolderDisk(folder), 16 << 20, 4 << 20, Runnable::run);
    }

    private static long write(LocalJournal journal, StreamCommand<?> command) throws IOException {
        BinaryWriter encoded = new BinaryWriter(4096);
        CommandCodec.write(command, encoded);
        long position = journal.append(encoded.view());
        journal.sync();
        return position;
    }
}
