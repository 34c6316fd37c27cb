package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.Committer.Submission;
import dev.parley.engine.CrashPoints.Crash;
import dev.parley.engine.Pipeline.ApplyStep;
import dev.parley.engine.Pipeline.Checkpoint;
import dev.parley.engine.Pipeline.CommitStep;
import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.Journal;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.journal.LocalLog;
import dev.parley.engine.life.Boot;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One simulated life of an engine: a few servers one after another on the same disk, each but the last ended by a crash.
 *
 * <p>Everything is the engine's own but its disk, its store and its threads, whose steps are taken one at a time in an
 * order drawn from the seed. The rules:
 *
 * <ul>
 *   <li>what a start finds in the journal begins like what was written and has everything that was ever answered;
 *   <li>every outcome, and everything that can be read, is the {@link Model}'s;
 *   <li>a tail gets every entry once and in order, and nothing that a crash takes away; of a session, what a reader
 *       puts together from it is what the model has;
 *   <li>replay of the whole journal into an empty store gives the same bytes.
 * </ul>
 */
final class History {
    /** A store that can be thrown back by a crash. */
    interface Storage {
        Store store();

        void crash(SplittableRandom random);
    }

    private static final long NODE = 0;
    private static final int SEGMENT_BYTES = 2048;
    private static final int MAX_RECORD_BYTES = 640;
    private static final int MAX_CRASH_POINTS = 400;
    private static final int MAX_STEPS = 150;

    /** After so many rounds whatever had no room has found it. */
    private static final int MAX_ROUNDS = 1_000;

    /** In which tables connections leave something that goes with them. */
    static final List<Table> LEFT_BY_CONNECTIONS =
            List.of(Table.MEMBERS, Table.REMEMBERED, Table.ATTENDANCES, Table.DEPARTURES, Table.ARRIVALS);

    /** Before and behind all keys of a table. */
    static final byte[] FIRST = {};

    static final byte[] LAST = new byte[32];

    static {
        Arrays.fill(LAST, (byte) 0xFF);
    }

    /** Here what callbacks throw is a failed check or a crash. */
    static final CallbackFailures RETHROW = failure -> {
        throw failure instanceof Error error ? error : new AssertionError(failure);
    };

    private final SplittableRandom random;
    private final Storage storage;
    private final Consumer<String> trace;
    private final CrashPoints points = new CrashPoints();
    private final SimulatedDisk disk = new SimulatedDisk(points);
    private final int shardCount;
    private final int maxCached;
    private final int maxRecent;
    private final long maxWindowBytes;
    private final int maxWaiting;
    private final long maxWaitingBytes;
    private final Chores.Portions portions;

    /** All that was ever written to the journal and not lost. */
    private final TreeMap<Long, byte[]> written = new TreeMap<>();

    private final Model model;
    private final StreamSide streamSide;
    private final SessionSide sessionSide;
    private final SubscriptionSide subscriptionSide;
    private final RegistrySide registrySide;
    /** Of so many commands how many are for sessions: all, none or some. */
    private final int sessionShare;
    /** Whether there are subscriptions to the streams. */
    private final boolean hasSubscriptions;
    /** Whether apps and revocations come and go. */
    private final boolean hasRegistry;
    /** Position of the newest command that is known to be durable. The model has come as far. */
    private long durable;

    /** What must become of commands that are durable and not applied, by position. */
    private final Map<Long, Expected> expected = new HashMap<>();

    private final List<Command<?>> sent = new ArrayList<>();
    private final List<Command<?>> unanswered = new ArrayList<>();
    private final List<Long> identities = new ArrayList<>();
    private long identifiedAt;
    private boolean first;
    private @Nullable Server running;
    private long now = 1_000_000;
    private int pins;

    History(long seed, Storage storage, Consumer<String> trace) {
        this.random = new SplittableRandom(seed);
        this.storage = storage;
        this.trace = trace;
        this.shardCount = 1 + random.nextInt(3);
        this.maxCached = 1 + random.nextInt(5);
        this.maxRecent = 1 + random.nextInt(20);
        this.maxWindowBytes = random.nextInt(3) == 0 ? random.nextInt(1000) : Long.MAX_VALUE;
        this.maxWaiting = random.nextInt(3) == 0 ? 1 + random.nextInt(8) : 1000;
        // Enough for the largest command alone, or it would be refused for ever.
        this.maxWaitingBytes = random.nextInt(4) == 0 ? 10_000 + random.nextInt(20_000) : Long.MAX_VALUE;
        this.portions = new Chores.Portions(
                1 + random.nextInt(3),
                1 + random.nextInt(10),
                10,
                1 + random.nextInt(10),
                1 + random.nextInt(4),
                random.nextInt(40));
        this.sessionShare = random.nextInt(3);
        this.hasSubscriptions = sessionShare < 2 && random.nextBoolean();
        this.streamSide = new StreamSide(random, trace, this::meanwhile);
        this.model = streamSide.model();
        this.sessionSide = new SessionSide(NODE, random, trace, this::meanwhile);
        this.subscriptionSide = new SubscriptionSide("w", random, StreamSide.PATHS);
        this.hasRegistry = random.nextInt(3) == 0;
        this.registrySide = new RegistrySide(random);
    }

