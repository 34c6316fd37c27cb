package dev.parley.engine.memory;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Shares by their names. A share is the same object for as long as somebody uses it, and is forgotten after that. Thread-safe.
 *
 * @param <N> names of shares
 */
public final class ShareTable<N> {
    private final Map<N, Known<N>> shares = new ConcurrentHashMap<>();
    private final ReferenceQueue<Share> gone = new ReferenceQueue<>();

    private static final class Known<N> extends WeakReference<Share> {
        private final N name;

        Known(N name, Share share, ReferenceQueue<Share> gone) {
            super(share, gone);
            this.name = name;
        }
    }

    /**
     * The share with this name. Whoever holds bytes of it has to keep it.
     *
     * @param made makes the share if nobody uses it
     */
    public Share get(N name, Supplier<Share> made) {
        for (var lost = gone.poll(); lost != null; lost = gone.poll()) {
            shares.remove(((Known<?>) lost).name, lost);
        }
        while (true) {
            Known<N> there = shares.get(name);
            Share share = there == null ? null : there.get();
            if (share != null) {
                return share;
            }
            Share fresh = made.get();
            there = shares.compute(
                    name,
                    (same, before) -> before == null || before.get() == null ? new Known<>(name, fresh, gone) : before);
            share = there.get();
            if (share != null) {
                return share;
            }
        }
    }
}
