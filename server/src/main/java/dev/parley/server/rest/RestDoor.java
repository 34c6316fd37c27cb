package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Memory;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.config.Config;
import dev.parley.server.http.Cors;
import dev.parley.server.http.Door;
import dev.parley.server.http.Origins;
import dev.parley.server.http.RequestBody;
import dev.parley.server.http.Shares;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.time.NodeClock;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.vertx.core.Future;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The door for Ably's REST protocol. Requests are handled on virtual threads, because nearly all of them wait for the disk.
 * The door keeps no state between requests.
 */
public final class RestDoor implements Door {
    /** The largest body of a request. */
    public static final int MAX_BODY_BYTES = 2 << 20;

    /** The largest body of a request whose sender is not known. */
    private static final int MAX_ANONYMOUS_BODY_BYTES = 64 << 10;

    /**
     * The first segments of paths for which the sender is authenticated before the body is read. The resources at other
     * paths authenticate the sender themselves.
     */
    private static final Set<String> FOR_KNOWN_SENDERS = Set.of("channels", "messages", "presence", "stats");

    private static final Logger LOG = LoggerFactory.getLogger(RestDoor.class);

    private final Routes routes;
    private final Gate gate;
    private final Shares shares;
    private final Cors cors;
    private final int bodyBytes;
    private final RequestsInProgress progress = new RequestsInProgress();

    /**
     * A door to the sessions of {@code engine}.
     *
     * @param rootKey the key whose holder may create apps through the admin API, and accept the clock
     * @param appsForEverybody whether everybody may create apps, if the admin API is on
     */
    public RestDoor(
            Engine engine,
            Config config,
            Shares shares,
            Gate gate,
            Apps apps,
            ConnectionKeys connectionKeys,
            Occupancy occupancy,
            ApiKey rootKey,
            boolean appsForEverybody,
            NodeClock clock) {
        this.routes =
                new Routes(engine, config, gate, apps, connectionKeys, occupancy, rootKey, appsForEverybody, clock);
        this.gate = gate;
        this.shares = shares;
        this.cors = Cors.withCredentials(
                Origins.of(config.cors().origins(), false),
                "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
                "Accept, Authorization, Content-Type, Ably-Agent, X-Ably-ClientId, X-Ably-Lib, X-Ably-RequestId, "
                        + "X-Ably-Version",
                config.cors().headers(),
                "Link, Retry-After, X-Ably-Errorcode, X-Ably-Errormessage");
        this.bodyBytes = Math.min(MAX_BODY_BYTES, config.limits().bodyBytes());
    }

    @Override
    public String prefix() {
        return "/";
    }

    @Override
    public Future<Void> drain() {
        return progress.drain();
    }

    @Override
    public void handle(HttpServerRequest request) {
        cors.apply(request);
        if (request.method().equals(HttpMethod.OPTIONS)) {
            cors.preflight(request);
            return;
        }
        RestExchange exchange = new RestExchange(routes, progress, request);
        if (progress.isDraining()) {
            exchange.refuse(WireFormat.JSON, ErrorInfo.STOPPING);
            return;
        }
        request.exceptionHandler(gone -> LOG.debug("a request did not arrive completely", gone));
        RestRequest head;
        try {
            head = RestRequest.of(request, path -> FOR_KNOWN_SENDERS.contains(path) ? gate : null);
        } catch (WireException e) {
            exchange.refuse(WireFormat.JSON, e.error());
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
                () -> exchange.refuse(head.accepted(), ErrorInfo.bodyTooLarge(limit)));
    }

    @Override
    public void refuse(HttpServerRequest request, int status, String code, String message) {
        cors.apply(request);
        new RestExchange(routes, progress, request)
                .refuse(WireFormat.JSON, new ErrorInfo(status * 100, status, message));
    }
}
