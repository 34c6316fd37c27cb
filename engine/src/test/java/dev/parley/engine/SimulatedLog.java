package dev.parley.engine;

import dev.parley.engine.journal.CommandLog;
import dev.parley.engine.journal.CorruptJournalException;
import dev.parley.engine.journal.SubmissionId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A log that nodes share over a bad network. A round may be lost on its way, late, or in the log more than once, also after
 * the node that sent it has died. Each node sees the log grow in its own time.
 */
final class SimulatedLog {
    /** A record as all nodes are handed it. */
    record Entry(long position, SubmissionId id, byte[] bytes) {}

    private record Submitted(SubmissionId id, byte[] bytes) {}

    private final SplittableRandom random;
    private final List<Entry> entries = new ArrayList<>();
    /** Rounds on their way. */
    private final List<List<Submitted>> flights = new ArrayList<>();

    /** What lies before it is gone. */
    private long base = 1;

    SimulatedLog(SplittableRandom random) {
        this.random = random;
    }

    /** Everything that ever was in the log. */
    List<Entry> entries() {
        return entries;
    }

    boolean hasFlights() {
        return !flights.isEmpty();
    }

    /** Lets something happen to a round that is on its way. */
    void step() {
        if (!flights.isEmpty()) {
            List<Submitted> round = flights.remove(random.nextInt(flights.size()));
            int fate = random.nextInt(8);
            if (fate > 0) {
                round.forEach(this::append);
            }
            if (fate == 1 && flights.size() < 8) {
                // It comes once more.
                flights.add(round);
            }
        }
    }

    private void append(Submitted submitted) {
        long last = entries.isEmpty() ? 0 : entries.getLast().position();
        entries.add(new Entry(last + 1 + random.nextInt(3), submitted.id, submitted.bytes));
    }

    /** Frees what lies before {@code position}. */
    void free(long position) {
        base = Math.max(base, position);
    }

    /** What one life of a node has of the log. */
    final class Endpoint implements CommandLog {
        private final long node;
        private final long life;
        private final Handed handed;
        private final List<Submitted> round = new ArrayList<>();
        private final List<Submitted> next = new ArrayList<>();
        /** The round that is on its way, and of which nobody knows whether the log has it. */
        private List<Submitted> unknown = List.of();

        private Runnable listener = () -> {};
        private int cursor;
        private long needed;

        /** Hears of each entry before it is handed over. */
        interface Handed {
            void entry(Entry entry);
        }

        Endpoint(long node, long life, Handed handed) {
            this.node = node;
            this.life = life;
            this.handed = handed;
        }

        /** From here on the node needs the log. */
        long needed() {
            return needed;
        }

        /** True if the node has been handed all there is, and nothing of it is on its way. */
        boolean isIdle() {
            return cursor == entries.size() && unknown.isEmpty() && next.isEmpty() && round.isEmpty();
        }

        /** The node does not know what became of its round: it sends it again. */
        void sendAgain() {
            if (!unknown.isEmpty()) {
                flights.add(unknown);
            }
        }

        void tellNews() {
            if (cursor < entries.size()) {
                listener.run();
            }
        }

        @Override
        public void replay(long position, RecordReader reader) throws IOException {
            if (position + 1 < base) {
                throw new CorruptJournalException("the log begins at " + base + ", wanted from " + position);
            }
            needed = position;
            for (Entry entry : entries) {
                handed.entry(entry);
                if (entry.position >= position) {
                    reader.read(entry.position, entry.id, ByteBuffer.wrap(entry.bytes));
                }
            }
            cursor = entries.size();
        }

        @Override
        public void submit(long number, ByteBuffer bytes) {
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            round.add(new Submitted(new SubmissionId(node, life, number), copy));
        }

        @Override
        public long pendingBytes() {
            return round.stream().mapToLong(submitted -> submitted.bytes.length).sum();
        }

        @Override
        public void send() {
            next.addAll(round);
            round.clear();
            sendNext();
        }

        private void sendNext() {
            if (unknown.isEmpty() && !next.isEmpty()) {
                unknown = List.copyOf(next);
                next.clear();
                flights.add(unknown);
            }
        }

        @Override
        public void take(Receiver receiver, long maxBytes) throws IOException {
            long taken = 0;
            int end = cursor + random.nextInt(entries.size() - cursor + 1);
            while (taken < maxBytes && cursor < end) {
                Entry entry = entries.get(cursor++);
                handed.entry(entry);
                boolean isOwn = entry.id.node() == node && entry.id.life() == life;
                receiver.shared(entry.position, entry.id, isOwn, ByteBuffer.wrap(entry.bytes));
                taken += entry.bytes.length;
                if (!unknown.isEmpty() && entry.id.equals(unknown.getLast().id)) {
                    unknown = List.of();
                }
            }
            sendNext();
        }

        @Override
        public void idle() {}

        @Override
        public void startSegment() {}

        @Override
        public void truncateBefore(long position) {
            needed = position;
        }

        @Override
        public boolean isShared() {
            return true;
        }

        @Override
        public void onNews(Runnable newListener) {
            listener = newListener;
        }

        @Override
        public void close() {}
    }
}
