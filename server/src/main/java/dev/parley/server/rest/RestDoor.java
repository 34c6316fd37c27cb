package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Gate;
import dev.parley.server.config.Config;
import dev.parley.server.http.Cors;
import dev.parley.server.http.Door;
import dev.parley.server.http.Origins;
import dev.parley.server.http.Shares;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.RequestHandler;
import dev.parley.server.request.Senders;
import dev.parley.server.time.NodeClock;
import io.vertx.core.Future;
import io.vertx.core.http.HttpServerRequest;
import java.util.Set;

/**
 * The door for Ably's REST protocol. Requests are handled on virtual threads, because nearly all of them wait for the disk.
 * The door keeps no state between requests.
 */
public final class RestDoor implements Door {
    /** The largest body of a request. */
    public static final int MAX_BODY_BYTES = 2 << 20;

    /**
     * The first segments of paths for which the sender is authenticated before the body is read. The resources at other
     * paths authenticate the sender themselves.
     */
    private static final Set<String> FOR_KNOWN_SENDERS = Set.of("channels", "messages", "presence", "stats");

    private final RequestHandler requests;

    /**
     * A door to the sessions of {@code engine}.
     *
     * @param rootKey the key whose holder may create apps through the admin API, accept the clock and make backups
     * @param appsForEverybody whether everybody may create apps, if the admin API is on
     */
    public RestDoor(
            Engine engine,
            Config config,
            Shares shares,
            Gate gate,
            Apps apps,
            Publisher publisher,
            Occupancy occupancy,
            ApiKey rootKey,
            boolean appsForEverybody,
            NodeClock clock) {
        Routes routes = new Routes(engine, config, gate, apps, publisher, occupancy, rootKey, appsForEverybody, clock);
        Cors cors = Cors.withCredentials(
                Origins.of(config.cors().origins(), false),
                "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
                "Accept, Authorization, Content-Type, Ably-Agent, X-Ably-ClientId, X-Ably-Lib, X-Ably-RequestId, "
                        + "X-Ably-Version",
                config.cors().headers(),
                "Link, Retry-After, X-Ably-Errorcode, X-Ably-Errormessage");
        this.requests = new RequestHandler(
                routes,
                new RestForm(),
                gate,
                Senders.known(gate),
                path -> FOR_KNOWN_SENDERS.contains(path.getFirst()),
                shares,
                cors,
                Math.min(MAX_BODY_BYTES, config.limits().bodyBytes()));
    }

    @Override
    public String prefix() {
        return "/";
    }

    @Override
    public Future<Void> drain() {
        return requests.drain();
    }

    @Override
    public void handle(HttpServerRequest request) {
        requests.handle(request);
    }

    @Override
    public void refuse(HttpServerRequest request, int status, String code, String message) {
        requests.refuse(request, status, message);
    }
}
