package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.Committer.Submission;
import dev.parley.engine.Pipeline.ApplyStep;
import dev.parley.engine.Pipeline.Checkpoint;
import dev.parley.engine.Pipeline.CommitStep;
import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.SubmissionId;
import dev.parley.engine.life.Boot;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
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
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A simulated life of three engines on one shared log. Everything is the engine's own but the log, the stores and the
 * threads. Nodes crash, come back, send what was not acknowledged again, and are handed the log in their own time; the third
 * one may come late, with a copy of another node's store.
 *
 * <p>Each node has models of its own, which are as far as the log that it was handed. They know by the submission's id whether
 * a record is there for the first time. All outcomes and all that can be read on a node must be what its models say, and
 * nodes at the same position have the same store, byte for byte.
 */
final class ClusterHistory {
    private static final List<String> PATHS = List.of("a", "b", "dir/c");
    private static final String TYPE = "application/json";
    private static final int NODES = 3;
    private static final int MAX_STEPS = 250;
    /** After so many rounds everything that was on its way has arrived. */
    private static final int MAX_ROUNDS = 2_000;

    private static final byte[] APPLIED = "applied/0".getBytes(StandardCharsets.UTF_8);

    private final SplittableRandom random;
    private final Consumer<String> trace;
    private final SimulatedLog log;
    private final List<Node> nodes = new ArrayList<>();
    /** Commands whose node has crashed before it answered. */
    private final List<Command<?>> unanswered = new ArrayList<>();

    private final int sessionShare;
    /** Whether there are subscriptions to the streams. */
    private final boolean hasSubscriptions;

    private long now = 1_000_000;
    private int made;

    ClusterHistory(long seed, Consumer<String> trace) {
        this.random = new SplittableRandom(seed);
        this.trace = trace;
        this.log = new SimulatedLog(random);
        this.sessionShare = random.nextInt(3);
        this.hasSubscriptions = sessionShare < 2 && random.nextBoolean();
        for (int i = 0; i < NODES; i++) {
            nodes.add(new Node(i));
        }
    }

    void run() throws IOException {
        boolean late = random.nextBoolean();
        for (Node node : nodes) {
            if (!late || node.number < NODES - 1) {
                node.start();
            }
        }
        for (int steps = random.nextInt(MAX_STEPS); steps > 0; steps--) {
            step(nodes.get(random.nextInt(NODES)));
        }
        for (Node node : nodes) {
            if (node.server == null) {
                node.start();
            }
        }
        comeToRest();
        serveSubscriptions();
        end();
    }

    private void step(Node node) throws IOException {
        if (random.nextInt(3) == 0) {
            log.step();
        }
        if (node.server == null) {
            if (random.nextBoolean()) {
                node.start();
            }
            return;
        }
        Server server = node.server;
        switch (random.nextInt(23)) {
            case 0, 1, 2, 3, 4 -> {
                now += random.nextInt(3);
                Command<?> command =
                        unanswered.isEmpty() || random.nextBoolean() ? node.command() : unanswered.removeFirst();
                server.send(command);
            }
            case 5, 6, 7 -> server.commit();
            case 8, 9, 10 -> server.apply();
            case 11, 12 -> server.endpoint.tellNews();
            case 13 -> server.endpoint.sendAgain();
            case 14 -> {
                if (random.nextInt(2) < sessionShare) {
                    node.sessions.read(server.sessions, server.delivery);
                } else {
                    node.read(server);
                }
            }
            case 20 -> server.chores.depart(now);
            case 21, 22 -> {
                if (hasSubscriptions) {
                    node.subscriptions.dispatch(server.pipeline, now);
                }
            }
            case 15 -> {
                now += random.nextInt(20);
                server.chores.sweep(now);
                server.chores.depart(now);
                server.chores.giveBack(now);
                server.chores.expireWakes(now);
            }
            case 16, 17 -> server.checkpoint();
            case 18 -> {
                if (random.nextInt(3) == 0) {
                    node.crash();
                }
            }
            default -> compareStores();
        }
    }

