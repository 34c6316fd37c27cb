package dev.parley.engine;

import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Expire;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Settle;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamCommand.Unpin;
import dev.parley.engine.stream.StreamOutcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the protocol says of streams, as simply as can be: a stream is a list, a fork is a copy of one.
 *
 * <p>Written from the protocol's text, for comparison. Lifetimes are below 64 milliseconds, as the engine counts them to
 * a 64th.
 */
final class Model {
    static final class Doc {
        final String path;
        final long id;
        final String type;
        final long ttl;
        final long expiresAt;
        long accessed;
        boolean closed;
        boolean deleted;

        @Nullable
        String seq;
        /** Bytes or messages; the index is the position. */
        final List<String> units = new ArrayList<>();
        /** Where appends end. */
        final TreeSet<Long> ends = new TreeSet<>();

        final Map<String, ProducerTag> producers = new HashMap<>();
        final TreeMap<String, String> pins = new TreeMap<>();

        @Nullable
        Fork fork;

        @Nullable
        Grant grant;

        /** Which incarnation had which positions, from (0) to (1): those of the ancestors, and its own. */
        final TreeMap<Long, long[]> incarnations = new TreeMap<>();

        Doc(Create create, long id, String type, long ttl, long expiresAt) {
            this.path = create.path();
            this.id = id;
            this.type = type;
            this.ttl = ttl;
            this.expiresAt = expiresAt;
            this.accessed = create.time();
        }

        boolean expired(long time) {
            return (ttl >= 0 && time >= accessed + ttl) || (expiresAt >= 0 && time >= expiresAt);
        }

        void access(long time) {
            if (ttl >= 0) {
                accessed = Math.max(accessed, time);
            }
        }

        /** Where somebody begins who reads from {@code position}: there, or at the start of the append that it is inside. */
        long begin(long position) {
            Long end = ends.floor(position);
            return isJson(type) ? position : end == null ? 0 : end;
        }

        Place.Resolved resolve(Place place) {
            return switch (place) {
                case Place.Start start -> new Place.At(0);
                case Place.Lapsed lapsed ->
                    lapsed.pathHash() == path.hashCode() ? new Place.Earlier() : new Place.Unknown();
                case Place.Unnamed unnamed -> {
                    // All of a stream of that time is of that time; else what it inherits may be.
                    boolean known = id < unnamed.before()
                            || incarnations.headMap(unnamed.before()).values().stream()
                                    .anyMatch(
                                            range -> range[0] <= unnamed.position() && unnamed.position() <= range[1]);
                    yield !known
                            ? new Place.Earlier()
                            : unnamed.position() > units.size()
                                    ? new Place.Beyond(units.size())
                                    : new Place.At(unnamed.position());
                }
                case Place.Named named -> {
                    long[] range = incarnations.get(named.streamId());
                    if (range == null) {
                        yield named.streamId() < id && named.pathHash() == path.hashCode()
                                ? new Place.Earlier()
                                : new Place.Unknown();
                    }
                    yield named.position() < range[0]
                            ? new Place.Unknown()
                            : named.position() > range[1] ? new Place.Beyond(range[1]) : new Place.At(named.position());
                }
            };
        }

        boolean isText() {
            return type.startsWith("text/");
        }

        /** How many bytes the character lacks that text from {@code from} to {@code end} ends with. */
        int missing(long from, long end) {
            for (int back = 1; isText() && back < 4 && from <= end - back; back++) {
                int unit = units.get((int) end - back).charAt(0);
                if (unit >> 6 != 0b10) {
                    int length = unit >= 0xF0 ? 4 : unit >= 0xE0 ? 3 : unit >= 0xC0 ? 2 : 1;
                    return Math.max(0, length - back);
                }
            }
            return 0;
        }

        /** Where its own data begins. */
        long base() {
            return grant == null ? 0 : grant.units.size();
        }

        /** How far readers see it when it ends at {@code tail}: of an open text not what ends inside a character. */
        long shown(long tail, boolean isClosed) {
            if (isClosed || !isText()) {
                return tail;
            }
            return ends.headSet(tail, true).tailSet(base(), false).descendingSet().stream()
                    .filter(end -> missing(base(), end) == 0)
                    .findFirst()
                    .orElse(base());
        }

        /** Whether a reader who began at {@code from} may be told to go on from {@code end}, which is the end of an append. */
        boolean mayEnd(long from, long end) {
            return missing(from, end) == 0
                    || end == base()
                    || (end > base() && missing(base(), end) == 0)
                    || (closed && end == units.size());
        }

