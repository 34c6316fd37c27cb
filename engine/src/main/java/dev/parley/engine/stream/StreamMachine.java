package dev.parley.engine.stream;

import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Expire;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Pinned;
import dev.parley.engine.stream.StreamCommand.Settle;
import dev.parley.engine.stream.StreamCommand.Span;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamCommand.Unpin;
import dev.parley.engine.stream.StreamOutcome.Appended;
import dev.parley.engine.stream.StreamOutcome.Closed;
import dev.parley.engine.stream.StreamOutcome.ConfigDiffers;
import dev.parley.engine.stream.StreamOutcome.Created;
import dev.parley.engine.stream.StreamOutcome.Done;
import dev.parley.engine.stream.StreamOutcome.Duplicate;
import dev.parley.engine.stream.StreamOutcome.EarlierPlace;
import dev.parley.engine.stream.StreamOutcome.EpochNotFromZero;
import dev.parley.engine.stream.StreamOutcome.Existed;
import dev.parley.engine.stream.StreamOutcome.Gone;
import dev.parley.engine.stream.StreamOutcome.NotFound;
import dev.parley.engine.stream.StreamOutcome.PinGranted;
import dev.parley.engine.stream.StreamOutcome.PinNeeded;
import dev.parley.engine.stream.StreamOutcome.SeqGap;
import dev.parley.engine.stream.StreamOutcome.SeqRegressed;
import dev.parley.engine.stream.StreamOutcome.StaleEpoch;
import dev.parley.engine.stream.StreamOutcome.TailDiffers;
import dev.parley.engine.stream.StreamOutcome.TypeDiffers;
import dev.parley.engine.stream.StreamOutcome.UnknownPlace;
import dev.parley.engine.stream.StreamRows.Producer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rules for commands of streams. It is pure: the same commands in the same order give the same entries and
 * outcomes.
 *
 * <p>A refused command changes nothing. Section numbers refer to the Durable Streams protocol.
 */
public final class StreamMachine {
    /** Number of forks that may share one stream's data at the same time. */
    public static final int MAX_FORKS = 100_000;

    /** Depth to which forks of forks may inherit. */
    public static final int MAX_LINEAGE = 1_000;

    private StreamMachine() {}

    /** Applies {@code command}, which is at {@code position} in the journal, and returns its outcome. */
    public static StreamOutcome apply(StreamCommand<?> command, long position, StreamTx tx) {
        return switch (command) {
            case Append c -> append(c, tx);
            case Create c -> create(c, position, tx);
            case Delete c -> delete(c, position, tx);
            case Touch c -> touch(c, tx);
            case Expire c -> expire(c, position, tx);
            case Pin c -> pin(c, tx);
            case Unpin c -> unpin(c, position, tx);
            case Settle c -> {
                tx.settle(c.note());
                yield new Done();
            }
        };
    }

    private static StreamOutcome create(Create c, long position, StreamTx tx) {
        StreamState existing = tx.find(c.path());
        if (existing != null && !existing.deleted() && existing.expired(c.time())) {
            end(existing, position, tx);
            existing = tx.find(c.path());
        }
        if (existing != null) {
            return confirm(existing, c, tx);
        }
        Fork fork = c.fork();
        Pinned pin = fork == null ? null : fork.pin();
        if (fork != null && pin == null) {
            return new PinNeeded();
        }
        String contentType = c.contentType();
        if (contentType == null) {
            contentType = pin == null ? "application/octet-stream" : pin.contentType();
        }
        boolean inherits = c.ttlMillis() < 0 && c.expiresAt() < 0;
        long ttlMillis = pin != null && inherits ? pin.ttlMillis() : c.ttlMillis();
        long expiresAt = pin != null && inherits ? pin.expiresAt() : c.expiresAt();
        long base = pin == null ? 0 : pin.position();
        StreamState state = new StreamState(
                c.path(),
                position,
                contentType,
                ttlMillis,
                expiresAt,
                c.time(),
                c.time(),
                base,
                base,
                base,
                0,
                c.closed(),
                null,
                null,
                0,
                false,
                fork == null || pin == null
                        ? null
                        : new StreamState.Origin(
                                fork.sourcePath(),
                                pin.sourceId(),
                                pin.pinId(),
                                fork.place() == null ? StreamCommand.NONE : pin.position() - fork.subOffset(),
                                pin.lineage()));
        if (pin != null && (!state.hasType(pin.contentType()) || mismatched(state, c.payload()))) {
            return new StreamOutcome.ForkTypeDiffers(pin.contentType());
        }
        state = state.withEntry(c.payload());
        tx.create(state);
        if (!c.payload().isEmpty()) {
            tx.append(state.id(), new Entry(base, c.payload()));
        }
        return new Created(state);
    }

    /** True if the payload consists of messages and the stream of bytes, or the other way round. */
    private static boolean mismatched(StreamState state, Payload payload) {
        return !payload.isEmpty() && state.isJson() != (payload.lengths() != null);
    }