    void run() throws IOException {
        for (int crashes = random.nextInt(7); crashes > 0; crashes--) {
            // Short lives are the dangerous ones: what the last one left is not tidied up yet.
            liveUntilCrash(random.nextInt(1 + random.nextInt(MAX_CRASH_POINTS)));
        }
        liveUntilCrash(Long.MAX_VALUE);
        points.restart(Long.MAX_VALUE);
        end(start());
    }

    /** What the journal had in the end, by position. */
    NavigableMap<Long, byte[]> written() {
        return written;
    }

    private void liveUntilCrash(long crashPoint) throws IOException {
        points.restart(crashPoint);
        try {
            Server server = start();
            retry(server);
            for (int steps = random.nextInt(MAX_STEPS); steps > 0; steps--) {
                step(server);
            }
            drain(server);
            if (server.pipeline.hasFailed()) {
                stopped(server);
            }
            compare(server);
        } catch (Crash e) {
            trace.accept("crash");
        }
        points.crash();
        streamSide.detach();
        sessionSide.detach();
        disk.mend();
        if (random.nextBoolean()) {
            trace.accept("power failure");
            disk.losePower(random);
        }
        storage.crash(random);
    }

    private Server start() throws IOException {
        if (random.nextInt(8) == 0) {
            trace.accept("the clock is set back");
            now -= random.nextInt(100);
        }
        Server started = open();
        if (Identities.in(storage.store()) == null) {
            identify(started);
        } else if (random.nextInt(20) == 0) {
            trace.accept("restored");
            identify(started);
        }
        running = started;
        started.chores.mend(now);
        subscriptionSide.start(started.subscriptions);
        registrySide.start(started.registry);
        streamSide.resume(started.streams, started.delivery);
        sessionSide.resume(started.sessions, started.delivery);
        send(started, new Boot(now, NODE));
        return started;
    }

    private Server open() {
        try {
            expected.clear();
            Watch journal = new Watch(new LocalJournal(disk, SEGMENT_BYTES, MAX_RECORD_BYTES, Runnable::run));
            Server opened = new Server(storage.store(), journal);
            opened.pipeline.recover();
            journal.checkReplayed();
            return opened;
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("simulated");
            throw points.crash();
        }
    }

    private void identify(Server running) {
        Identify command = new Identify(now, random.nextLong(), durable == 0);
        running.pipeline.submit(command, new Once<>(command));
    }

    private void step(Server running) throws IOException {
        switch (random.nextInt(28)) {
            case 0, 1, 2, 3, 4, 5, 6, 7, 8 -> {
                now += random.nextInt(3);
                send(running, command(running));
            }
            case 9, 10, 11, 12 -> running.commit(random.nextInt(3) == 0 ? random.nextInt(3) : Integer.MAX_VALUE);
            case 13, 14, 15, 16 -> running.apply(random.nextInt(shardCount));
            case 17, 18 -> {
                if (forSessions()) {
                    sessionSide.read(running.sessions, running.delivery);
                } else {
                    streamSide.read(running.streams, running.delivery);
                }
            }
            case 19 -> {
                now += random.nextInt(30);
                running.chores.sweep(now);
                running.chores.depart(now);
                running.chores.giveBack(now);
                running.chores.expireWakes(now);
            }
            case 20 -> running.checkpoint();
            case 21 -> disk.full(random.nextInt(3) == 0, random.nextBoolean());
            case 22 -> {
                if (random.nextInt(20) == 0) {
                    trace.accept("the next sync fails");
                    disk.failNextSync();
                }
            }
            case 23 -> running.awaitRoom();
            case 26 -> {
                trace.accept("begin a segment");
                var _ = running.pipeline.startSegment();
            }
            case 25 -> running.chores.depart(now);
            case 24 -> {
                if (hasSubscriptions) {
                    subscriptionSide.dispatch(running.pipeline, now);
                }
            }
            default -> {
                drain(running);
                giveBackPins(running);
                subscriptionSide.comeToRest(running.pipeline, now, () -> drain(running));
                compare(running);
            }
        }
        if (running.pipeline.hasFailed()) {
            stopped(running);
        }
    }