    private void comeToRest() throws IOException {
        for (int round = 0; !isAtRest(); round++) {
            assertThat(round).as("the cluster comes to rest").isLessThan(MAX_ROUNDS);
            log.step();
            for (Node node : nodes) {
                Server server = Objects.requireNonNull(node.server);
                if (random.nextInt(4) == 0) {
                    server.endpoint.sendAgain();
                }
                server.endpoint.tellNews();
                server.commit();
                server.apply();
                server.mend();
            }
        }
    }

    private boolean isAtRest() {
        return !log.hasFlights()
                && nodes.stream()
                        .map(node -> Objects.requireNonNull(node.server))
                        .allMatch(server -> server.commits.isEmpty()
                                && server.applies.isEmpty()
                                && server.endpoint.isIdle()
                                && server.mended);
    }

    /** Lets the dispatcher of each node do what is due, and then workers do all the work, wherever they ask for it. */
    private void serveSubscriptions() throws IOException {
        if (hasSubscriptions) {
            for (Node node : nodes) {
                node.subscriptions.comeToRest(Objects.requireNonNull(node.server).pipeline, now, this::comeToRest);
            }
            for (Node node : nodes) {
                now = node.subscriptions.finish(Objects.requireNonNull(node.server).pipeline, now, this::comeToRest);
            }
        }
    }

    private void end() throws IOException {
        trace.accept("compare");
        for (Node node : nodes) {
            node.compare();
        }
        compareStores();
        Node loser = oneOf(nodes);
        nodes.forEach(node -> node.sessions.endReturns());
        if (nodes.stream().allMatch(node -> node.sessions.knowsAll())) {
            for (Node node : nodes) {
                Objects.requireNonNull(node.server).send(new Boot(now, node.number));
            }
            comeToRest();
            lose(loser, List.of());
            checkNothingIsLeft();
        }
        lose(loser, loser.sessions.loseAll(now));
        for (Node node : nodes) {
            node.compare();
            Server server = Objects.requireNonNull(node.server);
            assertThat(server.streams.due(now, 1)).isEmpty();
            assertThat(server.sessions.requests().due(now, 1)).isEmpty();
            assertThat(server.sessions.runs().atWork())
                    .as("runs of lost agents")
                    .isEmpty();
            assertThat(server.streams.releases()).as("outbox").isEmpty();
            assertThat(server.streams.orphanedPins()).as("pins").isEmpty();
        }
        checkNothingIsLeft();
        if (hasSubscriptions && random.nextBoolean()) {
            loser.subscriptions.delete(Objects.requireNonNull(loser.server).pipeline, now, this::comeToRest);
            for (Node node : nodes) {
                assertThat(History.dump(node.store, Table.SUBSCRIPTIONS)).isEmpty();
            }
        }
        assertThat(compareStores()).as("nodes at the end of the log").isEqualTo(NODES);
    }

    private void checkNothingIsLeft() {
        for (Node node : nodes) {
            for (Table table : History.LEFT_BY_CONNECTIONS) {
                assertThat(History.dump(node.store, table))
                        .as("what lost connections have left in %s", table)
                        .isEmpty();
            }
        }
    }

