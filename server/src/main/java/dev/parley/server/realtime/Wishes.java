package dev.parley.server.realtime;

import io.vertx.core.MultiMap;
import org.jspecify.annotations.Nullable;

/**
 * How a client wants its connection to be.
 *
 * @param echo whether it wants to see its own messages
 * @param heartbeats whether it cannot see pings, and needs frames instead
 * @param appendWindowMillis how long its appends are to gather before they get a position
 */
record Wishes(boolean echo, boolean heartbeats, long appendWindowMillis) {
    /** As they stand in the query of the address. */
    static Wishes of(MultiMap query) {
        return new Wishes(
                !"false".equals(query.get("echo")),
                !"false".equals(query.get("heartbeats")),
                millis(query.get("appendRollupWindow")));
    }

    private static long millis(@Nullable String text) {
        // What is no number of a sensible size is no wish.
        return text != null && text.matches("[0-9]{1,6}") ? Long.parseLong(text) : 0;
    }
}