        void add(Payload payload) {
            incarnations.computeIfAbsent(id, own -> new long[] {units.size(), 0})[1] =
                    (long) units.size() + payload.units();
            units.addAll(Model.units(payload));
            if (!payload.isEmpty()) {
                ends.add((long) units.size());
            }
        }
    }

    record Grant(Doc source, String pinId, List<String> units, Set<Long> ends, Map<Long, long[]> incarnations) {}

    /** What can be compared of a {@code Created} or {@code Existed}. */
    record Stands(boolean fresh, long id, String type, long tail, boolean closed) {}

    /** What can be compared of a {@code PinGranted}. */
    record Granted(String pinId, long point, String type, long ttl, long expiresAt, long sourceId) {}

    /** A refusal whose words are the engine's own. */
    record Conflict() {}

    private final TreeMap<String, Doc> docs = new TreeMap<>();
    private final Map<Long, Doc> everById = new TreeMap<>();
    private final Map<String, Grant> grants = new HashMap<>();
    private final TreeSet<Long> notes = new TreeSet<>();

    /** Streams that are there, soft-deleted and overdue ones included. */
    SortedMap<String, Doc> docs() {
        return docs;
    }

    /** A stream that is or was there. */
    Doc ever(long id) {
        return Objects.requireNonNull(everById.get(id), () -> "no stream was ever created at " + id);
    }

    /** All streams that ever were. */
    Collection<Doc> ever() {
        return everById.values();
    }

    boolean exists(long id) {
        Doc doc = docs.get(ever(id).path);
        return doc != null && doc.id == id;
    }

    /** Notes of forks that are gone and whose sources have not heard of it. */
    Set<Long> notes() {
        return notes;
    }

    static List<String> units(Payload payload) {
        List<String> units = new ArrayList<>();
        String text = new String(payload.bytes(), StandardCharsets.ISO_8859_1);
        int[] lengths = payload.lengths();
        if (lengths == null) {
            text.chars().forEach(c -> units.add(Character.toString(c)));
        } else {
            int start = 0;
            for (int length : lengths) {
                units.add(text.substring(start, start + length));
                start += length + 1;
            }
        }
        return units;
    }

    /** An outcome of the engine in the form of {@link #apply}. */
    static Object comparable(Object outcome) {
        return switch (outcome) {
            case StreamOutcome.Created(var s) -> new Stands(true, s.id(), s.contentType(), s.tail(), s.closed());
            case StreamOutcome.Existed(var s) -> new Stands(false, s.id(), s.contentType(), s.tail(), s.closed());
            case StreamOutcome.ConfigDiffers c -> new Conflict();
            case StreamOutcome.ForkTypeDiffers c -> new Conflict();
            case StreamOutcome.PinGranted(var p) ->
                new Granted(p.pinId(), p.position(), p.contentType(), p.ttlMillis(), p.expiresAt(), p.sourceId());
            default -> outcome;
        };
    }

    Object apply(long position, StreamCommand<?> command) {
        Doc doc = docs.get(command.path());
        return switch (command) {
            case Create c -> create(c, position, doc);
            case Append c -> {
                Object absent = absent(doc, c.time());
                yield absent != null || doc == null ? Objects.requireNonNull(absent) : append(c, doc);
            }
            case Delete c -> {
                Object absent = absent(doc, c.time());
                yield absent != null || doc == null ? Objects.requireNonNull(absent) : end(doc, position);
            }
            case Touch c -> {
                if (absent(doc, c.time()) != null || doc == null) {
                    yield new StreamOutcome.NotFound();
                }
                doc.access(c.time());
                yield new StreamOutcome.Done();
            }
            case Expire c -> {
                if (doc == null || doc.id != c.id() || doc.deleted) {
                    yield new StreamOutcome.NotFound();
                }
                yield doc.expired(c.time()) ? end(doc, position) : new StreamOutcome.Done();
            }
            case Pin c -> {
                Object absent = absent(doc, c.time());
                yield absent != null || doc == null ? Objects.requireNonNull(absent) : pin(c, doc);
            }
            case Unpin c -> {
                if (doc == null || doc.id != c.id() || doc.pins.remove(c.pinId()) == null) {
                    yield new StreamOutcome.NotFound();
                }
                if (doc.deleted && doc.pins.isEmpty()) {
                    erase(doc, position);
                }
                yield new StreamOutcome.Done();
            }
            case Settle c -> {
                notes.remove(c.note());
                yield new StreamOutcome.Done();
            }
        };
    }

    private static @Nullable Object absent(@Nullable Doc doc, long time) {
        if (doc == null || (!doc.deleted && doc.expired(time))) {
            return new StreamOutcome.NotFound();
        }
        return doc.deleted ? new StreamOutcome.Gone() : null;
    }

