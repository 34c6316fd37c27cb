package dev.parley.server.request;

import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.wire.WireException;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;

/** What a door has at its paths. Thread-safe. */
@FunctionalInterface
public interface Resources {

    /**
     * Answers a request; blocks.
     *
     * @param http the request as it arrived; only what does not change may be asked of it
     */
    Answer answer(Request request, HttpServerRequest http) throws WireException, AccessRefusedException, IOException;
}
