package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The log of a node that shares it with nobody: a {@link Journal}.
 *
 * <p>The journal has each record once, in the order of its submission, and a life begins after the last record of the
 * one before. A record's place among those that were submitted is therefore its number, and the journal stores no ids.
 */
public final class LocalLog implements CommandLog {
    private static final int USUAL_ROUND = 1024;

    private final Journal journal;

    /** The positions of the records that are not handed over yet. */
    private long[] positions = new long[USUAL_ROUND];

    private int count;
    /** The number of the first of these records. */
    private long first;

    /** A log over {@code journal}, which has not been replayed. */
    public LocalLog(Journal journal) {
        this.journal = journal;
    }

    @Override
    public void replay(long position, RecordReader reader) throws IOException {
        journal.replay(position, (at, bytes) -> reader.read(at, null, bytes));
    }

    @Override
    public void submit(long number, ByteBuffer bytes) throws IOException {
        long position = journal.append(bytes);
        if (count == 0) {
            first = number;
        }
        assert number == first + count : "number " + number + " after " + (first + count - 1);
        if (count == positions.length) {
            positions = Arrays.copyOf(positions, count * 2);
        }
        positions[count++] = position;
    }

    @Override
    public long pendingBytes() {
        return journal.pendingBytes();
    }

    @Override
    public void send() throws IOException {
        journal.sync();
    }

    @Override
    public void take(Receiver receiver, long maxBytes) {
        int taken = count;
        count = 0;
        for (int i = 0; i < taken; i++) {
            receiver.own(positions[i], first + i);
        }
    }

    @Override
    public void idle() throws IOException {
        journal.idle();
    }

    @Override
    public void startSegment() throws IOException {
        journal.startSegment();
    }

    @Override
    public LogCopy copy() {
        return journal.copy();
    }

    @Override
    public void truncateBefore(long position) throws IOException {
        journal.truncateBefore(position);
    }

    @Override
    public boolean isShared() {
        return false;
    }

    @Override
    public void onNews(Runnable listener) {
        // What was sent is handed over by the same thread, which needs no word of it.
    }

    @Override
    public void close() throws IOException {
        journal.close();
    }
}
