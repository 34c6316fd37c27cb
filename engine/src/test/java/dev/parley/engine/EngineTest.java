package dev.parley.engine;

import static dev.parley.engine.Outcomes.submit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.CorruptJournalException;
import dev.parley.engine.journal.FaultyDisk;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamOutcome.Appended;
import dev.parley.engine.stream.StreamOutcome.Created;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionConfig;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole engine with its threads, on RocksDB and real files. */
@Timeout(60)
class EngineTest {
    private static final int SHARDS = 3;
    private static final long TIME = 1_000_000;

    @TempDir
    Path folder;

    private EngineOptions options() {
        return options(folder);
    }

    private static EngineOptions options(Path folder) {
        return new EngineOptions(
                folder, SHARDS, 64 << 10, 16 << 10, 8 << 20, 8 << 20, 100, 1000, new Memory(8 << 20, Map.of()), 0);
    }

    private FaultyDisk disk() throws IOException {
        return new FaultyDisk(new FolderDisk(folder.resolve("journal")));
    }

    private static Create create(String path) {
        return new Create(
                path, TIME, "text/plain", StreamCommand.NONE, StreamCommand.NONE, false, Payload.empty(), null);
    }

    private static Append append(String path, String text) {
        return new Append(path, TIME, "text/plain", bytes(text), false, null, null);
    }

