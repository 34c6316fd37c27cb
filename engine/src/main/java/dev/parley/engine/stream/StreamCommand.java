package dev.parley.engine.stream;

import dev.parley.engine.command.Command;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command for a stream (Durable Streams, section 5).
 *
 * @param <O> the type of the outcome
 */
public sealed interface StreamCommand<O extends StreamOutcome> extends Command<O> {
    /** Marks an absent number: no TTL, no expiry, no offset. */
    long NONE = -1;

    /** The stream's path below the stream root. */
    String path();

    @Override
    default String key() {
        return path();
    }

    @Override
    default int weight() {
        return 256;
    }

    @Override
    default boolean stores() {
        return false;
    }

    /**
     * Creates a stream, or confirms that it exists with the same configuration (5.1).
     *
     * @param contentType media type, or null for a fork that takes its source's
     * @param ttlMillis sliding lifetime, or {@link #NONE}
     * @param expiresAt end of life in milliseconds since 1970, or {@link #NONE}
     * @param closed whether the stream is born closed
     * @param fork where the stream branches off, or null
     */
    record Create(
            String path,
            long time,
            @Nullable String contentType,
            long ttlMillis,
            long expiresAt,
            boolean closed,
            Payload payload,
            @Nullable Fork fork)
            implements StreamCommand<StreamOutcome.OfCreate> {
        /** The same command, with {@code first} as the stream's initial content. */
        public Create with(Payload first) {
            return new Create(path, time, contentType, ttlMillis, expiresAt, closed, first, fork);
        }

        @Override
        public int weight() {
            return 512 + payload.bytes().length;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Where a fork branches off (4.2).
     *
     * @param sourcePath the source stream
     * @param place the wanted place, or null for the source's tail
     * @param subOffset units past {@code place}
     * @param pin what the source granted, or null as long as nobody has asked it
     */
    record Fork(
            String sourcePath,
            @Nullable Place place,
            long subOffset,
            @Nullable Pinned pin) {
        /** The same fork, with the source's grant. */
        public Fork with(Pinned granted) {
            return new Fork(sourcePath, place, subOffset, granted);
        }
    }

    /**
     * A source stream's grant: its data up to {@code position} stays readable until {@code pinId} is given back.
     *
     * @param lineage where the inherited data lies, oldest first
     */
    record Pinned(
            String pinId,
            long position,
            String contentType,
            long ttlMillis,
            long expiresAt,
            long sourceId,
            List<Span> lineage) {}

    /**
     * The entries of the stream with id {@code streamId} from position {@code from} (inclusive) to {@code to} (exclusive).
     *
     * @param pathHash of that stream's path, or 0 if it was not recorded
     */
    record Span(long streamId, int pathHash, long from, long to) {}

    /**
     * Appends, closes, or both in one step (5.2, 5.3).
     *
     * @param contentType media type of the payload, or null if there is none
     * @param close whether the stream is closed behind the payload
     * @param producer for idempotent producers, else null
     * @param seq {@code Stream-Seq}, else null
     * @param expected where the writer believes the tail to be ({@code Stream-Expected-Offset}), else null
     */
    record Append(
            String path,
            long time,
            @Nullable String contentType,
            Payload payload,
            boolean close,
            @Nullable ProducerTag producer,
            @Nullable String seq,
            @Nullable Place expected)
            implements StreamCommand<StreamOutcome.OfAppend> {
        /** An append that does not depend on the position of the tail. */
        public Append(
                String path,
                long time,
                @Nullable String contentType,
                Payload payload,
                boolean close,
                @Nullable ProducerTag producer,
                @Nullable String seq) {
            this(path, time, contentType, payload, close, producer, seq, null);
        }

        @Override
        public int weight() {
            return 256 + payload.bytes().length;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /** Deletes a stream. A stream that has forks is kept for them, but is no longer visible (5.4). */
    record Delete(String path, long time) implements StreamCommand<StreamOutcome.OfDelete> {}

    /** Renews a sliding lifetime because of a read (5.1, Stream-TTL). */
    record Touch(String path, long time) implements StreamCommand<StreamOutcome.OfTouch> {}

    /**
     * Removes the stream if its lifetime is over at {@link #time()}, else notes its new deadline.
     *
     * @param id guards against a newer stream at the same path
     * @param deadline the deadline that was noted before
     */
    record Expire(String path, long time, long id, long deadline) implements StreamCommand<StreamOutcome.OfTouch> {}

    /**
     * Asks a source stream to keep its data for a fork. The same {@code pinId} gets the same grant.
     *
     * @param inherited what the submitter knows of the entry at {@code place}; null in commands of format 1, for which
     *     the machine looks at the entry itself
     */
    record Pin(
            String path,
            long time,
            String pinId,
            String forkPath,
            @Nullable Place place,
            long subOffset,
            @Nullable Inherited inherited)
            implements StreamCommand<StreamOutcome.OfPin> {
        /** A pin as format 1 had it. */
        public Pin(String path, long time, String pinId, String forkPath, @Nullable Place place, long subOffset) {
            this(path, time, pinId, forkPath, place, subOffset, null);
        }
    }

    /**
     * What a submitter knows of an entry that a stream has inherited. Such an entry may lie in another shard, and never
     * changes: so it comes in the command as a fact.
     */
    sealed interface Inherited {
        /** Nothing, which is enough if the place is not in inherited data. */
        record Unknown() implements Inherited {}

        /** The entry at {@code position} in the stream with id {@code streamId} goes on to {@code end}. */
        record Until(long streamId, long position, long end) implements Inherited {}
    }

    /** Gives a pin back. Unknown pins are ignored, because this command may be repeated. */
    record Unpin(String path, long time, long id, String pinId) implements StreamCommand<StreamOutcome.OfTouch> {}

    /**
     * Drops a note of the outbox when the task in it is done. The note is identified by the position at which it was
     * made.
     */
    record Settle(String path, long time, long note) implements StreamCommand<StreamOutcome.OfTouch> {}
}
