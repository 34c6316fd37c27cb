package dev.parley.server.streams;

import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.Streams;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * GET of the root of all streams: lists them by path. This is Parley's own; the protocol has no lists.
 *
 * @param offsets renders where streams end
 */
record ListStreams(Streams streams, Offsets offsets) {
    /** The greatest number of streams in one answer, which is also the default. */
    static final int MAX_LISTED = 1_000;

    void handle(Exchange exchange) throws RefusedException {
        String prefix = ReadQuery.single(exchange, "prefix");
        String cursor = ReadQuery.single(exchange, "cursor");
        int limit = limit(ReadQuery.single(exchange, "limit"));
        exchange.blocking(
                () -> streams.list(prefix == null ? "" : prefix, cursor, limit), page -> answer(exchange, page));
    }

    private void answer(Exchange exchange, Streams.Listed page) {
        var body = JsonMapper.shared().createObjectNode();
        var listed = body.putArray("streams");
        for (StreamState stream : page.streams()) {
            listed.addObject()
                    .put("path", stream.path())
                    .put("contentType", stream.contentType())
                    .put("nextOffset", offsets.render(stream, stream.tail()))
                    .put("createdAt", stream.createdAt())
                    .put("closed", stream.closed());
        }
        body.put("next", page.next());
        Replies.json(exchange.request(), 200, body.toString());
    }

    private static int limit(@Nullable String text) throws RefusedException {
        if (text == null) {
            return MAX_LISTED;
        }
        if (text.matches("[1-9]\\d{0,3}") && Integer.parseInt(text) <= MAX_LISTED) {
            return Integer.parseInt(text);
        }
        throw RefusedException.badRequest("INVALID_QUERY", "'limit' is a number from 1 to " + MAX_LISTED);
    }
}
