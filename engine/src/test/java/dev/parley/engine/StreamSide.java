package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.Tail;
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
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.Streams;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The streams of a {@link History}: what clients ask, what readers must see, and what must hold.
 *
 * <p>A reader checks the entries that it is given, one after the other, against the model.
 */
final class StreamSide {
    static final List<String> PATHS = List.of("a", "b", "dir/c", "dir/d");
    private static final List<String> TYPES =
            List.of("application/json", "application/json", "text/plain", "Application/JSON; charset=utf-8");
    private static final List<String> CHARACTERS = List.of("x", "\u00e9", "\u20ac", "\ud83d\ude00");
    private static final int MAX_READERS = 6;

    private final SplittableRandom random;
    private final Consumer<String> trace;
    private final SessionSide.Meanwhile meanwhile;
    private final Model model = new Model();
    private final List<Reader> readers = new ArrayList<>();
    private int made;

    StreamSide(SplittableRandom random, Consumer<String> trace, SessionSide.Meanwhile meanwhile) {
        this.random = random;
        this.trace = trace;
        this.meanwhile = meanwhile;
    }

    Model model() {
        return model;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    // What clients ask.

    StreamCommand<?> command(long now) {
        String path = oneOf(PATHS);
        return switch (random.nextInt(20)) {
            case 0, 1 -> create(path, null, now);
            case 2, 3, 4, 5 -> create(path, fork(), now);
            case 6, 7 -> new Delete(path, now);
            case 8 -> new Touch(path, now);
            default -> append(path, now);
        };
    }

    private Create create(String path, @Nullable Fork fork, long now) {
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

    private Append append(String path, long now) {
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

    // What readers do.

    /** The server is gone. */
    void detach() {
        readers.forEach(Reader::detach);
    }

    /** Readers come back to another server, but for those whose streams are gone. */
    void resume(Streams streams, Delivery delivery) {
        readers.removeIf(reader -> !reader.attach(streams, delivery));
    }

    void read(Streams streams, Delivery delivery) {
        if (readers.size() < MAX_READERS && random.nextInt(3) == 0) {
            StreamState state = streams.find(oneOf(PATHS));
            if (state != null) {
                Reader reader = new Reader(state, random.nextInt((int) state.tail() + 1), random.nextBoolean());
                if (reader.attach(streams, delivery)) {
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

        boolean attach(Streams streams, Delivery delivery) {
            StreamState state = streams.find(path);
            if (state == null || state.id() != id) {
                assertThat(model.exists(id)).as("stream %s is lost", path).isFalse();
                return false;
            }
            assertThat(state.tail()).as("tail of %s, read up to here", path).isGreaterThanOrEqualTo(position);
            tail = Objects.requireNonNull(delivery.tail(state, position, () -> told(streams)));
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
        private void told(Streams streams) {
            StreamState state = streams.find(path);
            if (state != null && state.id() == id && state.shown() > 0) {
                long last = state.shown() - 1;
                checkEntries(model.ever(id), last, streams.read(state, last, 1));
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
                next = meanwhile.read(() -> open.readStore(maxBytes));
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

    /** Compares when nothing is under way; {@code hasRefused} tells whether pins are still to be given back. */
    void compare(Streams streams, boolean hasRefused) {
        List<String> paths = new ArrayList<>();
        streams.forEach("", state -> paths.add(state.path()));
        assertThat(paths).containsExactlyElementsOf(model.docs().keySet());
        for (Model.Doc doc : model.docs().values()) {
            StreamState state = Objects.requireNonNull(streams.find(doc.path));
            assertThat(List.of(state.id(), state.contentType(), state.tail(), state.closed(), state.deleted()))
                    .isEqualTo(List.of(doc.id, doc.type, (long) doc.units.size(), doc.closed, doc.deleted));
            assertThat(List.of(state.ttlMillis(), state.expiresAt(), state.accessedAt(), (long) state.pins()))
                    .isEqualTo(List.of(doc.ttl, doc.expiresAt, doc.accessed, (long) doc.pins.size()));
            assertThat(state.seq()).isEqualTo(doc.seq);
            assertThat(state.shown()).isEqualTo(doc.shown(state.tail(), doc.closed));
            long at = random.nextBoolean() ? 0 : random.nextInt((int) state.shown() + 1);
            while (at < state.shown()) {
                at = checkEntries(doc, at, streams.read(state, at, 1 + random.nextInt(300)));
            }
            assertThat(at).isEqualTo(state.shown());
        }
        assertThat(streams.releases()).hasSameSizeAs(model.notes());
        if (!hasRefused) {
            assertThat(model.notes()).as("outbox").isEmpty();
            assertThat(model.orphanedPins()).as("pins").isEmpty();
        }
        readers.forEach(Reader::drained);
        List<Reader> over = readers.stream().filter(reader -> reader.ended).toList();
        over.forEach(Reader::close);
        readers.removeAll(over);
    }

    int topics() {
        return (int) readers.stream().map(reader -> reader.id).distinct().count();
    }
}
