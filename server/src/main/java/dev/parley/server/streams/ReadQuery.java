package dev.parley.server.streams;

import dev.parley.engine.stream.StreamState;
import dev.parley.server.http.RefusedException;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a GET asks for (5.6 to 5.8).
 *
 * @param offset the offset as given, null for the start
 * @param cursor the client's last cursor, or null
 */
record ReadQuery(
        @Nullable String offset, Live live, @Nullable String cursor) {
    enum Live {
        NO,
        LONG_POLL,
        SSE
    }

    static ReadQuery of(Exchange exchange) throws RefusedException {
        String offset = single(exchange, "offset");
        String mode = single(exchange, "live");
        Live live = switch (mode) {
            case null -> Live.NO;
            case "long-poll" -> Live.LONG_POLL;
            case "sse" -> Live.SSE;
            default -> throw RefusedException.badRequest("INVALID_LIVE", "live must be long-poll or sse");
        };
        if (offset == null && live != Live.NO) {
            throw RefusedException.badRequest(
                    "NO_OFFSET", "A live read needs an offset: -1 for the start, now for the tail, or a known one");
        }
        if (offset != null
                && !offset.equals("-1")
                && !offset.equals("now")
                && Offsets.parse(offset).isEmpty()) {
            throw RefusedException.badRequest(
                    "INVALID_OFFSET", "offset must be -1, now, or an offset that this server has given out");
        }
        return new ReadQuery(offset, live, single(exchange, "cursor"));
    }

    private static @Nullable String single(Exchange exchange, String name) throws RefusedException {
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

    boolean now() {
        return "now".equals(offset);
    }

    /** Where reading starts; empty if that is beyond the stream's tail. */
    OptionalLong start(StreamState state) {
        if (offset == null || offset.equals("-1")) {
            return OptionalLong.of(0);
        }
        if (now()) {
            return OptionalLong.of(state.tail());
        }
        long position = Offsets.parse(offset).orElseThrow();
        if (position == state.tail() + 1 && !state.isJson()) {
            // Inside the append that comes next, which begins at the tail. The Yjs package of the protocol asks so.
            return OptionalLong.of(state.tail());
        }
        return position > state.tail() ? OptionalLong.empty() : OptionalLong.of(position);
    }
}
