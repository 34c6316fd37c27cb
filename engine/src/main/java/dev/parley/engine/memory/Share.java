package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The part of a room that one client may have, so that no client takes all of it. A client that holds nothing may
 * always have one thing that is larger than the share, if the room itself has space for it; otherwise a large message
 * could never be read. Thread-safe.
 */
public final class Share implements Room {
    private final Room room;

    /** The purse of which this is a share, possibly through other shares. It counts the refusals. */
    private final Purse purse;

    private final long capacity;
    private final AtomicLong held = new AtomicLong();

    /** The callers that wait for this share itself. */
    private final Line line = new Line(this::enter);

    /**
     * A caller that first waits in the line for the share, and then in the line for the room of which it is a share.
     */
    private final class Passage implements Waiting {
        private final long bytes;
        private final Runnable granted;

        /** Set once: by the grant of room, or by the cancellation. */
        private final AtomicBoolean over = new AtomicBoolean();

        /**
         * The place in the line for the share. Null only until the line has been joined; nobody can cancel before that.
         */
        private volatile @Nullable Waiting first;

        private volatile @Nullable Waiting second;

        Passage(long bytes, Runnable granted) {
            this.bytes = bytes;
            this.granted = granted;
        }

        /** Joins the line for the share. Returns false if there is no place. */
        boolean begin() {
            first = line.join(bytes, this::goOn);
            return first != null;
        }

        /** Joins the next line. The share has room and has already counted the bytes. */
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
    public long adjust(long change) {
        long tooMuchInRoom = room.adjust(change);
        if (change < 0) {
            leave(-change);
            return Math.max(tooMuchInRoom, held.get() - capacity);
        }
        return Math.max(tooMuchInRoom, held.addAndGet(change) - capacity);
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

    /**
     * Whether others wait for the room of which this is a share. A client that is slow with what it holds then has to
     * give way.
     */
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