    /** Connections are lost, and their time passes. */
    private void lose(Node loser, List<Lost> losses) throws IOException {
        for (Lost lost : losses) {
            Objects.requireNonNull(loser.server).send(lost);
        }
        comeToRest();
        for (int round = 0;
                nodes.stream().anyMatch(node -> node.sessions.hasEarlier(Objects.requireNonNull(node.server).sessions));
                round++) {
            assertThat(round).as("sessions are told of lost connections").isLessThan(MAX_ROUNDS);
            for (Node node : nodes) {
                Objects.requireNonNull(node.server).chores.depart(now);
            }
            comeToRest();
        }
        now += 1_000_000;
        for (int round = 0; round < MAX_ROUNDS; round++) {
            boolean isDue = false;
            for (Node node : nodes) {
                Server server = Objects.requireNonNull(node.server);
                isDue |= !server.streams.due(now, 1).isEmpty()
                        || !server.sessions.attendances().departures(now, 1).isEmpty()
                        || !server.sessions.requests().due(now, 1).isEmpty();
                server.chores.sweep(now);
                // Each node finds the same that is due, and it happens once.
                server.chores.depart(now);
                server.chores.giveBack(now);
                server.chores.expireWakes(now);
            }
            comeToRest();
            if (!isDue) {
                break;
            }
        }
    }