    private void drain(Server running) throws IOException {
        while (running.hasSteps()) {
            running.commit(Integer.MAX_VALUE);
            for (int i = 0; i < shardCount; i++) {
                running.apply(i);
            }
        }
    }

    /** Lets the pins of forks go back that there was no room for. */
    private void giveBackPins(Server running) throws IOException {
        for (int round = 0; running.forks.hasRefused() && !disk.isFull() && !running.pipeline.hasFailed(); round++) {
            assertThat(round).as("pins go back").isLessThan(MAX_ROUNDS);
            running.chores.sweep(now);
            drain(running);
        }
    }

    /** After a failure nothing is written, shown or answered any more; who waits is told so, and the process ends. */
    private void stopped(Server running) throws IOException {
        drain(running);
        assertThat(running.admission.waiting()).isZero();
        send(running, command(running));
        assertThat(running.hasSteps()).as("taken in although stopped").isFalse();
        assertThat(running.admission.waiting()).isZero();
        throw points.crash();
    }

    // What clients do.

    private boolean forSessions() {
        return random.nextInt(2) < sessionShare;
    }

    private void send(Server running, Command<?> command) {
        trace.accept("send " + command);
        sent.add(command);
        running.pipeline.submit(command, new Once<>(command));
    }

    /** After a crash clients send again what was not answered, or they do not. */
    private void retry(Server running) {
        List<Command<?>> again = List.copyOf(unanswered);
        unanswered.clear();
        if (random.nextBoolean()) {
            again.forEach(command -> send(running, command));
        }
    }

    private Command<?> command(Server running) {
        if (!sent.isEmpty() && random.nextInt(6) == 0) {
            return sent.get(Math.max(0, sent.size() - 1 - random.nextInt(12)));
        }
        if (hasRegistry && random.nextInt(5) == 0) {
            return registrySide.command(now);
        }
        if (forSessions()) {
            return sessionSide.command(now);
        }
        if (hasSubscriptions && random.nextInt(3) == 0) {
            return subscriptionSide.command(running.pipeline.projections(), now);
        }
        return streamSide.command(now);
    }

    /** Hears one answer, or none if the server crashes. */
    private final class Once<O> implements Reply<O> {
        private final Command<?> command;
        private boolean answered;

        Once(Command<?> command) {
            this.command = command;
            unanswered.add(command);
        }

        @Override
        public void done(O outcome) {
            once();
            unanswered.remove(command);
            if (command instanceof Boot) {
                Objects.requireNonNull(running).chores.begin(sessionSide::told);
            }
        }

        @Override
        public void failed(Exception failure) {
            once();
            if (!(failure instanceof EngineStoppedException)) {
                assertThat(failure)
                        .isInstanceOfAny(
                                StorageFullException.class, OverloadedException.class, CommandTooLargeException.class);
                unanswered.remove(command);
            }
        }

        private void once() {
            assertThat(answered).as("answered twice").isFalse();
            answered = true;
        }
    }

    // What readers do.

    /** Reads as a thread of its own does: the appliers go on meanwhile. */
    private <T> T meanwhile(Supplier<T> read) {
        Server server = Objects.requireNonNull(running);
        server.isOpenToAppliers = true;
        try {
            return read.get();
        } finally {
            server.isOpenToAppliers = false;
        }
    }

    // What must hold.

    private void compare(Server running) {
        if (running.pipeline.hasFailed()) {
            return;
        }
        trace.accept("compare");
        running.checkNobodyWaits();
        streamSide.compare(running.streams, running.forks.hasRefused());
        sessionSide.compare(running.sessions, running.delivery);
        subscriptionSide.compare(running.subscriptions);
        registrySide.compare(running.registry);
        assertThat(running.delivery.topics()).isEqualTo(streamSide.topics() + sessionSide.topics());
        assertThat(running.windows.held()).isBetween(0L, running.delivery.topics() == 0 ? 0 : maxWindowBytes);
    }

