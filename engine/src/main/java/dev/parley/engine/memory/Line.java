package dev.parley.engine.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/** Those who wait for room, served in the order in which they came. Thread-safe. */
final class Line {
    private final LongPredicate take;

    @GuardedBy("itself")
    private final Queue<Place> places = new ArrayDeque<>(0);

    /** Whether somebody waits, to be asked without the lock. */
    private volatile boolean hasPlaces;

    private final class Place implements Waiting {
        private final long bytes;
        private final Runnable served;

        Place(long bytes, Runnable served) {
            this.bytes = bytes;
            this.served = served;
        }

        @Override
        public boolean cancel() {
            synchronized (places) {
                boolean waited = places.remove(this);
                hasPlaces = !places.isEmpty();
                return waited;
            }
        }
    }

    /**
     * Nobody waits yet.
     *
     * @param take takes so many bytes for the first in line if there is room; what it refuses leaves no trace, so that
     *     nobody else is refused for it
     */
    Line(LongPredicate take) {
        this.take = take;
    }

    boolean isEmpty() {
        return !hasPlaces;
    }

    /**
     * Waits for {@code bytes}. When they are taken {@code served} runs, which may be before this returns. Null if too many
     * wait.
     */
    @Nullable
    Waiting join(long bytes, Runnable served) {
        Place place = new Place(bytes, served);
        synchronized (places) {
            if (places.size() >= Room.MAX_WAITING) {
                return null;
            }
            places.add(place);
            hasPlaces = true;
        }
        // The last that was held may have been given back before anybody could see that we wait.
        serve();
        return place;
    }

    /** Serves as many as there is room for. To be called when something was given back. */
    void serve() {
        while (hasPlaces) {
            Place first;
            synchronized (places) {
                first = places.peek();
                if (first == null || !take.test(first.bytes)) {
                    return;
                }
                places.remove();
                hasPlaces = !places.isEmpty();
            }
            first.served.run();
        }
    }
}