    private Object end(Doc doc, long position) {
        if (doc.pins.isEmpty()) {
            erase(doc, position);
        } else {
            doc.deleted = true;
        }
        return new StreamOutcome.Done();
    }

    private void erase(Doc doc, long position) {
        docs.remove(doc.path);
        if (doc.fork != null) {
            notes.add(position);
        }
    }

    private Object create(Create c, long position, @Nullable Doc found) {
        if (found != null && !found.deleted && found.expired(c.time())) {
            end(found, position);
        }
        Doc existing = docs.get(c.path());
        if (existing != null) {
            return confirm(c, existing);
        }
        Fork fork = c.fork();
        Grant grant = null;
        if (fork != null) {
            if (fork.pin() == null) {
                return new StreamOutcome.PinNeeded();
            }
            grant = Objects.requireNonNull(grants.get(fork.pin().pinId()));
            if (docs.get(fork.sourcePath()) != grant.source || !grant.source.pins.containsKey(grant.pinId)) {
                throw new AssertionError("a fork of data that nothing holds: " + c);
            }
        }
        String type = c.contentType();
        if (type == null) {
            type = grant == null ? "application/octet-stream" : grant.source.type;
        }
        if (grant != null
                && (!sameType(type, grant.source.type)
                        || (!c.payload().isEmpty() && isJson(type) != isJson(c.payload())))) {
            return new Conflict();
        }
        Doc doc = grant != null && c.ttlMillis() < 0 && c.expiresAt() < 0
                ? new Doc(c, position, type, grant.source.ttl, grant.source.expiresAt)
                : new Doc(c, position, type, c.ttlMillis(), c.expiresAt());
        if (grant != null) {
            doc.fork = fork;
            doc.grant = grant;
            doc.units.addAll(grant.units);
            doc.ends.addAll(grant.ends);
            grant.incarnations.forEach((id, range) -> doc.incarnations.put(id, range.clone()));
        }
        doc.add(c.payload());
        doc.closed = c.closed();
        docs.put(doc.path, doc);
        everById.put(doc.id, doc);
        return new Stands(true, doc.id, doc.type, doc.units.size(), doc.closed);
    }

    private static Object confirm(Create c, Doc doc) {
        if (doc.deleted) {
            return new StreamOutcome.Gone();
        }
        Fork fork = c.fork();
        Fork was = doc.fork;
        boolean same = c.closed() == doc.closed;
        if (fork != null) {
            same &= was != null && was.sourcePath().equals(fork.sourcePath());
            same &= doc.grant != null
                    && (fork.place() == null
                            ? was != null && was.place() == null
                            : doc.resolve(fork.place()) instanceof Place.At(long at)
                                    && at + fork.subOffset() == doc.grant.units.size());
        }
        String type = c.contentType() == null ? "application/octet-stream" : c.contentType();
        same &= (fork != null && c.contentType() == null) || sameType(type, doc.type);
        boolean lifetimeFromSource = was != null && c.ttlMillis() < 0 && c.expiresAt() < 0;
        same &= lifetimeFromSource || (c.ttlMillis() == doc.ttl && c.expiresAt() == doc.expiresAt);
        if (!same) {
            return new Conflict();
        }
        doc.access(c.time());
        return new Stands(false, doc.id, doc.type, doc.units.size(), doc.closed);
    }