    private void end(Server running) throws IOException {
        drain(running);
        giveBackPins(running);
        now = subscriptionSide.finish(running.pipeline, now, () -> drain(running));
        compare(running);
        assertThat(running.streams.releases()).as("outbox").isEmpty();
        assertThat(running.streams.orphanedPins()).as("pins").isEmpty();
        assertThat(model.orphanedPins()).as("pins").isEmpty();

        assertThat(rows(storage.store(), Table.ATTENDANCES)).hasSize(sessionSide.attendanceRows());
        sessionSide.endReturns();
        send(running, new Boot(now, NODE));
        drain(running);
        if (sessionSide.knowsAll()) {
            depart(running, List.of());
            compareWithNothing();
        }
        depart(running, sessionSide.loseAll(now));
        compareWithNothing();
        assertThat(running.sessions.runs().atWork())
                .as("runs of lost agents, and not of nobody")
                .isEmpty();
        for (int round = 0; sessionSide.hasWakes(); round++) {
            assertThat(round).as("wakes are done, or given up").isLessThan(MAX_ROUNDS);
            now += Wake.MAX_AGE_MILLIS;
            running.chores.expireWakes(now);
            drain(running);
        }
        assertThat(rows(storage.store(), Table.WAKE_TIMES)).isEmpty();
        for (var told : sessionSide.tellAll(now)) {
            running.pipeline.submit(told, Forks.ignore());
            drain(running);
        }
        assertThat(rows(storage.store(), Table.NOTIFICATION_TIMES)).isEmpty();
        assertThat(rows(storage.store(), Table.NOTIFICATIONS)).isEmpty();
        assertThat(rows(storage.store(), Table.NOTIFIED)).hasSize(sessionSide.notifiedRows());
        for (int round = 0; !running.streams.due(now, 1).isEmpty() || running.forks.hasRefused(); round++) {
            assertThat(round).as("streams end").isLessThan(MAX_ROUNDS);
            running.chores.sweep(now);
            drain(running);
        }
        if (random.nextBoolean()) {
            subscriptionSide.delete(running.pipeline, now, () -> drain(running));
            assertThat(rows(storage.store(), Table.SUBSCRIPTIONS)).isEmpty();
        }
        if (random.nextBoolean()) {
            running.pipeline.submit(RegistrySide.forgetAll(now), Forks.ignore());
            drain(running);
            assertThat(running.registry.revocationCount()).isZero();
        }
        assertThat(rows(storage.store(), Table.REGISTRY)).hasSize(registrySide.rows());
        compare(running);
        assertThat(model.docs().values()).allMatch(doc -> doc.deleted || (doc.ttl < 0 && doc.expiresAt < 0));
        for (Table table : List.of(Table.ENTRIES, Table.PRODUCERS, Table.PINS)) {
            rows(storage.store(), table)
                    .forEach(row -> assertThat(model.exists(new BinaryReader(row.key()).fixed64()))
                            .as("rows of a stream that is gone in %s", table)
                            .isTrue());
        }
        assertThat(rows(storage.store(), Table.DEADLINES)).isEmpty();
        assertThat(rows(storage.store(), Table.LOG)).hasSize(sessionSide.logRows());
        assertThat(rows(storage.store(), Table.RUNS)).hasSize(sessionSide.runRows());
        assertThat(rows(storage.store(), Table.SILENCES)).hasSize(sessionSide.silenceRows());
        assertThat(rows(storage.store(), Table.CONTROLS)).hasSize(sessionSide.controlRows());
        assertThat(rows(storage.store(), Table.INDEX)).hasSize(sessionSide.indexRows());
        assertThat(rows(storage.store(), Table.PROFILES)).hasSize(sessionSide.profileRows());
        assertThat(rows(storage.store(), Table.WAKES)).hasSize(sessionSide.wakeRows());
        assertThat(rows(storage.store(), Table.AGENTS)).hasSize(sessionSide.agentRows());
        assertThat(rows(storage.store(), Table.TOMBSTONES)).hasSize(sessionSide.tombstoneRows());
        checkNothingIsLeftOfOtherSessions(running.sessions);
        assertThat(rows(storage.store(), Table.ASKED)).hasSize(sessionSide.askedRows());
        assertThat(rows(storage.store(), Table.INBOX)).hasSize(sessionSide.inboxRows());
        assertThat(rows(storage.store(), Table.DUE)).isEmpty();
        assertThat(sessionSide.hasOverdue(now)).as("requests that are overdue").isFalse();
        assertThat(rows(storage.store(), Table.OUTBOX)).isEmpty();
        compareWithReplayFromZero(running);
    }

    /** Whatever has a session's id is of a session that is there. */
    private void checkNothingIsLeftOfOtherSessions(Sessions sessions) {
        Set<Long> ids = sessionSide.ids();
        for (Store.Range range : sessions.rangesOf(new SessionName("app", "nobody"), 0)) {
            if (range.from().length == Long.BYTES) {
                rows(storage.store(), range.table())
                        .forEach(row -> assertThat(ids)
                                .as("rows of a session that is gone in %s", range.table())
                                .contains(new BinaryReader(row.key()).fixed64()));
            }
        }
    }

