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
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.Journal;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.journal.LocalLog;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.Subscriptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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

    private static final int SEGMENT_BYTES = 2048;
    private static final int MAX_RECORD_BYTES = 640;
    private static final List<String> PATHS = List.of("a", "b", "dir/c", "dir/d");
    private static final List<String> TYPES =
            List.of("application/json", "application/json", "text/plain", "Application/JSON; charset=utf-8");
    private static final List<String> CHARACTERS = List.of("x", "\u00e9", "\u20ac", "\ud83d\ude00");
    private static final int MAX_CRASH_POINTS = 400;
    private static final int MAX_STEPS = 150;

    /** After so many rounds whatever had no room has found it. */
    private static final int MAX_ROUNDS = 1_000;

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

    private final Model model = new Model();
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

    private final List<Reader> readers = new ArrayList<>();
    private final List<Command<?>> sent = new ArrayList<>();
    private final List<Command<?>> unanswered = new ArrayList<>();
    private final List<Long> identities = new ArrayList<>();
    private long identifiedAt;
    private boolean first;
    private @Nullable Server running;
    private long now = 1_000_000;
    private int made;

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
                1 + random.nextInt(3), 1 + random.nextInt(10), 10, 1 + random.nextInt(10), 1 + random.nextInt(4));
        this.sessionShare = random.nextInt(3);
        this.hasSubscriptions = sessionShare < 2 && random.nextBoolean();
        this.sessionSide = new SessionSide(random, trace, this::meanwhile);
        this.subscriptionSide = new SubscriptionSide(random, PATHS);
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
        readers.forEach(Reader::detach);
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
        readers.removeIf(reader -> !reader.attach(started));
        sessionSide.resume(started.sessions, started.delivery);
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
        switch (random.nextInt(26)) {
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
                    read(running);
                }
            }
            case 19 -> {
                now += random.nextInt(30);
                running.chores.sweep(now);
                running.chores.depart(now);
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

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
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
        String path = oneOf(PATHS);
        return switch (random.nextInt(20)) {
            case 0, 1 -> create(path, null);
            case 2, 3, 4, 5 -> create(path, fork());
            case 6, 7 -> new Delete(path, now);
            case 8 -> new Touch(path, now);
            default -> append(path);
        };
    }

    private Create create(String path, @Nullable Fork fork) {
        String type = fork != null && random.nextInt(4) > 0 ? null : random.nextInt(8) == 0 ? null : oneOf(TYPES);
        boolean json = type == null ? fork != null && random.nextBoolean() : Model.isJson(type);
        Payload payload = random.nextInt(3) == 0 ? payload(json, null) : Payload.empty();
        int lifetime = random.nextInt(6);
        return new Create(
                path,
                now,
                type,
                lifetime == 0 ? 5 + random.nextInt(58) : StreamCommand.NONE,
                lifetime == 1 ? now + random.nextInt(200) : StreamCommand.NONE,
                random.nextInt(12) == 0,
                payload,
                fork);
    }

    private Fork fork() {
        String source = oneOf(PATHS);
        return new Fork(
                source,
                random.nextInt(3) == 0 ? null : place(source),
                random.nextBoolean() ? random.nextInt(4) : 0,
                null);
    }

    /** A place that a client may have for a stream: mostly a good one, or one of an earlier stream or of another. */
    private Place place(String path) {
        Model.Doc doc = model.docs().get(path);
        int tail = doc == null ? 0 : doc.units.size();
        long position = random.nextInt(3) == 0 ? tail : random.nextInt(tail + 2);
        List<Model.Doc> ever = List.copyOf(model.ever());
        return switch (random.nextInt(12)) {
            case 0 -> new Place.Start();
            case 1 ->
                new Place.Unnamed(ever.isEmpty() || random.nextBoolean() ? Long.MAX_VALUE : oneOf(ever).id, position);
            case 2 -> new Place.Lapsed(oneOf(PATHS).hashCode());
            case 3, 4 -> ever.isEmpty() ? new Place.Start() : place(oneOf(ever), position);
            default -> doc == null ? new Place.Start() : place(doc, position);
        };
    }

    private Place place(Model.Doc doc, long position) {
        List<Long> owners = doc.incarnations.entrySet().stream()
                .filter(owner -> owner.getValue()[0] <= position && position <= owner.getValue()[1])
                .map(Map.Entry::getKey)
                .toList();
        Model.Doc owner = owners.isEmpty() ? doc : model.ever(oneOf(owners));
        return new Place.Named(owner.id, owner.path.hashCode(), position);
    }

    private Append append(String path) {
        Model.Doc doc = model.docs().get(path);
        String type = doc == null || random.nextInt(10) == 0 ? oneOf(TYPES) : doc.type;
        boolean close = random.nextInt(25) == 0;
        Payload payload = close && random.nextBoolean() ? Payload.empty() : payload(Model.isJson(type), doc);
        String producer = oneOf(List.of("", "", "p", "q"));
        ProducerTag last = doc == null ? null : doc.producers.get(producer);
        String seq = random.nextInt(8) == 0 ? "s" + random.nextInt(200) : null;
        ProducerTag tag = producer.isEmpty() ? null : tag(producer, last);
        Place expected = random.nextInt(6) == 0 ? place(path) : null;
        return new Append(path, now, type, payload, close, tag, seq, expected);
    }

    private ProducerTag tag(String id, @Nullable ProducerTag last) {
        long epoch = last == null ? random.nextInt(2) : last.epoch();
        long seq = last == null ? -1 : last.seq();
        return switch (random.nextInt(16)) {
            case 0 -> new ProducerTag(id, epoch + 1, 0);
            case 1 -> new ProducerTag(id, epoch + 1, 1);
            case 2 -> new ProducerTag(id, Math.max(0, epoch - 1), Math.max(0, seq));
            case 3 -> new ProducerTag(id, epoch, seq + 2);
            case 4 -> new ProducerTag(id, epoch, Math.max(0, seq));
            case 5 -> new ProducerTag(id, epoch, Math.max(0, seq - 1));
            default -> new ProducerTag(id, epoch, seq + 1);
        };
    }

    /** Data that appears nowhere else, but for pieces of characters; now and then large, and rarely too large. */
    private Payload payload(boolean json, Model.@Nullable Doc doc) {
        if (!json && random.nextBoolean()) {
            return Payload.ofBytes(pieces(doc == null ? 0 : doc.missing(doc.base(), doc.units.size())));
        }
        List<String> messages = new ArrayList<>();
        for (int count = json ? 1 + random.nextInt(3) : 1; count > 0; count--) {
            int size = random.nextInt(10) == 0 ? random.nextInt(250) : random.nextInt(20);
            messages.add("\"" + made++ + "-" + "x".repeat(size) + "\"");
        }
        byte[] joined = String.join(",", messages).getBytes(StandardCharsets.US_ASCII);
        return json
                ? Payload.ofMessages(
                        joined, messages.stream().mapToInt(String::length).toArray())
                : Payload.ofBytes(joined);
    }

    /** Text that may begin and end inside a character, behind text that lacks {@code missing} bytes. */
    private byte[] pieces(int missing) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        int middle = random.nextInt(4) == 0 ? random.nextInt(4) : missing;
        for (int i = 0; i < middle; i++) {
            text.write(0x80 | random.nextInt(64));
        }
        if (middle == 0 || random.nextInt(3) > 0) {
            text.writeBytes((made++ + oneOf(CHARACTERS)).getBytes(StandardCharsets.UTF_8));
            byte[] last = oneOf(CHARACTERS).getBytes(StandardCharsets.UTF_8);
            text.write(last, 0, random.nextInt(last.length + 1));
        }
        return text.toByteArray();
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

    private void read(Server running) {
        if (readers.size() < 6 && random.nextInt(3) == 0) {
            StreamState state = running.streams.find(oneOf(PATHS));
            if (state != null) {
                Reader reader = new Reader(state, random.nextInt((int) state.tail() + 1), random.nextBoolean());
                if (reader.attach(running)) {
                    readers.add(reader);
                }
            }
        } else if (!readers.isEmpty()) {
            Reader reader = oneOf(readers);
            if (random.nextInt(8) == 0) {
                reader.close();
                readers.remove(reader);
            } else {
                reader.read(1 + random.nextInt(200));
            }
        }
    }

    /** Follows a stream across crashes, from where it stood. */
    private final class Reader {
        private final String path;
        private final long id;
        private final boolean eager;
        private long position;
        private @Nullable Tail tail;
        private boolean reading;
        private boolean ended;

        Reader(StreamState state, long position, boolean eager) {
            this.path = state.path();
            this.id = state.id();
            this.position = position;
            this.eager = eager;
        }

        boolean attach(Server running) {
            StreamState state = running.streams.find(path);
            if (state == null || state.id() != id) {
                assertThat(model.exists(id)).as("stream %s is lost", path).isFalse();
                return false;
            }
            assertThat(state.tail()).as("tail of %s, read up to here", path).isGreaterThanOrEqualTo(position);
            tail = Objects.requireNonNull(running.delivery.tail(state, position, () -> told(running)));
            return true;
        }

        void detach() {
            tail = null;
            reading = false;
        }

        void close() {
            Objects.requireNonNull(tail).close();
        }

        /** In the middle of a publish: what is announced must be readable, live and from the store. */
        private void told(Server running) {
            StreamState state = running.streams.find(path);
            if (state != null && state.id() == id && state.shown() > 0) {
                long last = state.shown() - 1;
                checkEntries(model.ever(id), last, running.streams.read(state, last, 1));
            }
            if (eager && tail != null && !reading) {
                read(100);
            }
        }

        /** Reads once; returns false if there was nothing. */
        boolean read(int maxBytes) {
            Tail open = Objects.requireNonNull(tail);
            Tail.Next next = open.poll(maxBytes);
            if (next instanceof Tail.InStore) {
                reading = true;
                next = meanwhile(() -> open.readStore(maxBytes));
                reading = false;
            }
            Model.Doc doc = model.ever(id);
            switch (next) {
                case Tail.More more -> {
                    assertThat(more.from()).isEqualTo(doc.begin(position));
                    take(doc, more.entries());
                    assertThat(more.to()).isEqualTo(position).isEqualTo(open.position());
                    assertThat(!more.atEnd() || (doc.closed && position == doc.units.size()))
                            .as("an end that is none")
                            .isTrue();
                    return true;
                }
                case Tail.Nothing nothing -> {
                    StreamState state = nothing.state();
                    assertThat(state.shown()).isEqualTo(doc.shown(state.tail(), state.closed()));
                    // Whoever has appended half a character may be further than what is shown.
                    assertThat(position).isBetween(state.shown(), state.tail());
                    return false;
                }
                case Tail.Ended e -> {
                    assertThat(model.exists(id) && !doc.deleted)
                            .as("ended alive")
                            .isFalse();
                    ended = true;
                    return false;
                }
                case Tail.InStore s -> throw new AssertionError("neither in memory nor in the store");
            }
        }

        private void take(Model.Doc doc, List<Entry> entries) {
            position = checkEntries(doc, position, entries);
        }

        void drained() {
            while (read(1000)) {
                trace.accept("reader of " + path + " at " + position);
            }
            Model.Doc doc = model.ever(id);
            assertThat(ended || position >= doc.shown(doc.units.size(), doc.closed))
                    .as("reader of %s stays at %d", path, position)
                    .isTrue();
            assertThat(ended).isEqualTo(!model.exists(id) || model.ever(id).deleted);
        }
    }

    /** Checks that entries go on at {@code position} with what the model has there; returns where they end. */
    static long checkEntries(Model.Doc doc, long position, List<Entry> entries) {
        assertThat(entries).isNotEmpty();
        long at = doc.begin(position);
        for (Entry entry : entries) {
            assertThat(entry.start()).isEqualTo(at);
            assertThat(entry.end())
                    .as("end in %s, which has %s", doc.path, doc.ends)
                    .isIn(doc.ends);
            assertThat(Model.units(entry.payload())).isEqualTo(doc.units.subList((int) at, (int) entry.end()));
            at = entry.end();
        }
        assertThat(doc.mayEnd(doc.begin(position), at))
                .as("%s is cut inside a character at %d", doc.path, at)
                .isTrue();
        return at;
    }

    // What must hold.

    private void compare(Server running) {
        if (running.pipeline.hasFailed()) {
            return;
        }
        trace.accept("compare");
        running.checkNobodyWaits();
        List<String> paths = new ArrayList<>();
        running.streams.forEach("", state -> paths.add(state.path()));
        assertThat(paths).containsExactlyElementsOf(model.docs().keySet());
        for (Model.Doc doc : model.docs().values()) {
            StreamState state = Objects.requireNonNull(running.streams.find(doc.path));
            assertThat(List.of(state.id(), state.contentType(), state.tail(), state.closed(), state.deleted()))
                    .isEqualTo(List.of(doc.id, doc.type, (long) doc.units.size(), doc.closed, doc.deleted));
            assertThat(List.of(state.ttlMillis(), state.expiresAt(), state.accessedAt(), (long) state.pins()))
                    .isEqualTo(List.of(doc.ttl, doc.expiresAt, doc.accessed, (long) doc.pins.size()));
            assertThat(state.seq()).isEqualTo(doc.seq);
            assertThat(state.shown()).isEqualTo(doc.shown(state.tail(), doc.closed));
            long at = random.nextBoolean() ? 0 : random.nextInt((int) state.shown() + 1);
            while (at < state.shown()) {
                at = checkEntries(doc, at, running.streams.read(state, at, 1 + random.nextInt(300)));
            }
            assertThat(at).isEqualTo(state.shown());
        }
        assertThat(running.streams.releases()).hasSameSizeAs(model.notes());
        if (!running.forks.hasRefused()) {
            assertThat(model.notes()).as("outbox").isEmpty();
            assertThat(model.orphanedPins()).as("pins").isEmpty();
        }
        readers.forEach(Reader::drained);
        List<Reader> over = readers.stream().filter(reader -> reader.ended).toList();
        over.forEach(Reader::close);
        readers.removeAll(over);
        sessionSide.compare(running.sessions, running.delivery);
        subscriptionSide.compare(running.subscriptions);
        registrySide.compare(running.registry);
        assertThat(running.delivery.topics())
                .isEqualTo((int) readers.stream().map(r -> r.id).distinct().count() + sessionSide.topics());
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
        for (SessionCommand<?> lost : sessionSide.loseAll(now)) {
            running.pipeline.submit(lost, Forks.ignore());
            drain(running);
        }
        now += 1_000_000;
        for (int round = 0; !running.sessions.attendances().departures(now, 1).isEmpty(); round++) {
            assertThat(round).as("members of lost connections leave").isLessThan(MAX_ROUNDS);
            running.chores.depart(now);
            drain(running);
        }
        for (Table table : List.of(Table.MEMBERS, Table.REQUESTS, Table.ATTENDANCES, Table.DEPARTURES)) {
            assertThat(rows(storage.store(), table))
                    .as("what lost connections have left in %s", table)
                    .isEmpty();
        }
        assertThat(running.sessions.runs().atWork())
                .as("runs of lost agents, and not of nobody")
                .isEmpty();
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
        assertThat(rows(storage.store(), Table.OUTBOX)).isEmpty();
        compareWithReplayFromZero(running);
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
                    new PinIds("", () -> "pin" + made++),
                    RETHROW,
                    this::failed,
                    this);
            forks = pipeline.forks();
            chores = new Chores(pipeline, room, portions);
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
                checkEntries(stream, state.shown() - 1, server.streams.read(state, state.shown() - 1, 1));
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
        public void truncateBefore(long position) {}

        @Override
        public void close() {}
    }
}
