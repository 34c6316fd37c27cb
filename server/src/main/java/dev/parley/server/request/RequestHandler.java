package dev.parley.server.request;

import dev.parley.engine.memory.Memory;
import dev.parley.server.auth.Gate;
import dev.parley.server.http.Cors;
import dev.parley.server.http.RequestBody;
import dev.parley.server.http.Shares;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import io.vertx.core.Future;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the requests of a door whose work blocks: authenticates the sender, reads the body, and has the door's resources
 * answer on a virtual thread. How many requests are in progress is bounded. It keeps no other state between requests.
 */
public final class RequestHandler {
    /** The largest body of a request whose sender is not known. */
    private static final int MAX_ANONYMOUS_BODY_BYTES = 64 << 10;

    private static final Logger LOG = LoggerFactory.getLogger(RequestHandler.class);

    private final Resources resources;
    private final AnswerForm form;
    private final Gate gate;
    private final Senders senders;
    private final Predicate<List<String>> forKnownSenders;
    private final Shares shares;
    private final Cors cors;
    private final int bodyBytes;
    private final RequestsInProgress progress = new RequestsInProgress();

    /**
     * A handler of the requests of one door.
     *
     * @param senders whom it serves
     * @param forKnownSenders whether the sender of a request is authenticated before its body is read, by its
     *     path; resources at other paths authenticate their senders themselves
     * @param bodyBytes the largest body of a request
     */
    public RequestHandler(
            Resources resources,
            AnswerForm form,
            Gate gate,
            Senders senders,
            Predicate<List<String>> forKnownSenders,
            Shares shares,
            Cors cors,
            int bodyBytes) {
        this.resources = resources;
        this.form = form;
        this.gate = gate;
        this.senders = senders;
        this.forKnownSenders = forKnownSenders;
        this.shares = shares;
        this.cors = cors;
        this.bodyBytes = bodyBytes;
    }

    /** Handles a request, on its event loop. */
    public void handle(HttpServerRequest request) {
        cors.apply(request);
        if (request.method().equals(HttpMethod.OPTIONS)) {
            cors.preflight(request);
            return;
        }
        Exchange exchange = new Exchange(resources, form, progress, request);
        if (progress.isDraining()) {
            exchange.refuse(null, ErrorInfo.STOPPING);
            return;
        }
        request.exceptionHandler(gone -> LOG.debug("a request did not arrive completely", gone));
        Request head;
        try {
            head = Request.of(request, gate, path -> forKnownSenders.test(path) ? senders : null);
        } catch (WireException e) {
            exchange.refuse(null, e.error());
            return;
        }
        // Senders who are not known may send only small bodies.
        int limit = head.isAuthenticated() ? bodyBytes : Math.min(bodyBytes, MAX_ANONYMOUS_BODY_BYTES);
        Shares.Holder holder = shares.holder(request.connection(), head.sender());
        RequestBody.read(
                request,
                limit,
                holder,
                body -> exchange.start(head.with(body), holder.of(Memory.Kind.ANSWERS)),
                () -> exchange.refuse(head, ErrorInfo.bodyTooLarge(limit)));
    }

    /** Refuses a request that is invalid before the door has seen it. */
    public void refuse(HttpServerRequest request, int status, String message) {
        cors.apply(request);
        new Exchange(resources, form, progress, request).refuse(null, new ErrorInfo(status * 100, status, message));
    }

    /** Accepts no more requests. Completes when no request uses the engine any more. */
    public Future<Void> drain() {
        return progress.drain();
    }
}