    /** Connections are lost, and their time passes. */
    private void depart(Server running, List<Lost> losses) throws IOException {
        for (Lost lost : losses) {
            running.pipeline.submit(lost, Forks.ignore());
            drain(running);
        }
        for (int round = 0; sessionSide.hasEarlier(running.sessions); round++) {
            assertThat(round).as("sessions are told of lost connections").isLessThan(MAX_ROUNDS);
            running.chores.depart(now);
            drain(running);
        }
        now += 1_000_000;
        for (int round = 0; !running.sessions.attendances().departures(now, 1).isEmpty(); round++) {
            assertThat(round).as("members of lost connections leave").isLessThan(MAX_ROUNDS);
            running.chores.depart(now);
            drain(running);
        }
        for (int round = 0; !running.sessions.requests().due(now, 1).isEmpty(); round++) {
            assertThat(round).as("requests that are overdue are closed").isLessThan(MAX_ROUNDS);
            running.chores.giveBack(now);
            drain(running);
        }
    }

    private void compareWithNothing() {
        for (Table table : LEFT_BY_CONNECTIONS) {
            assertThat(dump(storage.store(), table))
                    .as("what lost connections have left in %s", table)
                    .isEmpty();
        }
    }

    private void compareWithReplayFromZero(Server running) throws IOException {
        Store other = new SimulatedStore();
        Server replayed = new Server(other, new Tape(written));
        replayed.pipeline.recover();
        // Pins that are to be given back were given back in their time.
        replayed.commits.clear();
        for (Server server : List.of(running, replayed)) {
            // Notes in every shard how far the journal goes.
            server.checkpoint();
            drain(server);
        }
        for (Table table : Table.values()) {
            assertThat(dump(other, table)).as("replayed %s", table).isEqualTo(dump(storage.store(), table));
        }
    }

