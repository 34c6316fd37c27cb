package dev.parley.server.rest;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ChannelSerial;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The part of a log that a request for history asks for, with the parameters {@code start}, {@code end} and {@code
 * direction} and a cursor.
 */
final class Range {
    private static final long MAX_MILLIS = Positions.millis(Long.MAX_VALUE) - 1;

    private Range() {}

    /** The range from the cursor on. Returns null if the range is empty. */
    static @Nullable PositionRange of(Request request) throws WireException {
        long start = request.number("start", 0, MAX_MILLIS);
        long end = request.number("end", MAX_MILLIS, MAX_MILLIS);
        if (start > end) {
            throw new WireException(ErrorInfo.invalidValue("The parameter start is after end."));
        }
        boolean newestFirst = newestFirst(request);
        long from = Positions.startOf(start);
        long to = Positions.startOf(end + 1) - 1;
        // The point at which the client attached. ably-js and ably-java spell the parameter differently.
        String attached = request.param("from_serial") == null ? "fromSerial" : "from_serial";
        to = Math.min(to, attachPoint(request, attached, to));
        if (newestFirst) {
            to = Math.min(to, position(request, "cursor", Long.MAX_VALUE) - 1);
        } else {
            from = Math.max(from, position(request, "cursor", -1) + 1);
        }
        return from > to ? null : new PositionRange(from, to, newestFirst);
    }

    private static boolean newestFirst(Request request) throws WireException {
        return switch (request.param("direction")) {
            case "backwards" -> true;
            case "forwards" -> false;
            case null -> true;
            default ->
                throw new WireException(ErrorInfo.invalidValue("The parameter direction is forwards or backwards."));
        };
    }

    private static long position(Request request, String name, long absent) throws WireException {
        String serial = request.param(name);
        if (serial == null) {
            return absent;
        }
        OptionalLong position = Serials.parse(serial);
        if (position.isEmpty()) {
            throw notOurs(name);
        }
        return position.getAsLong();
    }

    /** The attach point in the place that a client sends. Messages that were still to come are ignored. */
    private static long attachPoint(Request request, String name, long absent) throws WireException {
        String serial = request.param(name);
        if (serial == null) {
            return absent;
        }
        ChannelSerial place = ChannelSerial.parse(serial);
        if (place == null) {
            throw notOurs(name);
        }
        return place.position();
    }

    private static WireException notOurs(String name) {
        return new WireException(ErrorInfo.invalidValue("The parameter " + name + " is no serial of ours."));
    }
}