    private static Payload bytes(String text) {
        return Payload.ofBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    private static StreamState find(Engine engine, String path) {
        return Objects.requireNonNull(engine.streams().find(path));
    }

    private static String content(Engine engine, String path) {
        return engine.streams().read(find(engine, path), 0, Long.MAX_VALUE).stream()
                .map(EngineTest::text)
                .collect(Collectors.joining());
    }

    private static String text(Entry entry) {
        return new String(entry.payload().bytes(), StandardCharsets.UTF_8);
    }

    private static void assertFailsWith(Class<? extends Exception> type, Future<?> answer) {
        assertThatThrownBy(answer::get).isInstanceOf(ExecutionException.class).hasCauseInstanceOf(type);
    }

    @Test
    void aFolderHasOneIdentityUntilItIsGivenAnother() throws Exception {
        Identities first;
        try (Engine engine = Engine.open(options())) {
            first = engine.identities();
            assertThat(first.first()).isTrue();
            assertThat(first.values()).hasSize(1);
        }
        try (Engine engine = Engine.open(options())) {
            assertThat(engine.identities()).isEqualTo(first);
            engine.identify();
            assertThat(engine.identities().values()).hasSize(2).startsWith(first.newest());
        }
        try (Engine engine = Engine.open(options())) {
            assertThat(engine.identities().wasRestored()).isTrue();
            assertThat(engine.identities().first()).isTrue();
        }
    }

    /** A journal as the program wrote it before offsets named incarnations. */
    @Test
    void aFolderOfBeforeIdentitiesGetsOneAndItsStreamsKeepTheirOffsets() throws Exception {
        Files.createDirectories(folder);
        try (LocalJournal journal = new LocalJournal(
                new FolderDisk(folder.resolve("journal")),
                options().segmentBytes(),
                options().maxRecordBytes(),
                Runnable::run)) {
            journal.replay(0, (at, bytes) -> {});
            HexFormat hex = HexFormat.of();
            // PUT s (text/plain) with the body "one", and a fork f of it from position 1 on.
            long source = journal.append(ByteBuffer.wrap(hex.parseHex("0201" + "0173" + "07" + "010a"
                    + "746578742f706c61696e" + "00" + "00" + "00" + "00" + "04" + "006f6e65")));
            journal.append(ByteBuffer.wrap(hex.parseHex("0601" + "0173" + "07" + "0170" + "0166" + "02" + "00")));
            String pinned = "01" + "0170" + "01" + "0a" + "746578742f706c61696e" + "00" + "00"
                    + "%016x".formatted(source) + "01" + "%016x".formatted(source) + "00" + "01";
            journal.append(ByteBuffer.wrap(hex.parseHex(
                    "0201" + "0166" + "07" + "00" + "00" + "00" + "00" + "01" + "0173" + "02" + "00" + pinned + "00")));
            journal.sync();
        }
        try (Engine engine = Engine.open(options())) {
            Identities identities = engine.identities();
            assertThat(identities.first()).isFalse();
            StreamState s = Objects.requireNonNull(engine.streams().find("s"));
            StreamState f = Objects.requireNonNull(engine.streams().find("f"));
            assertThat(s.id()).isLessThan(identities.since());
            assertThat(new Place.Unnamed(identities.since(), 2).in(s)).isEqualTo(new Place.At(2));
            assertThat(new Place.Unnamed(identities.since(), 4).in(s)).isEqualTo(new Place.Beyond(3));
            assertThat(new Place.Unnamed(identities.since(), 1).in(f)).isEqualTo(new Place.At(1));
            assertThat(submit(engine, new Delete("f", TIME)).get()).isInstanceOf(StreamOutcome.Done.class);
            assertThat(submit(engine, create("f")).get()).isInstanceOf(Created.class);
            assertThat(new Place.Unnamed(identities.since(), 1)
                            .in(Objects.requireNonNull(engine.streams().find("f"))))
                    .isEqualTo(new Place.Earlier());
        }
    }

    @Test
    void aRestartKeepsEverything() throws Exception {
        Append first = new Append("s", TIME, "text/plain", bytes("one"), false, new ProducerTag("p", 3, 0), "seq1");
        try (Engine engine = Engine.open(options())) {
            assertThat(submit(engine, create("s")).get()).isInstanceOf(Created.class);
            assertThat(submit(engine, first).get())
                    .isEqualTo(new Appended(
                            Objects.requireNonNull(engine.streams().find("s")).id(), 3, false, 3, 0));
            Create fork = new Create(
                    "fork", TIME, null, -1, -1, false, bytes("!"), new Fork("s", new Place.Start(), 2, null));
            assertThat(submit(engine, fork).get()).isInstanceOf(Created.class);
            submit(engine, append("s", "two")).get();
            assertThat(submit(engine, new Delete("s", TIME)).get()).isEqualTo(new StreamOutcome.Done());
            submit(engine, create("t")).get();
        }
        try (Engine engine = Engine.open(options())) {
            engine.mend(TIME);
            assertThat(content(engine, "fork")).isEqualTo("on!");
            assertThat(find(engine, "s").deleted()).isTrue();
            assertThat(find(engine, "t").tail()).isZero();
            submit(engine, append("t", "more")).get();
            submit(engine, new Delete("fork", TIME)).get();
        }
        try (Engine engine = Engine.open(options())) {
            assertThat(engine.streams().find("s")).as("gone with its last fork").isNull();
            assertThat(content(engine, "t")).isEqualTo("more");
            assertThat(engine.streams().releases()).isEmpty();
        }
    }

    @Test
    void aFolderBelongsToOneEngine() throws Exception {
        Engine engine = Engine.open(options());
        assertThatThrownBy(() -> Engine.open(options()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("in use by another");
        submit(engine, create("s")).get();
        engine.close();
        Engine.open(options()).close();
    }

    @Test
    void aFailedSyncStopsTheEngineAndAnswersNothing() throws Exception {
        FaultyDisk disk = disk();
        Engine engine = Engine.open(options(), disk);
        submit(engine, create("s")).get();
        submit(engine, append("s", "acknowledged.")).get();
        disk.failing(true);
        CompletableFuture<?> unsure = submit(engine, append("s", "unsure."));
        assertFailsWith(EngineStoppedException.class, unsure);
        assertThat(engine.failure().get()).hasMessageContaining("pretend");
        assertThat(content(engine, "s")).as("not shown").isEqualTo("acknowledged.");
        disk.failing(false);
        assertFailsWith(EngineStoppedException.class, submit(engine, append("s", "too late.")));
        assertThatThrownBy(engine::checkpoint).isInstanceOf(IOException.class);
        engine.close();
        try (Engine next = Engine.open(options())) {
            assertThat(content(next, "s")).isIn("acknowledged.", "acknowledged.unsure.");
        }
    }

    @Test
    void moreThanCanWaitIsRefused() throws Exception {
        FaultyDisk disk = disk();
        try (Engine engine = Engine.open(options(), disk)) {
            submit(engine, create("s")).get();
            List<CompletableFuture<?>> accepted = new ArrayList<>();
            CompletableFuture<?> refused;
            disk.held().lock();
            try {
                do {
                    refused = submit(engine, append("s", "x"));
                    accepted.add(refused);
                } while (!refused.isDone());
            } finally {
                disk.held().unlock();
            }
            assertFailsWith(OverloadedException.class, refused);
            accepted.removeLast();
            assertThat(accepted).hasSize(1000);
            for (CompletableFuture<?> answer : accepted) {
                assertThat(answer.get()).isInstanceOf(Appended.class);
            }
            assertThat(find(engine, "s").tail()).isEqualTo(1000);
            assertThat(engine.waiting()).isZero();

            disk.held().lock();
            try {
                CompletableFuture<?> large = submit(engine, append("s", "x".repeat(1 << 20)));
                assertFailsWith(OverloadedException.class, large);
            } finally {
                disk.held().unlock();
            }
        }
    }

    @Test
    void whoWaitsForRoomHearsOfItOnceTheEngineIsNotBusy() throws Exception {
        FaultyDisk disk = disk();
        try (Engine engine = Engine.open(options(), disk)) {
            submit(engine, create("s")).get();
            Semaphore told = new Semaphore(0);
            List<CompletableFuture<?>> accepted = new ArrayList<>();
            disk.held().lock();
            try {
                while (!engine.isBusy()) {
                    accepted.add(submit(engine, append("s", "x")));
                }
                engine.whenRoom(told::release);
                assertThat(told.availablePermits()).as("while it is busy").isZero();
            } finally {
                disk.held().unlock();
            }
            assertThat(told.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
            for (CompletableFuture<?> answer : accepted) {
                assertThat(answer.get()).isInstanceOf(Appended.class);
            }
            assertThat(told.availablePermits()).as("told once").isZero();
        }
    }

    @Test
    void aPinThatThereWasNoRoomToGiveBackIsGivenBackLater() throws Exception {
        int maxWaiting = 1;
        EngineOptions narrow = new EngineOptions(
                folder, 1, 64 << 10, 16 << 10, 8 << 20, 8 << 20, 100, maxWaiting, new Memory(8 << 20, Map.of()), 0);
        try (Engine engine = Engine.open(narrow)) {
            submit(engine, create("s")).get();
            submit(
                            engine,
                            new Create(
                                    "fork",
                                    TIME,
                                    null,
                                    -1,
                                    -1,
                                    false,
                                    Payload.empty(),
                                    new Fork("s", new Place.Start(), 0, null)))
                    .get();
            assertThat(find(engine, "s").pins()).isEqualTo(1);
            // Whoever hears of the end of the fork takes the only place before the pin can have it.
            CompletableFuture<Future<StreamOutcome.OfAppend>> taken = new CompletableFuture<>();
            engine.submit(new Delete("fork", TIME), new Reply<>() {
                @Override
                public void done(StreamOutcome.OfDelete outcome) {
                    taken.complete(submit(engine, append("s", "x")));
                }

                @Override
                public void failed(Exception failure) {
                    taken.completeExceptionally(failure);
                }
            });
            assertThat(taken.get().get()).isInstanceOf(Appended.class);
            assertThat(find(engine, "s").pins()).as("refused").isEqualTo(1);
            engine.sweep(TIME);
            await().untilAsserted(() -> assertThat(engine.streams().releases()).isEmpty());
            assertThat(find(engine, "s").pins()).isZero();
        }
    }

    @Test
    void aSweepEndsAsManyStreamsAsThereIsRoomFor() throws Exception {
        int maxWaiting = 8000;
        EngineOptions wide = new EngineOptions(
                folder, 1, 1 << 20, 16 << 10, 8 << 20, 8 << 20, 100, maxWaiting, new Memory(512 << 20, Map.of()), 0);
        try (Engine engine = Engine.open(wide)) {
            List<CompletableFuture<?>> created = new ArrayList<>();
            for (int i = 0; i < 2100; i++) {
                created.add(
                        submit(engine, new Create("s" + i, TIME, "text/plain", 100, -1, false, Payload.empty(), null)));
            }
            for (CompletableFuture<?> answer : created) {
                assertThat(answer.get()).isInstanceOf(Created.class);
            }
            engine.sweep(TIME + 1000);
            await().until(() -> engine.waiting() == 0);
            List<String> left = new ArrayList<>();
            engine.streams().forEach("", state -> left.add(state.path()));
            assertThat(left).as("a quarter of what may wait is gone").hasSize(100);
        }
    }

    @Test
    void aCommandTooLargeIsRefusedAlone() throws Exception {
        try (Engine engine = Engine.open(options())) {
            submit(engine, create("s")).get();
            assertFailsWith(CommandTooLargeException.class, submit(engine, append("s", "x".repeat(20 << 10))));
            submit(engine, append("s", "small")).get();
            assertThat(content(engine, "s")).isEqualTo("small");
        }
    }

    @Test
    void aFullDiskRefusesAndLosesNothing() throws Exception {
        FaultyDisk disk = disk();
        StringBuilder expected = new StringBuilder();
        try (Engine engine = Engine.open(options(), disk)) {
            submit(engine, create("s")).get();
            disk.full(true);
            int refused = 0;
            for (int i = 0; i < 60; i++) {
                String text = i + "x".repeat(5000);
                try {
                    submit(engine, append("s", text)).get();
                    expected.append(text);
                } catch (ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(StorageFullException.class).hasMessageContaining("disk is full");
                    refused++;
                }
            }
            assertThat(refused).isPositive();
            disk.full(false);
            submit(engine, append("s", "room again")).get();
            expected.append("room again");
        }
        try (Engine engine = Engine.open(options())) {
            assertThat(content(engine, "s")).isEqualTo(expected.toString());
        }
    }

    @Test
    void aCheckpointFreesTheJournal() throws Exception {
        try (Engine engine = Engine.open(options())) {
            submit(engine, create("s")).get();
            for (int i = 0; i < 50; i++) {
                submit(engine, append("s", "x".repeat(10_000))).get();
            }
            assertThat(journalFiles()).isGreaterThan(5);
            engine.checkpoint();
            assertThat(journalFiles())
                    .as("the one that is written, and the next one")
                    .isLessThanOrEqualTo(2);
        }
        try (Engine engine = Engine.open(options())) {
            assertThat(find(engine, "s").tail()).isEqualTo(500_000);
        }
    }

    private long journalFiles() throws IOException {
        try (var files = Files.list(folder.resolve("journal"))) {
            return files.count();
        }
    }

    @Test
    void whatCallbacksThrowStopsNeitherTheEngineNorThoseBehindThem() throws Exception {
        FaultyDisk disk = disk();
        try (Engine engine = Engine.open(options(), disk)) {
            submit(engine, create("s")).get();
            SubscriptionConfig wakes =
                    new SubscriptionConfig(new SubscriptionConfig.PullWake("wakes"), "s", List.of(), 60_000, null);
            submit(engine, new SubscriptionCommand.Create("sub", TIME, wakes, "http://localhost", null, List.of()))
                    .get();
            engine.subscriptions().watch(new Subscriptions.Watcher() {
                @Override
                public void streamsChanged(Collection<String> paths) {
                    throw new AssertionError("we pretend that the watcher has a fault");
                }

                @Override
                public void subscriptionsChanged(Collection<String> ids) {}
            });
            Semaphore heard = new Semaphore(0);
            StreamState state = find(engine, "s");
            try (Tail first = engine.delivery().tail(state, 0, () -> {
                        throw new IllegalStateException("we pretend that a reader has a fault");
                    });
                    Tail second = engine.delivery().tail(state, 0, heard::release)) {
                engine.submit(append("s", "one"), new FaultyReply());
                assertThat(heard.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
                assertThat(first).isNotNull();
                assertThat(second).isNotNull();
            }
            submit(engine, append("s", "two")).get();
            disk.full(true);
            FaultyReply refused = new FaultyReply();
            while (refused.failures.get() == 0) {
                engine.submit(append("s", "x".repeat(5000)), refused);
                await().until(() -> engine.waiting() == 0);
            }
            disk.full(false);
            submit(engine, append("s", "three")).get();
            assertThat(content(engine, "s")).startsWith("onetwo").endsWith("three");
            assertThat(engine.failure()).isNotDone();
            assertThat(engine.totals().callbackFailures())
                    .as("the reader, the watcher each time, and replies")
                    .isGreaterThanOrEqualTo(5);
        }
    }

    private static final class FaultyReply implements Reply<StreamOutcome.OfAppend> {
        private final AtomicInteger failures = new AtomicInteger();

        @Override
        public void done(StreamOutcome.OfAppend outcome) {
            throw new IllegalStateException("we pretend that a door has a fault");
        }

        @Override
        public void failed(Exception failure) {
            failures.incrementAndGet();
            throw new IllegalStateException("we pretend that a door has a fault", failure);
        }
    }

    @Test
    void damageIsNamedAndNotServed() throws Exception {
        FaultyDisk disk = disk();
        Engine engine = Engine.open(options(), disk);
        submit(engine, create("s")).get();
        submit(engine, append("s", "acknowledged")).get();
        submit(engine, append("s", "acknowledged too")).get();
        disk.failing(true);
        assertFailsWith(EngineStoppedException.class, submit(engine, append("s", "lost")));
        engine.close();
        Path segment = folder.resolve("journal/00000000000000000000.journal");
        byte[] bytes = Files.readAllBytes(segment);
        byte[] damaged = bytes.clone();
        damaged[64 + 20] ^= 1;
        Files.write(segment, damaged);
        assertThatThrownBy(() -> Engine.open(options()))
                .isInstanceOf(CorruptJournalException.class)
                .hasMessageContaining("damaged at position 64");
        Files.write(segment, bytes);
        try (Engine repaired = Engine.open(options())) {
            assertThat(content(repaired, "s")).startsWith("acknowledgedacknowledged too");
        }
    }

    @Test
    void aStoreWithoutItsJournalIsNotServed() throws Exception {
        try (Engine engine = Engine.open(options())) {
            submit(engine, create("s")).get();
        }
        Path journal = folder.resolve("journal");
        Files.move(journal, folder.resolve("elsewhere"));
        assertThatThrownBy(() -> Engine.open(options()))
                .isInstanceOf(CorruptJournalException.class)
                .hasMessageContaining("is missing");
        Files.delete(journal);
        Files.move(folder.resolve("elsewhere"), journal);
        Engine.open(options()).close();
    }

    @Test
    void aStoreAheadOfItsJournalIsNotServedInWhicheverShard() throws Exception {
        Path segment = folder.resolve("journal/00000000000000000000.journal");
        try (Engine engine = Engine.open(options())) {
            submit(engine, create("s")).get();
        }
        byte[] old = Files.readAllBytes(segment);
        FaultyDisk disk = disk();
        Engine engine = Engine.open(options(), disk);
        submit(engine, append("s", "in the store only")).get();
        disk.failing(true);
        assertFailsWith(EngineStoppedException.class, submit(engine, append("s", "lost")));
        engine.close();
        Files.write(segment, old);
        assertThatThrownBy(() -> Engine.open(options()))
                .isInstanceOf(CorruptJournalException.class)
                .hasMessageContaining("the store reflects the journal up to position");
    }

    /** Writers, a checkpointer and readers of all kinds at once: every reader gets every entry once and in order. */
    @Test
    void tailsHaveNoSeam() throws Exception {
        List<String> paths = List.of("a", "b", "c");
        int writers = 4;
        int appends = 400;
        try (Engine engine = Engine.open(options());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (String path : paths) {
                submit(engine, create(path)).get();
            }
            List<Future<Void>> writing = new ArrayList<>();
            for (int w = 0; w < writers; w++) {
                int writer = w;
                writing.add(threads.submit(() -> {
                    for (int i = 0; i < appends; i++) {
                        submit(engine, append(paths.get(i % 3), writer + ":" + i + "x".repeat(i % 400) + ";"))
                                .get();
                    }
                    return null;
                }));
            }
            List<Future<String>> reading = new ArrayList<>();
            for (int r = 0; r < 12; r++) {
                int reader = r;
                reading.add(threads.submit(follow(engine, paths.get(r % 3), reader)));
            }
            for (int i = 0; i < 5; i++) {
                engine.checkpoint();
            }
            for (Future<Void> writer : writing) {
                writer.get();
            }
            for (String path : paths) {
                Append close = new Append(path, TIME, null, Payload.empty(), true, null, null);
                submit(engine, close).get();
            }
            for (int r = 0; r < reading.size(); r++) {
                assertThat(reading.get(r).get()).isEqualTo(content(engine, paths.get(r % 3)));
            }
            for (String path : paths) {
                assertThat(content(engine, path).split(";", -1))
                        .doesNotHaveDuplicates()
                        .hasSize((int) (writers
                                        * IntStream.range(0, appends)
                                                .filter(i -> paths.get(i % 3).equals(path))
                                                .count())
                                + 1);
            }
            assertThat(engine.delivery().topics()).isZero();
        }
    }

    /** Reads {@code path} to its end, leaving and coming back now and then. */
    private static Callable<String> follow(Engine engine, String path, int reader) {
        return () -> {
            SplittableRandom random = new SplittableRandom(reader);
            StringBuilder read = new StringBuilder();
            while (true) {
                Semaphore told = new Semaphore(0);
                long position = read.length();
                try (Tail tail =
                        Objects.requireNonNull(engine.delivery().tail(find(engine, path), position, told::release))) {
                    for (int turns = 1 + random.nextInt(50); turns > 0; turns--) {
                        Tail.Next next = tail.poll(1 + random.nextInt(5000));
                        if (next instanceof Tail.InStore) {
                            next = tail.readStore(1 + random.nextInt(5000));
                        }
                        switch (next) {
                            case Tail.More more -> {
                                assertThat(more.from()).isEqualTo(read.length());
                                more.entries().forEach(entry -> read.append(text(entry)));
                                assertThat(more.to()).isEqualTo(read.length());
                            }
                            case Tail.Nothing(StreamState state) -> {
                                if (state.closed()) {
                                    return read.toString();
                                }
                                assertThat(told.tryAcquire(30, TimeUnit.SECONDS))
                                        .isTrue();
                            }
                            default -> throw new AssertionError("unexpected: " + next);
                        }
                    }
                }
            }
        };
    }
}