    /**
     * Answers a create of a stream that exists. It succeeds if it asks for the configuration that the stream has (5.1).
     */
    private static StreamOutcome confirm(StreamState s, Create c, StreamTx tx) {
        if (s.deleted()) {
            return new Gone();
        }
        Fork fork = c.fork();
        StreamState.Origin origin = s.origin();
        if (fork != null) {
            if (origin == null || !origin.sourcePath().equals(fork.sourcePath())) {
                return new ConfigDiffers("Stream-Forked-From");
            }
            Place place = fork.place();
            boolean samePoint = place == null
                    ? origin.requested() < 0
                    : place.in(s) instanceof Place.At(long at) && at + fork.subOffset() == s.base();
            if (!samePoint) {
                return new ConfigDiffers("Stream-Fork-Offset");
            }
        }
        if (c.contentType() == null
                ? fork == null && !s.hasType("application/octet-stream")
                : !s.hasType(c.contentType())) {
            return new ConfigDiffers("Content-Type");
        }
        boolean inherited = origin != null && c.ttlMillis() < 0 && c.expiresAt() < 0;
        if (!inherited && (s.ttlMillis() != c.ttlMillis() || s.expiresAt() != c.expiresAt())) {
            return new ConfigDiffers("Stream-TTL or Stream-Expires-At");
        }
        if (s.closed() != c.closed()) {
            return new ConfigDiffers("Stream-Closed");
        }
        return new Existed(access(s, c.time(), tx));
    }

    private static StreamOutcome append(Append c, StreamTx tx) {
        StreamState s = tx.find(c.path());
        if (s == null || (!s.deleted() && s.expired(c.time()))) {
            return new NotFound();
        }
        if (s.deleted()) {
            return new Gone();
        }
        ProducerTag tag = c.producer();
        Producer known = tag == null ? null : tx.producer(s.id(), tag.id());
        if (s.closed()) {
            return appendToClosed(s, c, known, tx);
        }
        if (!c.payload().isEmpty()
                && (c.contentType() == null || !s.hasType(c.contentType()) || mismatched(s, c.payload()))) {
            return new TypeDiffers(s.contentType());
        }
        if (tag != null) {
            StreamOutcome refusal = checkProducer(s, tag, known, c.time(), tx);
            if (refusal != null) {
                return refusal;
            }
        }
        if (c.expected() != null) {
            StreamOutcome refusal = checkExpected(s, c.expected());
            if (refusal != null) {
                return refusal;
            }
        }
        if (c.seq() != null && s.seq() != null && compareBytes(c.seq(), s.seq()) <= 0) {
            return new SeqRegressed(s.id(), s.tail(), s.seq());
        }
        if (tag != null) {
            tx.putProducer(s.id(), tag);
        }
        long tail = s.tail() + c.payload().units();
        if (!c.payload().isEmpty()) {
            tx.append(s.id(), new Entry(s.tail(), c.payload()));
        }
        StreamState after = s.accessed(c.time())
                .appended(c.payload(), c.close(), c.close() ? tag : null, c.seq() == null ? s.seq() : c.seq());
        tx.update(s, after);
        return new Appended(s.id(), tail, c.close(), tag == null ? -1 : tag.epoch(), tag == null ? -1 : tag.seq());
    }

    /**
     * Answers an append to a closed stream. Closing it again succeeds, and so does the retry of an append that was
     * accepted before the stream was closed, because the first outcome of a command never changes. Everything else is
     * refused (5.2.1).
     */
    private static StreamOutcome appendToClosed(StreamState s, Append c, @Nullable Producer known, StreamTx tx) {
        ProducerTag tag = c.producer();
        if (tag == null) {
            if (c.close() && c.payload().isEmpty()) {
                access(s, c.time(), tx);
                return new Appended(s.id(), s.tail(), true, -1, -1);
            }
            return new Closed(s.id(), s.tail());
        }
        if (known != null && tag.epoch() == known.epoch() && tag.seq() <= known.seq()) {
            return duplicate(access(s, c.time(), tx), known);
        }
        return new Closed(s.id(), s.tail());
    }

    private static @Nullable StreamOutcome checkProducer(
            StreamState s, ProducerTag tag, @Nullable Producer known, long time, StreamTx tx) {
        if (known == null) {
            return tag.seq() == 0 ? null : new SeqGap(0, tag.seq());
        }
        if (tag.epoch() < known.epoch()) {
            return new StaleEpoch(known.epoch());
        }
        if (tag.epoch() > known.epoch()) {
            return tag.seq() == 0 ? null : new EpochNotFromZero();
        }
        if (tag.seq() <= known.seq()) {
            return duplicate(access(s, time, tx), known);
        }
        return tag.seq() == known.seq() + 1 ? null : new SeqGap(known.seq() + 1, tag.seq());
    }

    private static @Nullable StreamOutcome checkExpected(StreamState s, Place expected) {
        return switch (expected.in(s)) {
            case Place.At(long at) -> at == s.tail() ? null : new TailDiffers(s.id(), s.tail());
            case Place.Earlier earlier -> new EarlierPlace();
            case Place.Beyond beyond -> new UnknownPlace();
            case Place.Unknown unknown -> new UnknownPlace();
        };
    }

