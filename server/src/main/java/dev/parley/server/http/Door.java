package dev.parley.server.http;

import io.vertx.core.Future;
import io.vertx.core.http.HttpServerRequest;

/** A protocol front end. It is called on the event loop of the request's connection. */
public interface Door {

    /**
     * The beginning of the undecoded paths that belong to this door. If several doors match, the one with the longest
     * prefix gets the request.
     */
    String prefix();

    void handle(HttpServerRequest request);

    /** Answers a request that is invalid before any door has seen it, in the form of this door's errors. */
    default void refuse(HttpServerRequest request, int status, String code, String message) {
        Replies.error(request, status, code, message);
    }

    /** This door at another prefix too. Its live reads are drained by this one. */
    default Door at(String other) {
        Door main = this;
        return new Door() {
            @Override
            public String prefix() {
                return other;
            }

            @Override
            public void handle(HttpServerRequest request) {
                main.handle(request);
            }

            @Override
            public void refuse(HttpServerRequest request, int status, String code, String message) {
                main.refuse(request, status, code, message);
            }

            @Override
            public Future<Void> drain() {
                return Future.succeededFuture();
            }
        };
    }

    /** Ends live reads with a position from which the client can resume. Completes when no live read is left. */
    Future<Void> drain();
}
