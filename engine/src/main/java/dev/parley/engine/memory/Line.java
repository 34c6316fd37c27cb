package dev.parley.engine.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/** The callers that wait for room, served in the order in which they came. Thread-safe. */
final class Line {
    private final LongPredicate take;

    @GuardedBy("itself")
    private final Queue<Place> places = new ArrayDeque<>(0);

    /** Whether a caller waits; can be read without the lock. */
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
     * Starts without waiting callers.
     *
     * @param take takes this number of bytes for the first caller in line if there is room; a refusal leaves no trace,
     *     so that nobody else is refused because of it
     */
    Line(LongPredicate take) {
        this.take = take;
    }

    boolean isEmpty() {
        return !hasPlaces;
    }

    /**
     * Waits for {@code bytes}. {@code served} runs when the bytes are taken, which may be before this method returns.
     * Returns null if too many callers wait.
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
        // The last reservation may have been given back before anybody could see that this caller waits.
        serve();
        return place;
    }

    /** Serves as many callers as there is room for. Called when something was given back. */
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
