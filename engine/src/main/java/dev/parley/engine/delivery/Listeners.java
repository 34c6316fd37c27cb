package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.IdentityHashMap;

/**
 * The listeners of one topic. Tails that share a listener are told once, so all readers of an event loop need one call.
 */
final class Listeners {
    /** Each distinct listener with the number of tails that share it. */
    @GuardedBy("itself")
    private final IdentityHashMap<Runnable, Integer> shares = new IdentityHashMap<>();

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
