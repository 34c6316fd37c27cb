package dev.parley.server.rest;

import dev.parley.engine.memory.Purse;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What all clients of one app may have of a purse together, so that one app leaves something to the others. */
final class AppShares {
    private static final int PURSE_PER_APP = 2;

    private final long most;
    private final ConcurrentHashMap<String, AtomicLong> byApp = new ConcurrentHashMap<>();

    AppShares(Purse purse) {
        this.most = purse.capacity() / PURSE_PER_APP;
    }

    private AtomicLong of(String app) {
        return byApp.computeIfAbsent(app, name -> new AtomicLong());
    }

    /** Whether the app may have so many bytes more; who has none may always have one thing. */
    boolean takes(String app, long bytes) {
        AtomicLong held = of(app);
        long after = held.addAndGet(bytes);
        boolean good = after <= most || after == bytes;
        if (!good) {
            held.addAndGet(-bytes);
        }
        return good;
    }

    void givesBack(String app, long bytes) {
        of(app).addAndGet(-bytes);
    }
}
