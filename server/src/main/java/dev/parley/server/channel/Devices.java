package dev.parley.server.channel;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Devices on which somebody has said to be present without a connection, as clients of plain HTTP do. A device is a member
 * of a session as a connection is, under an id that no connection has.
 */
public final class Devices {
    /** How long a device stays that says nothing more. */
    public static final Duration STAY = Duration.ofHours(24);

    /** The greatest number of characters of a device's id. */
    public static final int MAX_ID_CHARS = 128;

    /** Ids of connections do not contain this, and neither a colon, which separates the parts of cursors. */
    private static final String PREFIX = "device=";

    private Devices() {}

    /** Whether a text may be the id of a device. */
    public static boolean isId(String deviceId) {
        return !deviceId.isEmpty() && deviceId.length() <= MAX_ID_CHARS && deviceId.indexOf(':') < 0;
    }

    /** What stands for a device in the place of a connection. */
    public static String connectionId(String deviceId) {
        return PREFIX + deviceId;
    }

    /** Whether this is not a connection, but a device. */
    public static boolean is(String connectionId) {
        return connectionId.startsWith(PREFIX);
    }

    /** The device in the place of a connection, or null if it is a connection. */
    public static @Nullable String deviceId(String connectionId) {
        return is(connectionId) ? connectionId.substring(PREFIX.length()) : null;
    }
}
