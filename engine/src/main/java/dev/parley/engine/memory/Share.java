package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What one client may have of a room, so that nobody takes all of it. Whoever holds nothing may always have one thing that
 * is larger than the share, as far as the room itself has space: otherwise a large message could never be read. Thread-safe.
 */
public final class Share implements Room {
    private final Room room;

    /** What this is a share of in the end: it counts the refusals. */
    private final Purse purse;

    private final long capacity;
    private final AtomicLong held = new AtomicLong();

    /** Those who wait for this share itself. */
    private final Line line = new Line(this::enter);

    /** From the line for the share on to the one for room in what it is a share of. */
    private final class Passage implements Waiting {
        private final long bytes;
        private final Runnable granted;

        /** Whoever sets it has the last word: room is granted, or not wanted any more. */
        private final AtomicBoolean over = new AtomicBoolean();

        /** The place in the line for the share; null only until it has been joined, and nobody can cancel before that. */
        private volatile @Nullable Waiting first;

        private volatile @Nullable Waiting second;

        Passage(long bytes, Runnable granted) {
            this.bytes = bytes;
            this.granted = granted;
        }

        /** False if there is no place. */
        boolean begin() {
            first = line.join(bytes, this::goOn);
            return first != null;
        }

        /** The share has room and counts us already. */
        private void goOn() {
            second = room.whenRoom(bytes, this::grant);
            if (second == null) {
                leave(bytes);
            } else if (over.get()) {
                leaveSecond();
            }
        }

        private void grant() {
            if (over.compareAndSet(false, true)) {
                granted.run();
            } else {
                giveBack(bytes);
            }
        }

        @Override
        public boolean cancel() {
            if (!over.compareAndSet(false, true)) {
                return false;
            }
            Waiting place = first;
            if (place == null || !place.cancel()) {
                leaveSecond();
            }
            return true;
        }

        private void leaveSecond() {
            Waiting place = second;
            if (place != null && place.cancel()) {
                leave(bytes);
            }
        }
    }

    Share(Room room, long capacity) {
        this.room = room;
        this.purse = switch (room) {
            case Purse whole -> whole;
            case Share larger -> larger.purse;
        };
        this.capacity = capacity;
    }

    private boolean enter(long bytes) {
        while (true) {
            long before = held.get();
            if (before > 0 && before + bytes > capacity) {
                return false;
            }
            if (held.compareAndSet(before, before + bytes)) {
                return true;
            }
        }
    }

    private void leave(long bytes) {
        long after = held.addAndGet(-bytes);
        assert after >= 0 : "more was given back than reserved: " + after;
        line.serve();
    }

    @Override
    public boolean tryReserve(long bytes) {
        if (!enter(bytes)) {
            purse.refuse();
            return false;
        }
        if (!room.tryReserve(bytes)) {
            leave(bytes);
            return false;
        }
        return true;
    }

    @Override
    public void giveBack(long bytes) {
        room.giveBack(bytes);
        leave(bytes);
    }

    @Override
    public @Nullable Waiting whenRoom(long bytes, Runnable granted) {
        Passage passage = new Passage(bytes, granted);
        if (bytes > largest() || !passage.begin()) {
            purse.refuse();
            return null;
        }
        return passage;
    }

    @Override
    public boolean isAwaited() {
        return !line.isEmpty() || room.isAwaited();
    }

    /** Whether somebody waits for room in what this is a share of: who is slow with what it holds has to give way. */
    public boolean isAwaitedByOthers() {
        return room.isAwaited();
    }

    @Override
    public long held() {
        return held.get();
    }

    @Override
    public long capacity() {
        return capacity;
    }

    @Override
    public long largest() {
        return room.largest();
    }
}
