package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The listeners of one topic. Tails that share a listener are told once, so all readers of an event loop need one call.
 */
final class Listeners {
    /**
     * Each distinct listener with the number of tails that share it, in the order in which they came. The order matters to the
     * simulation only: a seed that is replayed takes the same steps.
     */
    @GuardedBy("itself")
    private final Map<Runnable, Integer> shares = new LinkedHashMap<>();

    private final CallbackFailures failures;
    private volatile Runnable[] listeners = {};

    Listeners(CallbackFailures failures) {
        this.failures = failures;
    }

    void add(Runnable listener) {
        synchronized (shares) {
            if (shares.merge(listener, 1, Integer::sum) == 1) {
                listeners = shares.keySet().toArray(Runnable[]::new);
            }
        }
    }

    /** Removes a listener of one tail. Returns true if no listener is left. */
    boolean remove(Runnable listener) {
        synchronized (shares) {
            if (shares.computeIfPresent(listener, (l, count) -> count == 1 ? null : count - 1) == null) {
                listeners = shares.keySet().toArray(Runnable[]::new);
            }
            return shares.isEmpty();
        }
    }

    void tell() {
        for (Runnable listener : listeners) {
            failures.run(listener);
        }
    }
}
