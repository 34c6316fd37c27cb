package dev.parley.server.realtime;

import io.vertx.core.MultiMap;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a client wants its connection to be.
 *
 * @param echo whether it wants to see its own messages
 * @param heartbeats whether it cannot see pings, and needs frames as well
 * @param appendWindowMillis how long its appends are to gather before they get a position
 * @param heartbeatMillis within which time it is to hear from us, and we from it in twice as long; 0 if it does not say
 * @param remainMillis how long its presence members are to stay when it is lost; less than 0 if it does not say
 */
record Wishes(boolean echo, boolean heartbeats, long appendWindowMillis, long heartbeatMillis, long remainMillis) {
    /** As they stand in the query of the address. */
    static Wishes of(MultiMap query) {
        return new Wishes(
                !"false".equals(query.get("echo")),
                !"false".equals(query.get("heartbeats")),
                millis(query.get("appendRollupWindow"), 0),
                millis(query.get("heartbeatInterval"), 0),
                millis(query.get("remainPresentFor"), -1));
    }

    /** Within which time it is to hear from us, if it otherwise were {@code usual}. */
    Duration heartbeat(Duration usual) {
        long least = Math.min(Site.MIN_HEARTBEAT_MILLIS, usual.toMillis());
        return heartbeatMillis == 0
                ? usual
                : Duration.ofMillis(Math.clamp(heartbeatMillis, least, Site.MAX_HEARTBEAT_MILLIS));
    }

    /** How long its members stay, if they otherwise would for {@code usual}. */
    Duration remain(Duration usual) {
        return remainMillis < 0
                ? usual
                : Duration.ofMillis(Math.min(remainMillis, Math.max(Site.MAX_REMAIN_MILLIS, usual.toMillis())));
    }

    private static long millis(@Nullable String text, long otherwise) {
        // What is no number of a sensible size is no wish.
        return text != null && text.matches("[0-9]{1,9}") ? Long.parseLong(text) : otherwise;
    }
}
