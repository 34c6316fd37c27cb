package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.CrashPoints.Crash;
import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.Journal;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
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
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
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
    private static final int MAX_CRASH_POINTS = 400;
    private static final int MAX_STEPS = 150;
    private static final byte[] FIRST = {};
    private static final byte[] LAST = new byte[32];

    static {
        Arrays.fill(LAST, (byte) 0xFF);
    }

    /** Here what callbacks throw is a failed check or a crash. */
    private static final CallbackFailures RETHROW = failure -> {
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

    /** All that was ever written to the journal and not lost. */
    private final TreeMap<Long, byte[]> written = new TreeMap<>();

    private final Model model = new Model();
    private final SessionSide sessionSide;
    /** Of so many commands how many are for sessions: all, none or some. */
    private final int sessionShare;
    /** Position of the newest command that is known to be durable. The model has come as far. */
    private long durable;

    private final List<Reader> readers = new ArrayList<>();
    private final List<Command<?>> sent = new ArrayList<>();
    private final List<Command<?>> unanswered = new ArrayList<>();
    private final List<Long> identities = new ArrayList<>();
    private long identifiedAt;
    private boolean first;
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
        this.sessionShare = random.nextInt(3);
        this.sessionSide = new SessionSide(random, trace);
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

    private void liveUntilCrash(long crashPoint) throws IOException {
        points.restart(crashPoint);
        try {
            Server server = start();
            retry(server);
            for (int steps = random.nextInt(MAX_STEPS); steps > 0; steps--) {
                step(server);
            }
            drain(server);
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
        Server started = new Server();
        if (Identities.in(storage.store()) == null) {
            identify(started);
        } else if (random.nextInt(20) == 0) {
            trace.accept("restored");
            identify(started);
        }
        started.forks.recover(started.streams.releases(), now);
        started.forks.recover(started.streams.orphanedPins(), now);
        readers.removeIf(reader -> !reader.attach(started));
        sessionSide.resume(started.sessions, started.delivery);
        return started;
    }

    private void identify(Server running) {
        Identify command = new Identify(now, random.nextLong(), durable == 0);
        running.enqueue(command, new Once<>(command));
    }

    private void step(Server running) throws IOException {
        switch (random.nextInt(24)) {
            case 0, 1, 2, 3, 4, 5, 6, 7, 8 -> {
                now += random.nextInt(3);
                send(running, command());
            }
            case 9, 10, 11, 12 -> commit(running);
            case 13, 14, 15, 16 -> running.work(random.nextInt(shardCount));
            case 17, 18 -> {
                if (forSessions()) {
                    sessionSide.read(running.sessions, running.delivery);
                } else {
                    read(running);
                }
            }
            case 19 -> {
                now += random.nextInt(30);
                running.forks.retry(now, 1 + random.nextInt(3));
                running.streams.due(now, 10).forEach(expire -> running.enqueue(expire, Forks.ignore()));
                running.sessions
                        .idle(null, now - 10, now, 10)
                        .idle()
                        .forEach(compact -> running.enqueue(compact, Forks.ignore()));
            }
            case 20 -> running.checkpoint();
            case 21 -> disk.full(random.nextInt(3) == 0);
            case 22 -> {
                if (random.nextInt(20) == 0) {
                    trace.accept("the next sync fails");
                    disk.failNextSync();
                }
            }
            default -> {
                drain(running);
                while (running.forks.hasRefused() && !disk.isFull()) {
                    running.forks.retry(now, 1 + random.nextInt(3));
                    drain(running);
                }
                compare(running);
            }
        }
    }

    private void commit(Server running) throws IOException {
        try {
            running.commit(random.nextInt(3) == 0 ? random.nextInt(3) : Integer.MAX_VALUE);
        } catch (IOException e) {
            trace.accept("stopped: " + e.getMessage());
            throw points.crash();
        }
    }

    private void drain(Server running) throws IOException {
        while (!running.pending.isEmpty() || running.tasks.stream().anyMatch(tasks -> !tasks.isEmpty())) {
            commit(running);
            for (int i = 0; i < shardCount; i++) {
                running.work(i);
            }
        }
    }

    // What clients do.

    private boolean forSessions() {
        return random.nextInt(2) < sessionShare;
    }

    private void send(Server running, Command<?> command) {
        trace.accept("send " + command);
        sent.add(command);
        if (command instanceof Create create && create.fork() != null) {
            running.forks.create(create, new Once<>(create));
        } else {
            running.enqueue(command, new Once<>(command));
        }
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

    private Command<?> command() {
        if (!sent.isEmpty() && random.nextInt(6) == 0) {
            return sent.get(Math.max(0, sent.size() - 1 - random.nextInt(12)));
        }
        if (forSessions()) {
            return sessionSide.command(now);
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
        Payload payload = random.nextInt(3) == 0 ? payload(json) : Payload.empty();
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
        Payload payload = close && random.nextBoolean() ? Payload.empty() : payload(Model.isJson(type));
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

    /** Data that appears nowhere else; now and then large, and rarely too large. */
    private Payload payload(boolean json) {
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
        }

        @Override
        public void failed(Exception failure) {
            assertThat(failure).isInstanceOf(StorageFullException.class);
            once();
        }

        private void once() {
            assertThat(answered).as("answered twice").isFalse();
            answered = true;
            unanswered.remove(command);
        }
    }

    // What readers do.

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
        }

        void close() {
            Objects.requireNonNull(tail).close();
        }

        /** In the middle of a publish: what is announced must be readable, live and from the store. */
        private void told(Server running) {
            StreamState state = running.streams.find(path);
            if (state != null && state.id() == id && state.tail() > 0) {
                long last = state.tail() - 1;
                checkEntries(model.ever(id), last, running.streams.read(state, last, 1));
            }
            if (eager && tail != null) {
                read(100);
            }
        }

        /** Reads once; returns false if there was nothing. */
        boolean read(int maxBytes) {
            Tail open = Objects.requireNonNull(tail);
            Tail.Next next = open.poll(maxBytes);
            if (next instanceof Tail.InStore) {
                next = open.readStore(maxBytes);
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
                    assertThat(nothing.state().tail()).isEqualTo(position);
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
            assertThat(ended || position == model.ever(id).units.size())
                    .as("reader of %s stays at %d", path, position)
                    .isTrue();
            assertThat(ended).isEqualTo(!model.exists(id) || model.ever(id).deleted);
        }
    }

    /** Checks that entries go on at {@code position} with what the model has there; returns where they end. */
    private static long checkEntries(Model.Doc doc, long position, List<Entry> entries) {
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
        return at;
    }

    // What must hold.

    private void compare(Server running) {
        trace.accept("compare");
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
            long at = random.nextBoolean() ? 0 : random.nextInt(doc.units.size() + 1);
            while (at < state.tail()) {
                at = checkEntries(doc, at, running.streams.read(state, at, 1 + random.nextInt(300)));
            }
            assertThat(at).isEqualTo(state.tail());
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
        assertThat(running.delivery.topics())
                .isEqualTo((int) readers.stream().map(r -> r.id).distinct().count() + sessionSide.topics());
        assertThat(running.windows.held()).isBetween(0L, running.delivery.topics() == 0 ? 0 : maxWindowBytes);
    }

    private void end(Server running) throws IOException {
        drain(running);
        compare(running);
        assertThat(running.streams.releases()).as("outbox").isEmpty();
        assertThat(running.streams.orphanedPins()).as("pins").isEmpty();
        assertThat(model.orphanedPins()).as("pins").isEmpty();

        now += 1_000_000;
        for (var due = running.streams.due(now, 3); !due.isEmpty(); due = running.streams.due(now, 3)) {
            due.forEach(expire -> running.enqueue(expire, Forks.ignore()));
            drain(running);
        }
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
        assertThat(rows(storage.store(), Table.OUTBOX)).isEmpty();
        compareWithReplayFromZero(running);
    }

    private void compareWithReplayFromZero(Server running) throws IOException {
        Store other = new SimulatedStore();
        Streams streams = new Streams(other, maxCached);
        Sessions sessions = new Sessions(other, maxCached);
        List<Shard> shards = new ArrayList<>();
        for (int i = 0; i < shardCount; i++) {
            shards.add(new Shard(
                    i,
                    other,
                    streams,
                    new Subscriptions(other),
                    sessions,
                    new Delivery(streams, sessions, RETHROW, Memory.ofHeap().windows()),
                    release -> {},
                    RETHROW));
        }
        Recovery.run(new Tape(written), shards);
        shards.forEach(shard -> shard.mark(durable));
        running.shards.forEach(shard -> shard.mark(durable));
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

    private static List<String> dump(Store store, Table table) {
        HexFormat hex = HexFormat.of();
        return rows(store, table).stream()
                .map(row -> hex.formatHex(row.key()) + "=" + hex.formatHex(row.value()))
                .toList();
    }

    /** An engine whose threads are steps. */
    private final class Server {
        final Streams streams = new Streams(storage.store(), maxCached);
        final Sessions sessions = new Sessions(storage.store(), maxCached);
        final Purse windows = new Memory(0, Map.of(Memory.Kind.WINDOWS, maxWindowBytes)).windows();
        final Delivery delivery = new Delivery(streams, sessions, RETHROW, maxRecent, windows);
        final Subscriptions subscriptions = new Subscriptions(storage.store());
        final Forks forks = new Forks(this::enqueue, () -> "pin" + made++);
        final List<Shard> shards = new ArrayList<>();
        final List<Deque<Task>> tasks = new ArrayList<>();
        final List<Committer.Submission> pending = new ArrayList<>();
        final Journal journal;
        final Committer committer;

        Server() throws IOException {
            Store store = new Watched(storage.store());
            for (int i = 0; i < shardCount; i++) {
                shards.add(new Shard(
                        i,
                        store,
                        streams,
                        subscriptions,
                        sessions,
                        delivery,
                        release -> forks.release(release, 0),
                        RETHROW));
                tasks.add(new ArrayDeque<>());
            }
            journal = open();
            committer = new Committer(journal);
        }

        private Journal open() throws IOException {
            try {
                Watch opened = new Watch(new LocalJournal(disk, SEGMENT_BYTES, MAX_RECORD_BYTES, Runnable::run));
                Recovery.run(opened, shards);
                opened.checkReplayed();
                return opened;
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("simulated");
                throw points.crash();
            }
        }

        <O> void enqueue(Command<O> command, Reply<O> reply) {
            pending.add(new Committer.Submission(command, new Checked<>(command, reply, this)));
        }

        void commit(int most) throws IOException {
            List<Committer.Submission> group = pending.subList(0, Math.min(most, pending.size()));
            List<Committer.Submission> submissions = List.copyOf(group);
            group.clear();
            trace.accept("commit " + submissions.size());
            committer.commit(
                    submissions,
                    this::dispatch,
                    (submission, reason) -> submission.reply().failed(new StorageFullException("refused", reason)));
            if (pending.isEmpty()) {
                journal.idle();
            }
        }

        private void dispatch(List<Shard.Work> group) {
            for (Shard.Work work : group) {
                durable = work.position();
                ((Checked<?>) Objects.requireNonNull(work.reply())).expect(work.position());
            }
            points.point();
            for (int i = 0; i < shardCount; i++) {
                int shard = i;
                List<Shard.Work> share = group.stream()
                        .filter(work -> Shard.indexOf(work.command(), shardCount) == shard)
                        .toList();
                if (!share.isEmpty()) {
                    tasks.get(i).add(() -> shards.get(shard).apply(share));
                }
            }
        }

        void work(int shard) throws IOException {
            Task task = tasks.get(shard).poll();
            if (task != null) {
                trace.accept("apply in shard " + shard);
                points.point();
                task.run();
            }
        }

        void checkpoint() {
            trace.accept("checkpoint");
            long position = committer.end();
            int[] left = {shardCount};
            for (int i = 0; i < shardCount; i++) {
                Shard shard = shards.get(i);
                tasks.get(i).add(() -> {
                    shard.mark(position);
                    if (--left[0] == 0) {
                        long upTo =
                                shards.stream().mapToLong(Shard::applied).min().orElseThrow();
                        storeFlush();
                        journal.truncateBefore(upTo);
                    }
                });
            }
        }

        private void storeFlush() {
            points.point();
            storage.store().flush();
            points.point();
        }
    }

    private interface Task {
        void run() throws IOException;
    }

    /** What the models say of a command that is durable. */
    private Object happen(long position, Command<?> command) {
        return switch (command) {
            case StreamCommand<?> c -> model.apply(position, c);
            case SessionCommand<?> c -> sessionSide.model().apply(position, c);
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
    }

    /** Compares an outcome with the model's, and lets crashes come before the answer leaves. */
    private final class Checked<O> implements Reply<O> {
        private final Command<?> command;
        private final Reply<O> reply;
        private final Server server;
        private @Nullable Object expected;
        private Model.@Nullable Doc doc;
        private SessionModel.@Nullable Room room;

        Checked(Command<?> command, Reply<O> reply, Server server) {
            this.command = command;
            this.reply = reply;
            this.server = server;
        }

        void expect(long position) {
            expected = happen(position, command);
            doc = command instanceof StreamCommand<?> c ? model.docs().get(c.path()) : null;
            room = command instanceof SessionCommand<?> c ? sessionSide.model().room(c.session()) : null;
            trace.accept(position + " " + command + " -> " + expected);
        }

        @Override
        public void done(O outcome) {
            points.point();
            assertThat(Model.comparable(outcome)).as("outcome of %s", command).isEqualTo(expected);
            if (outcome instanceof StreamOutcome.Appended appended && doc != null && model.exists(doc.id)) {
                checkReadable(doc, appended.tail());
            }
            if (command instanceof SessionCommand<?> c && outcome instanceof Accepted accepted) {
                checkReadable(c, accepted);
            }
            reply.done(outcome);
        }

        /** Who has an answer can read what it is about. */
        private void checkReadable(Model.Doc stream, long tail) {
            StreamState state = Objects.requireNonNull(server.streams.find(stream.path));
            assertThat(state.id()).isEqualTo(stream.id);
            assertThat(state.tail()).isGreaterThanOrEqualTo(tail);
            if (tail > 0) {
                checkEntries(stream, tail - 1, server.streams.read(state, tail - 1, 1));
            }
        }

        private void checkReadable(SessionCommand<?> sessionCommand, Accepted accepted) {
            SessionState state = server.sessions.find(sessionCommand.session());
            if (room != null && state != null && room.id == state.id()) {
                assertThat(accepted.positions()).allSatisfy(at -> assertThat(at).isLessThanOrEqualTo(state.last()));
            }
        }

        @Override
        public void failed(Exception failure) {
            points.point();
            assertThat(expected).as("refused, but in the journal").isNull();
            reply.failed(failure);
        }
    }

    /** The store with crashes around its writes. */
    private final class Watched implements Store {
        private final Store store;

        Watched(Store store) {
            this.store = store;
        }

        @Override
        public byte @Nullable [] get(Table table, byte[] key) {
            return store.get(table, key);
        }

        @Override
        public Rows scan(Table table, byte[] from, byte[] to) {
            return store.scan(table, from, to);
        }

        @Override
        public Rows scanBackwards(Table table, byte[] from, byte[] to) {
            return store.scanBackwards(table, from, to);
        }

        @Override
        public Moment snapshot() {
            return store.snapshot();
        }

        @Override
        public void write(List<Change> batch) {
            points.point();
            store.write(batch);
            points.point();
        }

        @Override
        public void flush() {
            store.flush();
        }

        @Override
        public long unwrittenBytes() {
            return store.unwrittenBytes();
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
            Map<Long, byte[]> expected = written.subMap(from, true, last, true);
            assertThat(replayed.keySet()).isEqualTo(expected.keySet());
            expected.forEach((at, bytes) -> assertThat(replayed.get(at)).isEqualTo(bytes));
            written.tailMap(last, false).clear();
            written.tailMap(durable, false).forEach((at, bytes) -> {
                Command<?> command = CommandCodec.read(ByteBuffer.wrap(bytes));
                trace.accept("survived: " + at + " " + command + " -> " + happen(at, command));
            });
            durable = last;
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
