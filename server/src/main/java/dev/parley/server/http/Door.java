package dev.parley.server.http;

import io.vertx.core.Future;
import io.vertx.core.http.HttpServerRequest;

/** A protocol front end. It is called on the event loop of the request's connection. */
public interface Door {

    /** How the undecoded paths begin that are this door's; where several doors fit, the longest prefix decides. */
    String prefix();

    void handle(HttpServerRequest request);

    /** Answers, in the form that this door's errors have, a request that is wrong before any door looks at it. */
    default void refuse(HttpServerRequest request, int status, String code, String message) {
        Replies.error(request, status, code, message);
    }

    /** Ends live reads with a position to resume from; completes when none is left. */
    Future<Void> drain();
}
