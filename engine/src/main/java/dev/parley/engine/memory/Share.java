package dev.parley.engine.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What one client may have of a room, so that nobody takes all of it. Whoever holds nothing may always have one thing that
 * is larger than the share, as far as the room itself has space: otherwise a large message could never be read. Thread-safe.
 */
public final class Share implements Room {
    private final Room room;
    private final long capacity;
    private final AtomicLong held = new AtomicLong();

    /** In the order in which they came, those who wait for this share itself. */
    @GuardedBy("itself")
    private final Queue<Place> waiting = new ArrayDeque<>(0);

    private volatile boolean hasWaiting;

    /** First for room in the share, then for room in what it is a share of. */
    private final class Place implements Waiting {
        private final long bytes;
        private final Runnable granted;

        @GuardedBy("this")
        private @Nullable Waiting behind;

        @GuardedBy("this")
        private boolean cancelled;

        Place(long bytes, Runnable granted) {
            this.bytes = bytes;
            this.granted = granted;
        }

        /** The share has room and counts us already. */
        void goOn() {
            Waiting next = room.whenRoom(bytes, granted);
            boolean unwanted;
            synchronized (this) {
                behind = next;
                unwanted = cancelled;
            }
            if (next == null || (unwanted && next.cancel())) {
                leaveShare(bytes);
            }
        }

        @Override
        public boolean cancel() {
            synchronized (waiting) {
                if (waiting.remove(this)) {
                    hasWaiting = !waiting.isEmpty();
                    return true;
                }
            }
            Waiting next;
            synchronized (this) {
                cancelled = true;
                next = behind;
            }
            if (next == null || !next.cancel()) {
                return false;
            }
            leaveShare(bytes);
            return true;
        }
    }

    Share(Room room, long capacity) {
        this.room = room;
        this.capacity = capacity;
    }

    private boolean enter(long bytes) {
        long after = held.addAndGet(bytes);
        if (after > capacity && after != bytes) {
            held.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    @Override
    public boolean tryReserve(long bytes) {
        if (!enter(bytes)) {
            return false;
        }
        if (!room.tryReserve(bytes)) {
            leaveShare(bytes);
            return false;
        }
        return true;
    }

    @Override
    public void giveBack(long bytes) {
        room.giveBack(bytes);
        leaveShare(bytes);
    }

    private void leaveShare(long bytes) {
        long after = held.addAndGet(-bytes);
        assert after >= 0 : "more was given back than reserved: " + after;
        if (hasWaiting) {
            admit();
        }
    }

    @Override
    public @Nullable Waiting whenRoom(long bytes, Runnable granted) {
        Place place = new Place(bytes, granted);
        synchronized (waiting) {
            if (waiting.size() >= MAX_WAITING || bytes > largest()) {
                return null;
            }
            waiting.add(place);
            hasWaiting = true;
        }
        admit();
        return place;
    }

    private void admit() {
        while (true) {
            Place first;
            synchronized (waiting) {
                first = waiting.peek();
                if (first == null || !enter(first.bytes)) {
                    return;
                }
                waiting.remove();
                hasWaiting = !waiting.isEmpty();
            }
            first.goOn();
        }
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

    @Override
    public boolean isAwaited() {
        return hasWaiting || room.isAwaited();
    }

    /** Whether somebody waits for room in what this is a share of: who is slow with what it holds has to give way. */
    public boolean isAwaitedByOthers() {
        return room.isAwaited();
    }
}