    /** Nodes at the same position have the same store. Returns how many were at the position of the first one. */
    private int compareStores() {
        Map<Long, Map<Table, List<String>>> known = new HashMap<>();
        long first = -1;
        int same = 0;
        for (Node node : nodes) {
            byte[] mark = node.store.get(Table.META, APPLIED);
            long position = mark == null ? 0 : new BinaryReader(mark).fixed64();
            first = first < 0 ? position : first;
            same += position == first ? 1 : 0;
            Map<Table, List<String>> tables = new HashMap<>();
            for (Table table : Table.values()) {
                tables.put(table, History.dump(node.store, table));
            }
            Map<Table, List<String>> other = known.putIfAbsent(position, tables);
            if (other != null) {
                for (Table table : Table.values()) {
                    assertThat(tables.get(table))
                            .as("%s of node %d at %d", table, node.number, position)
                            .isEqualTo(other.get(table));
                }
            }
        }
        return same;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    private SimulatedStore copy(Store from) {
        SimulatedStore copy = new SimulatedStore();
        List<Change> changes = new ArrayList<>();
        for (Table table : Table.values()) {
            try (Rows rows = from.scan(table, History.FIRST, History.LAST)) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    changes.add(new Change.Put(table, row.key(), row.value()));
                }
            }
        }
        copy.write(changes);
        copy.flush();
        return copy;
    }

    /** A machine: its store, its clients, its readers, and what the models know of the log that it was handed. */
    private final class Node {
        final int number;
        final Model model = new Model();
        final SessionSide sessions;
        final SubscriptionSide subscriptions;
        final RegistrySide registry = new RegistrySide(random);
        final List<Reader> readers = new ArrayList<>();
        SimulatedStore store = new SimulatedStore();

        @Nullable
        Server server;

        long life;
        /** Where the log may not be freed, as long as the node is down. */
        long needed;

        private final Set<SubmissionId> seen = new HashSet<>();
        private final Map<Long, Long> lives = new HashMap<>();
        private final List<Long> identities = new ArrayList<>();
        private long identifiedAt;
        private long known;
        /** What must become of the records that were handed over, by position; null of those without effect. */
        private final Map<Long, Object> expected = new HashMap<>();

        Node(int number) {
            this.number = number;
            this.sessions = new SessionSide(number, random, ClusterHistory.this.trace, this::meanwhile);
            this.subscriptions = new SubscriptionSide("w" + number + "-", random, PATHS);
        }

        void start() throws IOException {
            if (life == 0) {
                // A newcomer: with the store that another node has, or on a log that is there from its beginning.
                for (Node other : nodes) {
                    if (other.server != null && other.server.endpoint.needed() > 0) {
                        trace.accept("node " + number + " starts from the checkpoint of " + other.number);
                        store = copy(other.store);
                        break;
                    }
                }
            }
            life++;
            trace.accept("node " + number + " begins life " + life);
            Server started = new Server(this);
            server = started;
            started.pipeline.recover();
            Identities identity = Identities.in(store);
            if (identity == null) {
                started.send(new Identify(now, random.nextLong(), started.pipeline.isEmpty()));
            }
            started.send(new Boot(now, number));
            readers.removeIf(reader -> !reader.attach(started));
            sessions.resume(started.sessions, started.delivery);
            registry.start(started.registry);
            subscriptions.start(started.subscriptions);
        }

        void crash() {
            trace.accept("node " + number + " crashes");
            Server dead = Objects.requireNonNull(server);
            needed = dead.endpoint.needed();
            server = null;
            unanswered.addAll(dead.waiting);
            readers.forEach(Reader::detach);
            sessions.detach();
            store.crash(random);
        }

        private <T> T meanwhile(java.util.function.Supplier<T> read) {
            Server running = Objects.requireNonNull(server);
            if (random.nextInt(3) == 0 && !running.atWork) {
                running.apply();
            }
            return read.get();
        }

        /** The node is handed an entry: the models learn of it before anybody is told. */
        void learn(SimulatedLog.Entry entry) {
            if (entry.position() <= known) {
                return;
            }
            known = entry.position();
            SubmissionId id = entry.id();
            boolean counts = seen.add(id) && id.life() >= lives.getOrDefault(id.node(), 0L);
            if (counts) {
                lives.put(id.node(), id.life());
                Command<?> command = CommandCodec.read(ByteBuffer.wrap(entry.bytes()));
                Object outcome = happen(entry.position(), command);
                expected.put(entry.position(), outcome);
                trace.accept("node " + number + ": " + entry.position() + " " + id + " " + command + " -> " + outcome);
            } else {
                trace.accept("node " + number + ": " + entry.position() + " " + id + " once more");
            }
        }

        private Object happen(long position, Command<?> command) {
            return switch (command) {
                case StreamCommand<?> c -> model.apply(position, c);
                case SessionCommand<?> c -> sessions.model().apply(position, c);
                case SubscriptionCommand<?> c -> subscriptions.happen(position, c, model);
                case RegistryCommand<?> c -> registry.happen(c);
                case Boot c -> sessions.happen(c);
                case Identify c -> {
                    if (identities.isEmpty()) {
                        identifiedAt = position;
                        identities.add(c.value());
                    }
                    yield new Identities(identifiedAt, true, List.copyOf(identities));
                }
                default -> throw new IllegalArgumentException("no model for " + command);
            };
        }

        // What clients ask.

        Command<?> command() {
            if (random.nextInt(8) == 0) {
                return registry.command(now);
            }
            if (random.nextInt(2) < sessionShare) {
                return sessions.command(now);
            }
            if (hasSubscriptions && random.nextInt(3) == 0) {
                return subscriptions.command(
                        Objects.requireNonNull(server).pipeline.projections(), now);
            }
            String path = oneOf(PATHS);
            return switch (random.nextInt(14)) {
                case 0, 1 -> create(path, null);
                case 2, 3, 4, 5 -> create(path, fork());
                case 6 -> new Delete(path, now);
                case 7 -> new Touch(path, now);
                default -> append(path);
            };
        }

        private Create create(String path, @Nullable Fork fork) {
            Payload payload = random.nextBoolean() ? payload() : Payload.empty();
            long ttl = random.nextInt(5) == 0 ? 5 + random.nextInt(58) : StreamCommand.NONE;
            return new Create(path, now, fork == null ? TYPE : null, ttl, StreamCommand.NONE, false, payload, fork);
        }

        private Fork fork() {
            String source = oneOf(PATHS);
            Model.Doc doc = model.docs().get(source);
            if (doc == null || random.nextInt(4) == 0) {
                return new Fork(source, null, 0, null);
            }
            long position = random.nextInt(doc.units.size() + 1);
            long owner = doc.incarnations.entrySet().stream()
                    .filter(range -> range.getValue()[0] <= position && position <= range.getValue()[1])
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElse(doc.id);
            Place place = new Place.Named(owner, model.ever(owner).path.hashCode(), position);
            return new Fork(source, place, random.nextInt(3), null);
        }

        private Append append(String path) {
            Model.Doc doc = model.docs().get(path);
            String producer = oneOf(List.of("", "p" + number));
            ProducerTag last = doc == null ? null : doc.producers.get(producer);
            ProducerTag tag = producer.isEmpty()
                    ? null
                    : last == null
                            ? new ProducerTag(producer, 0, 0)
                            : new ProducerTag(producer, last.epoch(), last.seq() + random.nextInt(2));
            return new Append(path, now, TYPE, payload(), random.nextInt(30) == 0, tag, null);
        }

        private Payload payload() {
            List<String> messages = new ArrayList<>();
            for (int count = 1 + random.nextInt(3); count > 0; count--) {
                messages.add("\"" + made++ + "x".repeat(random.nextInt(30)) + "\"");
            }
            return Payload.ofMessages(
                    String.join(",", messages).getBytes(StandardCharsets.US_ASCII),
                    messages.stream().mapToInt(String::length).toArray());
        }

        // What readers see.

        void read(Server running) {
            if (readers.size() < 4 && random.nextInt(3) == 0) {
                StreamState state = running.streams.find(oneOf(PATHS));
                if (state != null) {
                    Reader reader = new Reader(this, state.path(), state.id(), random.nextInt((int) state.tail() + 1));
                    if (reader.attach(running)) {
                        readers.add(reader);
                    }
                }
            } else if (!readers.isEmpty()) {
                Reader reader = oneOf(readers);
                if (random.nextInt(6) == 0) {
                    reader.moveTo(nodes.get(random.nextInt(NODES)));
                } else {
                    reader.read(1 + random.nextInt(100));
                }
            }
        }

        // What must hold.

        void compare() {
            Server running = Objects.requireNonNull(server);
            assertThat(running.admission.waiting()).as("waiting commands").isZero();
            assertThat(running.waiting).as("commands without an answer").isEmpty();
            List<String> paths = new ArrayList<>();
            running.streams.forEach("", state -> paths.add(state.path()));
            assertThat(paths).containsExactlyElementsOf(model.docs().keySet());
            for (Model.Doc doc : model.docs().values()) {
                StreamState state = Objects.requireNonNull(running.streams.find(doc.path));
                assertThat(List.of(state.id(), state.contentType(), state.tail(), state.closed(), state.deleted()))
                        .isEqualTo(List.of(doc.id, doc.type, (long) doc.units.size(), doc.closed, doc.deleted));
                assertThat(List.of(state.accessedAt(), (long) state.pins()))
                        .isEqualTo(List.of(doc.accessed, (long) doc.pins.size()));
                for (long at = 0; at < state.shown(); ) {
                    at = StreamSide.checkEntries(doc, at, running.streams.read(state, at, 1 + random.nextInt(300)));
                }
            }
            assertThat(model.notes()).as("outbox").isEmpty();
            assertThat(model.orphanedPins()).as("pins").isEmpty();
            readers.forEach(Reader::drained);
            List<Reader> over = readers.stream().filter(reader -> reader.ended).toList();
            over.forEach(Reader::close);
            readers.removeAll(over);
            sessions.compare(running.sessions, running.delivery);
            subscriptions.compare(running.subscriptions);
            registry.compare(running.registry);
            assertThat(running.registry.appCount()
                            + running.registry.revocationCount()
                            + running.registry.namespaceCount())
                    .isEqualTo(registry.rows());
        }
    }

    /** Follows a stream, on one node and then perhaps on another. */
    private final class Reader {
        private final String path;
        private final long id;
        private Node node;
        private long position;
        private boolean ended;
        private @Nullable Tail tail;

        Reader(Node node, String path, long id, long position) {
            this.node = node;
            this.path = path;
            this.id = id;
            this.position = position;
        }

        boolean attach(Server running) {
            StreamState state = running.streams.find(path);
            if (state == null || state.id() != id) {
                assertThat(node.model.exists(id)).as("stream %s is lost", path).isFalse();
                return false;
            }
            assertThat(state.tail()).as("tail of %s, read up to here", path).isGreaterThanOrEqualTo(position);
            tail = Objects.requireNonNull(running.delivery.tail(state, position, () -> {}));
            return true;
        }

        /** Goes on at another node, if it has what was read already. */
        void moveTo(Node other) {
            StreamState state = other.server == null ? null : other.server.streams.find(path);
            if (state != null && state.id() == id && state.tail() >= position) {
                trace.accept("a reader moves to node " + other.number);
                close();
                node.readers.remove(this);
                node = other;
                assertThat(attach(Objects.requireNonNull(other.server))).isTrue();
                other.readers.add(this);
            }
        }

        void detach() {
            tail = null;
        }

        void close() {
            Objects.requireNonNull(tail).close();
        }

        boolean read(int maxBytes) {
            Tail open = Objects.requireNonNull(tail);
            Tail.Next next = open.poll(maxBytes);
            if (next instanceof Tail.InStore) {
                next = node.meanwhile(() -> open.readStore(maxBytes));
            }
            Model.Doc doc = node.model.ever(id);
            switch (next) {
                case Tail.More more -> {
                    assertThat(more.from()).isEqualTo(position);
                    position = StreamSide.checkEntries(doc, position, more.entries());
                    assertThat(more.to()).isEqualTo(position);
                    return true;
                }
                case Tail.Nothing nothing -> {
                    assertThat(position).isEqualTo(nothing.state().shown());
                    return false;
                }
                case Tail.Ended e -> {
                    assertThat(node.model.exists(id) && !doc.deleted)
                            .as("ended alive")
                            .isFalse();
                    ended = true;
                    return false;
                }
                case Tail.InStore s -> throw new AssertionError("neither in memory nor in the store");
            }
        }

        void drained() {
            while (read(1000)) {
                trace.accept("reader of " + path + " at " + position);
            }
            assertThat(ended || position == node.model.ever(id).units.size())
                    .as("reader of %s stays at %d", path, position)
                    .isTrue();
        }
    }

    /** One life of a node: the engine's own pipeline, admission and chores. */
    private final class Server implements Pipeline.Queues {
        final Node node;
        final SimulatedLog.Endpoint endpoint;
        final Streams streams;
        final Sessions sessions;
        final Subscriptions subscriptions;
        final Registry registry;
        final Delivery delivery;
        final Admission admission;
        final Pipeline pipeline;
        final Chores chores;
        final Deque<CommitStep> commits = new ArrayDeque<>();
        final Deque<ApplyStep> applies = new ArrayDeque<>();
        /** Commands of clients that have no answer. */
        final List<Command<?>> waiting = new ArrayList<>();

        boolean mended;
        boolean atWork;
        private boolean answered;
        private @Nullable Checkpoint checkpoint;

        Server(Node node) {
            this.node = node;
            Memory memory = Memory.ofHeap();
            endpoint = log.new Endpoint(node.number, node.life, node::learn);
            streams = new Streams(node.store, 1 + random.nextInt(5));
            sessions = new Sessions(node.store, 1 + random.nextInt(5));
            subscriptions = new Subscriptions(node.store, memory.subscriptions());
            registry = new Registry(node.store);
            delivery = new Delivery(streams, sessions, History.RETHROW, 1 + random.nextInt(20), memory.windows());
            DiskRoom room = new DiskRoom(Path.of("simulated"), () -> Long.MAX_VALUE, 0, 2048, memory.commands()::held);
            room.isFor(node.store);
            admission = new Admission(1000, memory.commands(), room, History.RETHROW);
            pipeline = new Pipeline(
                    node.store,
                    endpoint,
                    1,
                    new Projections(streams, subscriptions, sessions, registry, delivery),
                    admission,
                    new PinIds(node.number + "-", () -> "pin" + made++),
                    History.RETHROW,
                    cause -> {
                        throw cause instanceof Error error ? error : new AssertionError(cause);
                    },
                    this);
            chores = new Chores(
                    pipeline,
                    room,
                    new Chores.Portions(10, 10, 10, 10, 1 + random.nextInt(10), random.nextInt(40)),
                    node.number);
        }

        <O> void send(Command<O> command) {
            waiting.add(command);
            pipeline.submit(command, new Reply<>() {
                @Override
                public void done(O outcome) {
                    waiting.remove(command);
                    answered = true;
                    if (command instanceof Boot boot && boot.node() == node.number) {
                        chores.begin(node.sessions::told);
                    }
                }

                @Override
                public void failed(Exception failure) {
                    throw new AssertionError("refused: " + command, failure);
                }
            });
        }

        /** Nothing of an earlier life can follow, once something of this life was applied. */
        void mend() {
            if (answered && !mended) {
                mended = true;
                chores.mend(now);
            }
        }

        @Override
        public boolean commit(CommitStep step) {
            commits.add(
                    step instanceof Submission submission
                            ? new Submission(
                                    submission.command(), new Checked<>(submission.command(), submission.reply(), node))
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
                    if (work.reply() instanceof Checked<?> checked) {
                        checked.expect(Objects.requireNonNull(
                                node.expected.get(work.position()), "a reply of a record without effect"));
                    }
                }
            }
            applies.add(step);
        }

        void commit() throws IOException {
            List<CommitStep> steps = new ArrayList<>();
            for (int most = random.nextInt(8); most >= 0 && !commits.isEmpty(); most--) {
                steps.add(commits.remove());
            }
            if (!steps.isEmpty()) {
                pipeline.commit(steps);
            }
        }

        void apply() {
            ApplyStep step = applies.poll();
            if (step != null) {
                atWork = true;
                pipeline.apply(0, step);
                atWork = false;
            }
            mend();
        }

        void checkpoint() throws IOException {
            Checkpoint begun = checkpoint;
            if (begun == null) {
                checkpoint = pipeline.checkpoint();
            } else if (begun.isMarked()) {
                checkpoint = null;
                pipeline.finish(begun);
                trace.accept("node " + node.number + " has a checkpoint");
                long needed = nodes.stream()
                        .filter(other -> other.life > 0)
                        .mapToLong(other -> other.server == null ? other.needed : other.server.endpoint.needed())
                        .min()
                        .orElseThrow();
                log.free(needed);
            }
        }
    }

    /** Compares an outcome with the one of the node's models. */
    private static final class Checked<O> implements Reply<O> {
        private final Command<?> command;
        private final Reply<O> reply;
        private final Node node;
        private @Nullable Object expectation;
        private boolean answered;

        Checked(Command<?> command, Reply<O> reply, Node node) {
            this.command = command;
            this.reply = reply;
            this.node = node;
        }

        void expect(Object outcome) {
            expectation = outcome;
        }

        @Override
        public void done(O outcome) {
            assertThat(answered).as("answered twice").isFalse();
            answered = true;
            assertThat(Model.comparable(outcome))
                    .as("outcome of %s", command)
                    .isEqualTo(Objects.requireNonNull(expectation, "answered before it is in the log"));
            if (outcome instanceof StreamOutcome.Appended appended && command instanceof StreamCommand<?> c) {
                StreamState state = Objects.requireNonNull(node.server).streams.find(c.path());
                assertThat(state == null || state.id() != appended.streamId() || state.tail() >= appended.tail())
                        .as("who has an answer can read what it is about")
                        .isTrue();
            }
            reply.done(outcome);
        }

        @Override
        public void failed(Exception failure) {
            assertThat(answered).as("answered twice").isFalse();
            answered = true;
            reply.failed(failure);
        }
    }
}