    private static Object append(Append c, Doc doc) {
        ProducerTag tag = c.producer();
        ProducerTag last = tag == null ? null : doc.producers.get(tag.id());
        boolean accepted = tag != null && last != null && tag.epoch() == last.epoch() && tag.seq() <= last.seq();
        if (doc.closed && !accepted) {
            if (tag == null && c.close() && c.payload().isEmpty()) {
                doc.access(c.time());
                return new StreamOutcome.Appended(doc.id, doc.units.size(), true, -1, -1);
            }
            return new StreamOutcome.Closed(doc.id, doc.units.size());
        }
        if (!doc.closed
                && !c.payload().isEmpty()
                && (c.contentType() == null
                        || !sameType(c.contentType(), doc.type)
                        || isJson(doc.type) != isJson(c.payload()))) {
            return new StreamOutcome.TypeDiffers(doc.type);
        }
        if (accepted && last != null) {
            doc.access(c.time());
            return new StreamOutcome.Duplicate(doc.id, doc.units.size(), doc.closed, last.epoch(), last.seq());
        }
        if (tag != null) {
            long expected = last == null || tag.epoch() > last.epoch() ? 0 : last.seq() + 1;
            if (last != null && tag.epoch() < last.epoch()) {
                return new StreamOutcome.StaleEpoch(last.epoch());
            }
            if (tag.seq() != expected) {
                return last != null && tag.epoch() > last.epoch()
                        ? new StreamOutcome.EpochNotFromZero()
                        : new StreamOutcome.SeqGap(expected, tag.seq());
            }
        }
        if (c.expected() != null) {
            Place.Resolved resolved = doc.resolve(c.expected());
            if (resolved instanceof Place.Earlier) {
                return new StreamOutcome.EarlierPlace();
            }
            if (!(resolved instanceof Place.At(long at))) {
                return new StreamOutcome.UnknownPlace();
            }
            if (at != doc.units.size()) {
                return new StreamOutcome.TailDiffers(doc.id, doc.units.size());
            }
        }
        if (c.seq() != null) {
            if (doc.seq != null && c.seq().compareTo(doc.seq) <= 0) {
                return new StreamOutcome.SeqRegressed(doc.id, doc.units.size(), doc.seq);
            }
            doc.seq = c.seq();
        }
        if (tag != null) {
            doc.producers.put(tag.id(), tag);
        }
        doc.access(c.time());
        doc.add(c.payload());
        doc.closed = c.close();
        return new StreamOutcome.Appended(
                doc.id, doc.units.size(), doc.closed, tag == null ? -1 : tag.epoch(), tag == null ? -1 : tag.seq());
    }

    private Object pin(Pin c, Doc doc) {
        long anchor = doc.units.size();
        if (c.place() != null) {
            switch (doc.resolve(c.place())) {
                case Place.At(long at) -> anchor = at;
                case Place.Beyond(long end) -> {
                    return new StreamOutcome.BeyondTail(end);
                }
                case Place.Earlier earlier -> {
                    return new StreamOutcome.EarlierPlace();
                }
                case Place.Unknown unknown -> {
                    return new StreamOutcome.UnknownPlace();
                }
            }
        }
        if (c.subOffset() > 0 && c.inherited() != null && anchor < doc.base() && !isKnown(c.inherited(), doc, anchor)) {
            return new StreamOutcome.EntryNeeded();
        }
        Long boundary = doc.ends.higher(anchor);
        if (c.subOffset() > 0 && (boundary == null || anchor + c.subOffset() > boundary)) {
            return new StreamOutcome.BeyondEntry();
        }
        long point = anchor + c.subOffset();
        TreeSet<Long> ends = new TreeSet<>(doc.ends.headSet(point));
        if (point > 0) {
            ends.add(point);
        }
        doc.access(c.time());
        doc.pins.put(c.pinId(), c.forkPath());
        Map<Long, long[]> incarnations = new HashMap<>();
        doc.incarnations.forEach((id, range) -> {
            if (range[0] <= point) {
                incarnations.put(id, new long[] {range[0], Math.min(range[1], point)});
            }
        });
        List<String> units = List.copyOf(doc.units.subList(0, (int) point));
        grants.put(c.pinId(), new Grant(doc, c.pinId(), units, ends, incarnations));
        return new Granted(c.pinId(), point, doc.type, doc.ttl, doc.expiresAt, doc.id);
    }

    /** Whether the fact is about the stream that wrote what {@code doc} has inherited at {@code at}. */
    private static boolean isKnown(StreamCommand.Inherited fact, Doc doc, long at) {
        return fact instanceof StreamCommand.Inherited.Until(long streamId, long position, long end)
                && position == at
                && end > at
                && doc.incarnations.containsKey(streamId)
                && doc.incarnations.get(streamId)[0] <= at
                && at < doc.incarnations.get(streamId)[1];
    }

    private static boolean sameType(String a, String b) {
        return withoutParameters(a).equalsIgnoreCase(withoutParameters(b));
    }

    private static String withoutParameters(String type) {
        return type.replaceFirst(";.*", "");
    }

    static boolean isJson(String type) {
        return sameType(type, "application/json");
    }

    private static boolean isJson(Payload payload) {
        return payload.lengths() != null;
    }

    /** Pins whose fork is not there: they must not outlive {@code mend}. */
    List<String> orphanedPins() {
        List<String> orphans = new ArrayList<>();
        docs.values()
                .forEach(doc -> doc.pins.forEach((pinId, forkPath) -> {
                    Doc fork = docs.get(forkPath);
                    if (fork == null || fork.grant == null || !fork.grant.pinId.equals(pinId)) {
                        orphans.add(doc.path + " holds " + pinId + " for " + forkPath);
                    }
                }));
        return orphans;
    }
}
