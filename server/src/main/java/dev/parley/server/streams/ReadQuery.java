package dev.parley.server.streams;

import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.http.RefusedException;
import io.vertx.core.http.HttpHeaders;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a GET (5.6 to 5.8).
 *
 * @param now whether reading starts at the tail
 * @param place the place at which it starts otherwise
 * @param cursor the client's last cursor, or null
 * @param returning whether an EventSource has connected again
 */
record ReadQuery(
        boolean now, Place place, Live live, @Nullable String cursor, boolean returning) {
    private static final CharSequence LAST_EVENT_ID = HttpHeaders.createOptimized("Last-Event-ID");

    enum Live {
        NO,
        LONG_POLL,
        SSE
    }

    /**
     * The parameters as they are.
     *
     * @param offset null if there is none
     */
    record Asked(
            @Nullable String offset, Live live, @Nullable String cursor, boolean returning) {
        /** Whether reading starts at the tail. */
        boolean now() {
            return "now".equals(offset);
        }

        /** Whether reading starts at the beginning, and there is no offset. */
        boolean whole() {
            return offset == null || offset.equals("-1");
        }
    }

    /** Reads the parameters, except for what an offset means. */
    static Asked asked(Exchange exchange) throws RefusedException {
        String offset = single(exchange, "offset");
        String mode = single(exchange, "live");
        Live live = switch (mode) {
            case null -> Live.NO;
            case "long-poll" -> Live.LONG_POLL;
            case "sse" -> Live.SSE;
            default -> throw RefusedException.badRequest("INVALID_LIVE", "live must be long-poll or sse");
        };
        // An EventSource uses its first URL again. This header has its place.
        String last = live == Live.SSE ? exchange.header(LAST_EVENT_ID) : null;
        boolean returning = last != null && !last.isEmpty();
        if (returning) {
            offset = last;
        }
        if (offset == null && live != Live.NO) {
            throw RefusedException.badRequest(
                    "NO_OFFSET", "A live read needs an offset: -1 for the start, now for the tail, or a known one");
        }
        return new Asked(offset, live, single(exchange, "cursor"), returning);
    }

    static ReadQuery of(Exchange exchange, Offsets offsets) throws RefusedException {
        Asked asked = asked(exchange);
        Place place = asked.whole() || asked.now() ? new Place.Start() : offsets.parse(String.valueOf(asked.offset()));
        if (place == null) {
            throw invalid();
        }
        return new ReadQuery(asked.now(), place, asked.live(), asked.cursor(), asked.returning());
    }

    static RefusedException invalid() {
        return RefusedException.badRequest(
                "INVALID_OFFSET",
                "offset (or Last-Event-ID) must be -1, now, or an offset that this server has given out for the stream");
    }

    /** The value of a parameter that may be given once, or null. */
    static @Nullable String single(Exchange exchange, String name) throws RefusedException {
        List<String> values;
        try {
            values = exchange.request().params().getAll(name);
        } catch (IllegalArgumentException e) {
            throw RefusedException.badRequest("INVALID_QUERY", "The query is not valid percent-encoding");
        }
        if (values.size() > 1) {
            throw RefusedException.badRequest("INVALID_QUERY", "The parameter " + name + " may be given only once");
        }
        return values.isEmpty() ? null : values.getFirst();
    }

    /** The place at which reading starts in {@code state}. */
    Place.Resolved start(StreamState state) {
        Place.Resolved start = now ? new Place.At(state.shown()) : place.in(state);
        return start instanceof Place.Beyond(long end) && isOneFurther(end) && !state.isJson()
                // Inside the next append, so the read begins at the start of that append. The Yjs package of the
                // protocol relies on this.
                ? new Place.At(end)
                : start;
    }

    private boolean isOneFurther(long end) {
        return switch (place) {
            case Place.Named named -> named.position() == end + 1;
            case Place.Unnamed unnamed -> unnamed.position() == end + 1;
            case Place.Start start -> false;
            case Place.Lapsed lapsed -> false;
        };
    }
}
