package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.IdentityHashMap;

/** Who wants to hear of more. Tails that share a listener are told once: one word for all readers of an event loop. */
final class Listeners {
    /** Distinct listeners with the number of tails that share each. */
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

    /** Returns true if that was the last one. */
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
