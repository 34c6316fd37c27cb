package dev.parley.server.realtime;

import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Room;
import java.util.concurrent.ConcurrentHashMap;

/** What the connections of one app may have of a purse together, so that one app leaves something to the others. */
final class AppShares {
    private static final int PURSE_PER_APP = 2;
    private static final int PURSE_PER_CONNECTION = 8;

    private final Purse purse;
    private final ConcurrentHashMap<String, Room> byApp = new ConcurrentHashMap<>();

    AppShares(Purse purse) {
        this.purse = purse;
    }

    /** The share of one more connection of {@code app}. */
    Room ofConnection(String app) {
        return byApp.computeIfAbsent(app, name -> purse.share(purse.capacity() / PURSE_PER_APP))
                .share(purse.capacity() / PURSE_PER_CONNECTION);
    }

    /** There is no such app any more. */
    void forget(String app) {
        byApp.remove(app);
    }
}
