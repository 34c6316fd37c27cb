package dev.parley.engine;

import dev.parley.engine.Shard.Work;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.command.Command;
import dev.parley.engine.journal.CommandLog;
import dev.parley.engine.journal.CorruptJournalException;
import dev.parley.engine.journal.SubmissionId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replays the part of the journal that the store does not reflect yet.
 *
 * <p>Replay follows the order of the journal across all shards: a pin of format 1 may read an entry of another shard, and
 * must find it as it was the first time. Newer commands bring such facts along.
 */
final class Recovery {
    private static final int MAX_BATCH = 1024;

    /** A batch of this size is applied before more is read, because the journal may be far larger than the heap. */
    private static final long MAX_BATCH_BYTES = 8L << 20;

    private final List<Shard> shards;
    private final List<Work> batch = new ArrayList<>();
    private int batchShard;
    private long batchBytes;
    private long count;
    private long last;

    private Recovery(List<Shard> shards) {
        this.shards = shards;
    }

    /**
     * What was replayed.
     *
     * @param commands number of commands that a shard had not applied
     * @param last position of the last record of the journal, 0 if there is none
     */
    record Replayed(long commands, long last) {}

    /**
     * Replays the journal to its end.
     *
     * @throws CorruptJournalException if the store reflects commands that the journal does not have
     */
    static Replayed run(CommandLog log, List<Shard> shards) throws IOException {
        long from = shards.stream().mapToLong(Shard::applied).min().orElseThrow();
        Recovery recovery = new Recovery(shards);
        log.replay(from, (position, id, bytes) -> recovery.take(position, id, read(position, bytes)));
        recovery.apply();
        long ahead = shards.stream().mapToLong(Shard::applied).max().orElseThrow();
        if (ahead > recovery.last) {
            throw new CorruptJournalException("the store reflects the journal up to position " + ahead
                    + ", but the journal ends at " + recovery.last
                    + ": files of the data folder are missing or from elsewhere");
        }
        return new Replayed(recovery.count, recovery.last);
    }

    /** The command that a record holds. */
    static Command<?> read(long position, ByteBuffer bytes) throws CorruptJournalException {
        try {
            return CommandCodec.read(bytes);
        } catch (MalformedBinaryException e) {
            // The record is whole: the journal has checked it.
            CorruptJournalException unreadable = new CorruptJournalException("the journal has a command at position "
                    + position + " that this program does not know (" + e.getMessage()
                    + "): another version of Parley has written it");
            unreadable.initCause(e);
            throw unreadable;
        }
    }

    private void take(long position, @Nullable SubmissionId id, Command<?> command) {
        last = position;
        int shard = Shard.indexOf(command, shards.size());
        if (position <= shards.get(shard).applied()) {
            return;
        }
        if (shard != batchShard || batch.size() == MAX_BATCH || batchBytes >= MAX_BATCH_BYTES) {
            apply();
            batchShard = shard;
        }
        batch.add(new Work(position, command, id, null));
        batchBytes += command.weight();
        count++;
    }

    private void apply() {
        if (!batch.isEmpty()) {
            shards.get(batchShard).apply(batch);
            batch.clear();
            batchBytes = 0;
        }
    }
}