    private static Duplicate duplicate(StreamState s, Producer known) {
        return new Duplicate(s.id(), s.tail(), s.closed(), known.epoch(), known.seq());
    }

    private static int compareBytes(String a, String b) {
        return Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
    }

    private static StreamOutcome delete(Delete c, long position, StreamTx tx) {
        StreamState s = tx.find(c.path());
        if (s == null || (!s.deleted() && s.expired(c.time()))) {
            return new NotFound();
        }
        if (s.deleted()) {
            return new Gone();
        }
        end(s, position, tx);
        return new Done();
    }

    /** Removes a stream, or hides it while forks need its entries (4.2). */
    private static void end(StreamState s, long position, StreamTx tx) {
        if (s.pins() > 0) {
            tx.update(s, s.softDeleted());
        } else {
            tx.erase(s, position);
        }
    }

    private static StreamOutcome touch(Touch c, StreamTx tx) {
        StreamState s = tx.find(c.path());
        if (s == null || !s.visible(c.time())) {
            return new NotFound();
        }
        access(s, c.time(), tx);
        return new Done();
    }

    private static StreamState access(StreamState s, long time, StreamTx tx) {
        StreamState after = s.accessed(time);
        if (!after.equals(s)) {
            tx.update(s, after);
        }
        return after;
    }

    private static StreamOutcome expire(Expire c, long position, StreamTx tx) {
        tx.forgetDeadline(c.deadline(), c.id());
        StreamState s = tx.find(c.path());
        if (s == null || s.id() != c.id() || s.deleted()) {
            return new NotFound();
        }
        if (s.expired(c.time())) {
            end(s, position, tx);
        } else {
            tx.noteDeadline(s);
        }
        return new Done();
    }

    private static StreamOutcome pin(Pin c, StreamTx tx) {
        StreamState s = tx.find(c.path());
        if (s == null || (!s.deleted() && s.expired(c.time()))) {
            return new NotFound();
        }
        if (s.deleted()) {
            return new Gone();
        }
        long anchor = s.tail();
        if (c.place() != null) {
            switch (c.place().in(s)) {
                case Place.At(long at) -> anchor = at;
                case Place.Beyond(long end) -> {
                    return new StreamOutcome.BeyondTail(end);
                }
                case Place.Earlier earlier -> {
                    return new EarlierPlace();
                }
                case Place.Unknown unknown -> {
                    return new UnknownPlace();
                }
            }
        }
        if (c.subOffset() > 0) {
            long end = endOfEntry(c, s, anchor, tx);
            if (end == StreamCommand.NONE) {
                return new StreamOutcome.EntryNeeded();
            }
            if (c.subOffset() > end - anchor) {
                return new StreamOutcome.BeyondEntry();
            }
        }
        long point = anchor + c.subOffset();
        List<Span> lineage = Streams.spans(s).stream()
                // A span that ends where it begins inherits nothing, but offsets of that point may name it.
                .filter(span -> span.from() <= point)
                .map(span -> new Span(span.streamId(), span.pathHash(), span.from(), Math.min(span.to(), point)))
                .toList();
        boolean held = tx.hasPin(s.id(), c.pinId());
        if ((!held && s.pins() >= MAX_FORKS) || lineage.size() > MAX_LINEAGE) {
            return new StreamOutcome.TooManyForks(lineage.size() > MAX_LINEAGE ? MAX_LINEAGE : MAX_FORKS);
        }
        StreamState after = s.accessed(c.time());
        if (!held) {
            tx.putPin(s, c.pinId(), c.forkPath());
            after = after.withPins(s.pins() + 1);
        }
        tx.update(s, after);
        return new PinGranted(
                new Pinned(c.pinId(), point, s.contentType(), s.ttlMillis(), s.expiresAt(), s.id(), lineage));
    }

    /**
     * Where the entry at {@code position} ends; the position itself if there is none. {@link StreamCommand#NONE} if the
     * entry is inherited and the command does not know it. Inherited entries may lie in another shard, at which a machine
     * does not look.
     */
    private static long endOfEntry(Pin c, StreamState s, long position, StreamTx tx) {
        Span span = Streams.spanAt(s, position);
        if (span == null) {
            return position;
        }
        if (span.streamId() != s.id() && c.inherited() != null) {
            return c.inherited() instanceof StreamCommand.Inherited.Until(long streamId, long at, long end)
                            && streamId == span.streamId()
                            && at == position
                    ? Math.min(end, span.to())
                    : StreamCommand.NONE;
        }
        Entry entry = tx.entryAt(s, position);
        return entry == null ? position : entry.end();
    }

    private static StreamOutcome unpin(Unpin c, long position, StreamTx tx) {
        StreamState s = tx.find(c.path());
        if (s == null || s.id() != c.id() || !tx.hasPin(s.id(), c.pinId())) {
            return new NotFound();
        }
        tx.removePin(s.id(), c.pinId());
        StreamState after = s.withPins(s.pins() - 1);
        if (after.deleted() && after.pins() == 0) {
            tx.erase(after, position);
        } else {
            tx.update(s, after);
        }
        return new Done();
    }
}