    private static List<Row> rows(Store store, Table table) {
        List<Row> found = new ArrayList<>();
        try (Rows rows = store.scan(table, FIRST, LAST)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                found.add(row);
            }
        }
        return found;
    }

    static List<String> dump(Store store, Table table) {
        HexFormat hex = HexFormat.of();
        return rows(store, table).stream()
                .map(row -> hex.formatHex(row.key()) + "=" + hex.formatHex(row.value()))
                .toList();
    }

    /** The engine's own pipeline, admission and chores. What its threads do are steps here. */
    private final class Server implements Pipeline.Queues {
        final Streams streams;
        final Sessions sessions;
        final Subscriptions subscriptions;
        final Registry registry;
        final Delivery delivery;
        final Purse windows;
        final Admission admission;
        final Pipeline pipeline;
        final Forks forks;
        final Chores chores;

        private final Purse waiting;
        private final Deque<CommitStep> commits = new ArrayDeque<>();
        private final List<Deque<ApplyStep>> applies = new ArrayList<>();
        private final List<Seeker> seekers = new ArrayList<>();
        private @Nullable Checkpoint checkpoint;
        private @Nullable Throwable failure;
        private int openMoments;

        /** Shards whose appliers are in the middle of a step: they take no other one. */
        private final Set<Integer> atWork = new TreeSet<>();

        /** The shard that is applying commands and has not written what they come to, or -1. */
        private int applying = -1;

        /** Whether somebody reads the store beside the appliers. */
        private boolean isOpenToAppliers;

        Server(Store unwatched, Journal journal) {
            Store store = new Watched(unwatched, this);
            Memory memory =
                    new Memory(0, Map.of(Memory.Kind.WINDOWS, maxWindowBytes, Memory.Kind.COMMANDS, maxWaitingBytes));
            windows = memory.windows();
            waiting = memory.commands();
            streams = new Streams(store, maxCached);
            sessions = new Sessions(store, maxCached);
            subscriptions = new Subscriptions(store, Memory.ofHeap().subscriptions());
            registry = new Registry(store);
            delivery = new Delivery(streams, sessions, RETHROW, maxRecent, windows);
            DiskRoom room = new DiskRoom(Path.of("simulated"), disk::freeBytes, 0, SEGMENT_BYTES, waiting::held);
            room.isFor(store);
            admission = new Admission(maxWaiting, waiting, room, RETHROW);
            pipeline = new Pipeline(
                    store,
                    new LocalLog(journal),
                    shardCount,
                    new Projections(streams, subscriptions, sessions, registry, delivery),
                    admission,
                    new PinIds("", () -> "pin" + pins++),
                    RETHROW,
                    this::failed,
                    this);
            forks = pipeline.forks();
            chores = new Chores(pipeline, room, portions, NODE);
            for (int i = 0; i < shardCount; i++) {
                applies.add(new ArrayDeque<>());
            }
        }

        /** A crash or a failed check ends everything here; a failing disk is for the pipeline to cope with. */
        private void failed(Throwable cause) {
            failure = cause;
            rethrow();
            trace.accept("stopped: " + cause.getMessage());
        }

        private void rethrow() {
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure != null) {
                assertThat(failure).isInstanceOf(IOException.class).hasMessageContaining("simulated");
            }
        }

        @Override
        public boolean commit(CommitStep step) {
            commits.add(
                    step instanceof Submission submission
                            ? new Submission(
                                    submission.command(), new Checked<>(submission.command(), submission.reply(), this))
                            : step);
            return true;
        }

        @Override
        public boolean isCommitIdle() {
            return commits.isEmpty();
        }

        @Override
        public void apply(int shard, ApplyStep step) {
            if (step instanceof ApplyStep.Batch batch) {
                for (Shard.Work work : batch.works()) {
                    ((Checked<?>) Objects.requireNonNull(work.reply())).expect(work.position());
                }
                if (applies.get(shard).isEmpty() && random.nextInt(4) == 0) {
                    // As a committer does where the applier rests.
                    trace.accept("apply in shard " + shard + " at once");
                    work(shard, step);
                    return;
                }
            }
            applies.get(shard).add(step);
        }

        boolean hasSteps() {
            return !commits.isEmpty() || applies.stream().anyMatch(steps -> !steps.isEmpty());
        }

        /** A step of the committer. */
        void commit(int most) {
            List<CommitStep> steps = new ArrayList<>();
            while (steps.size() < most && !commits.isEmpty()) {
                steps.add(commits.remove());
            }
            trace.accept("commit " + steps.size());
            pipeline.commit(steps);
            rethrow();
        }

        /** A step of an applier. */
        void apply(int shard) {
            ApplyStep step = applies.get(shard).poll();
            if (step != null) {
                trace.accept("apply in shard " + shard);
                points.point();
                work(shard, step);
                rethrow();
            }
        }

        private void work(int shard, ApplyStep step) {
            atWork.add(shard);
            applying = shard;
            pipeline.apply(shard, step);
            applying = -1;
            atWork.remove(shard);
        }

        /** Somebody reads the store: perhaps an applier takes a step before. */
        private void beforeRead() {
            if (isOpenToAppliers && random.nextInt(4) == 0) {
                isOpenToAppliers = false;
                int shard = random.nextInt(shardCount);
                if (!atWork.contains(shard)) {
                    apply(shard);
                }
                isOpenToAppliers = true;
            }
        }

        /** A step of whoever makes checkpoints: begins one, or ends it once it is marked. */
        void checkpoint() throws IOException {
            Checkpoint begun = checkpoint;
            if (begun == null) {
                trace.accept("begin a checkpoint");
                checkpoint = pipeline.checkpoint();
            } else if (begun.isMarked()) {
                trace.accept("end a checkpoint");
                checkpoint = null;
                pipeline.finish(begun);
            }
        }

        /** A step of a client that holds back, or does so no more. */
        void awaitRoom() {
            if (!seekers.isEmpty() && random.nextInt(3) == 0) {
                Seeker seeker = seekers.removeFirst();
                assertThat(seeker.place.cancel()).isNotEqualTo(seeker.told);
            } else if (admission.isBusy()) {
                seekers.add(new Seeker(admission));
            }
        }

        void checkNobodyWaits() {
            assertThat(admission.waiting()).as("waiting commands").isZero();
            assertThat(waiting.held()).as("bytes of waiting commands").isZero();
            assertThat(openMoments).as("snapshots that nobody reads").isZero();
            assertThat(seekers).as("who waits for room").allMatch(seeker -> seeker.told);
            seekers.clear();
        }
    }

    /** Waits for room among the commands. */
    private static final class Seeker {
        final Waiting place;
        boolean told;

        Seeker(Admission admission) {
            place = admission.whenRoom(() -> {
                assertThat(told).as("told twice").isFalse();
                assertThat(admission.isBusy()).isFalse();
                told = true;
            });
        }
    }

    /** What the models say of a command that is durable. */
    private Expected happen(long position, Command<?> command) {
        Object outcome = switch (command) {
            case StreamCommand<?> c -> model.apply(position, c);
            case SessionCommand<?> c -> sessionSide.model().apply(position, c);
            case SubscriptionCommand<?> c -> subscriptionSide.happen(position, c, model);
            case RegistryCommand<?> c -> registrySide.happen(c);
            case Boot c -> sessionSide.happen(c);
            case Identify c
            when c.first() && !identities.isEmpty() -> new Identities(identifiedAt, first, List.copyOf(identities));
            case Identify c -> {
                if (identities.isEmpty()) {
                    identifiedAt = position;
                    first = c.first();
                }
                identities.add(c.value());
                yield new Identities(identifiedAt, first, List.copyOf(identities));
            }
            default -> throw new IllegalArgumentException("no model for " + command);
        };
        trace.accept(position + " " + command + " -> " + outcome);
        return new Expected(
                outcome,
                command instanceof StreamCommand<?> c ? model.docs().get(c.path()) : null,
                command instanceof SessionCommand<?> c ? sessionSide.model().room(c.session()) : null);
    }

    /** What must become of a command, and what the model had of its stream or session then. */
    private record Expected(Object outcome, Model.@Nullable Doc doc, SessionModel.@Nullable Room room) {}

    /** Compares an outcome with the model's, and lets crashes come before the answer leaves. */
    private final class Checked<O> implements Reply<O> {
        private final Command<?> command;
        private final Reply<O> reply;
        private final Server server;
        private @Nullable Expected expectation;
        private boolean answered;

        Checked(Command<?> command, Reply<O> reply, Server server) {
            this.command = command;
            this.reply = reply;
            this.server = server;
        }

        void expect(long position) {
            expectation = Objects.requireNonNull(expected.remove(position), "dispatched before it is durable");
        }

        @Override
        public void done(O outcome) {
            points.point();
            once();
            assertThat(server.pipeline.hasFailed())
                    .as("answered after a failure")
                    .isFalse();
            Expected known = Objects.requireNonNull(expectation, "answered before it is durable");
            assertThat(Model.comparable(outcome)).as("outcome of %s", command).isEqualTo(known.outcome);
            if (outcome instanceof StreamOutcome.Appended appended && known.doc != null && model.exists(known.doc.id)) {
                checkReadable(known.doc, appended.tail());
            }
            if (command instanceof SessionCommand<?> c && outcome instanceof Accepted accepted) {
                checkReadable(c, accepted, known.room);
            }
            reply.done(outcome);
        }

        /** Who has an answer can read what it is about. */
        private void checkReadable(Model.Doc stream, long tail) {
            StreamState state = Objects.requireNonNull(server.streams.find(stream.path));
            assertThat(state.id()).isEqualTo(stream.id);
            assertThat(state.tail()).isGreaterThanOrEqualTo(tail);
            if (state.shown() > 0) {
                StreamSide.checkEntries(stream, state.shown() - 1, server.streams.read(state, state.shown() - 1, 1));
            }
        }

        private void checkReadable(
                SessionCommand<?> sessionCommand, Accepted accepted, SessionModel.@Nullable Room room) {
            SessionState state = server.sessions.find(sessionCommand.session());
            if (room != null && state != null && room.id == state.id()) {
                assertThat(accepted.positions()).allSatisfy(at -> assertThat(at).isLessThanOrEqualTo(state.last()));
            }
        }

        @Override
        public void failed(Exception failure) {
            points.point();
            if (failure instanceof EngineStoppedException) {
                // Told to everybody of a group: who has an answer hears no more of it, and of the others only the next
                // start knows what became of them.
                assertThat(server.pipeline.hasFailed()).isTrue();
                if (failure.getCause() instanceof AssertionError check) {
                    // One that failed after the pipeline had: it takes note of its first failure only.
                    throw check;
                }
            } else {
                once();
                assertThat(expectation).as("refused, but in the journal").isNull();
            }
            reply.failed(failure);
        }

        private void once() {
            assertThat(answered).as("answered twice").isFalse();
            answered = true;
        }
    }

    /** The store with crashes around its writes. */
    private final class Watched implements Store {
        private final Store store;
        private final Server server;

        Watched(Store store, Server server) {
            this.store = store;
            this.server = server;
        }

        @Override
        public byte @Nullable [] get(Table table, byte[] key) {
            checkOwn(table, key);
            return store.get(table, key);
        }

        /** A shard that applies looks only at streams of its own: on another node the others may not be there yet. */
        private void checkOwn(Table table, byte[] key) {
            if (server.applying >= 0 && (table == Table.ENTRIES || table == Table.PRODUCERS || table == Table.PINS)) {
                String path = model.ever(new BinaryReader(key).fixed64()).path;
                assertThat(Shard.indexOf(new Touch(path, now), shardCount))
                        .as("shard %d looks at %s in %s", server.applying, path, table)
                        .isEqualTo(server.applying);
            }
        }

        @Override
        public Rows scan(Table table, byte[] from, byte[] to) {
            checkOwn(table, from);
            server.beforeRead();
            return store.scan(table, from, to);
        }

        @Override
        public Rows scanBackwards(Table table, byte[] from, byte[] to) {
            checkOwn(table, from);
            server.beforeRead();
            return store.scanBackwards(table, from, to);
        }

        @Override
        public Moment snapshot() {
            server.beforeRead();
            Moment moment = store.snapshot();
            server.openMoments++;
            return new Moment() {
                @Override
                public byte @Nullable [] get(Table table, byte[] key) {
                    server.beforeRead();
                    return moment.get(table, key);
                }

                @Override
                public Rows scan(Table table, byte[] from, byte[] to) {
                    server.beforeRead();
                    return moment.scan(table, from, to);
                }

                @Override
                public Rows scanBackwards(Table table, byte[] from, byte[] to) {
                    server.beforeRead();
                    return moment.scanBackwards(table, from, to);
                }

                @Override
                public void close() {
                    server.openMoments--;
                    moment.close();
                }
            };
        }

        @Override
        public void write(List<Change> batch) {
            points.point();
            assertThat(server.pipeline.hasFailed())
                    .as("written after a failure")
                    .isFalse();
            server.applying = -1;
            store.write(batch);
            points.point();
        }

        @Override
        public void flush() {
            points.point();
            store.flush();
            points.point();
        }

        @Override
        public long newestChange() {
            return store.newestChange();
        }

        @Override
        public boolean purge(List<Range> ranges, long change) {
            return store.purge(ranges, change);
        }

        @Override
        public long unwrittenBytes() {
            return store.unwrittenBytes();
        }

        @Override
        public long memoryBytes() {
            return store.memoryBytes();
        }

        @Override
        public void close() {
            store.close();
        }
    }

    /** The journal, with a copy of all that goes in and a look at what comes out. */
    private final class Watch implements Journal {
        private final Journal journal;
        private final TreeMap<Long, byte[]> replayed = new TreeMap<>();
        private long from;

        Watch(Journal journal) {
            this.journal = journal;
        }

        @Override
        public void replay(long position, RecordReader reader) throws IOException {
            from = position;
            journal.replay(position, (at, bytes) -> {
                replayed.put(at, bytes(bytes));
                reader.read(at, bytes);
            });
        }

        /** What came back begins like what was written and has all that is known to be durable. */
        void checkReplayed() {
            long last = replayed.isEmpty() ? Math.max(from, durable) : replayed.lastKey();
            assertThat(last).as("end of the journal").isGreaterThanOrEqualTo(durable);
            Map<Long, byte[]> known = written.subMap(from, true, last, true);
            assertThat(replayed.keySet()).isEqualTo(known.keySet());
            known.forEach((at, bytes) -> assertThat(replayed.get(at)).isEqualTo(bytes));
            written.tailMap(last, false).clear();
            written.tailMap(durable, false).forEach((at, bytes) -> {
                trace.accept("survived:");
                happen(at, CommandCodec.read(ByteBuffer.wrap(bytes)));
            });
            durable = last;
        }

        /** What the journal says is durable has happened: so the model knows it before anybody is told. */
        private void learn() {
            written.tailMap(durable, false).forEach((at, bytes) -> {
                expected.put(at, happen(at, CommandCodec.read(ByteBuffer.wrap(bytes))));
                durable = at;
            });
            points.point();
        }

        @Override
        public long append(ByteBuffer bytes) throws IOException {
            long position = journal.append(bytes.duplicate());
            assertThat(position).isGreaterThan(written.isEmpty() ? 0 : written.lastKey());
            written.put(position, bytes(bytes));
            return position;
        }

        private static byte[] bytes(ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return bytes;
        }

        @Override
        public long pendingBytes() {
            return journal.pendingBytes();
        }

        @Override
        public void sync() throws IOException {
            journal.sync();
            learn();
        }

        @Override
        public void idle() throws IOException {
            journal.idle();
        }

        @Override
        public void startSegment() throws IOException {
            journal.startSegment();
            learn();
        }

        @Override
        public void truncateBefore(long position) throws IOException {
            journal.truncateBefore(position);
        }

        @Override
        public void close() throws IOException {
            journal.close();
        }
    }

    /** A journal that only plays back. */
    private record Tape(TreeMap<Long, byte[]> records) implements Journal {
        @Override
        public void replay(long position, RecordReader reader) throws IOException {
            for (Map.Entry<Long, byte[]> entry : records.tailMap(position, true).entrySet()) {
                reader.read(entry.getKey(), ByteBuffer.wrap(entry.getValue()));
            }
        }

        @Override
        public long append(ByteBuffer bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long pendingBytes() {
            return 0;
        }

        @Override
        public void sync() {}

        @Override
        public void idle() {}

        @Override
        public void startSegment() {}

        @Override
        public void truncateBefore(long position) {}

        @Override
        public void close() {}
    }
}
