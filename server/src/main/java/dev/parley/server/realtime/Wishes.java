package dev.parley.server.realtime;

import io.vertx.core.MultiMap;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The options that a client has set for its connection.
 *
 * @param echo whether the client wants to receive its own messages
 * @param heartbeats whether the client cannot see pings, and needs heartbeat frames as well
 * @param appendWindowMillis how long its appends are collected before they get a position
 * @param heartbeatMillis interval in which the client wants to hear from the server; the client itself has to send
 *     something within twice this time; 0 if the client does not say
 * @param remainMillis how long its presence members stay when the connection is lost; negative if the client does not
 *     say
 */
record Wishes(boolean echo, boolean heartbeats, long appendWindowMillis, long heartbeatMillis, long remainMillis) {
    /** Reads the options from the query of the URL. */
    static Wishes of(MultiMap query) {
        return new Wishes(
                !"false".equals(query.get("echo")),
                !"false".equals(query.get("heartbeats")),
                millis(query.get("appendRollupWindow"), 0),
                millis(query.get("heartbeatInterval"), 0),
                millis(query.get("remainPresentFor"), -1));
    }

    /** The heartbeat interval of a connection for which the default is {@code usual}. */
    Duration heartbeat(Duration usual) {
        long least = Math.min(Site.MIN_HEARTBEAT_MILLIS, usual.toMillis());
        return heartbeatMillis == 0
                ? usual
                : Duration.ofMillis(Math.clamp(heartbeatMillis, least, Site.MAX_HEARTBEAT_MILLIS));
    }

    /** How long the members of a connection stay for which the default is {@code usual}. */
    Duration remain(Duration usual) {
        return remainMillis < 0
                ? usual
                : Duration.ofMillis(Math.min(remainMillis, Math.max(Site.MAX_REMAIN_MILLIS, usual.toMillis())));
    }

    private static long millis(@Nullable String text, long otherwise) {
        // Anything but a number of reasonable size is ignored.
        return text != null && text.matches("[0-9]{1,9}") ? Long.parseLong(text) : otherwise;
    }
}
