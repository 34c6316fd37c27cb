package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.server.apps.Apps;
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
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wake.AgentSpecs;
import io.vertx.core.Future;
import io.vertx.core.http.HttpServerRequest;

/**
 * The door to sessions as conversations: lists and describes them, shows what was said, and says things to them. Its
 * description for programs is at {@code /v1/openapi.json}.
 */
public final class SessionDoor implements Door {
    /** The largest body of a request. */
    static final int MAX_BODY_BYTES = 2 << 20;

    private final SessionRoutes routes;
    private final RequestHandler requests;

    /**
     * A door to the sessions of {@code engine}.
     *
     * @param apps the rules for sessions
     * @param agents reads descriptions of agents
     */
    public SessionDoor(
            Engine engine,
            Config config,
            Shares shares,
            Gate gate,
            Publisher publisher,
            Occupancy occupancy,
            Timelines timelines,
            Apps apps,
            AgentSpecs agents) {
        Cors cors = Cors.withCredentials(
                Origins.of(config.cors().origins(), false),
                SessionRoutes.METHODS,
                "Accept, Authorization, Content-Type, X-Ably-ClientId, X-Actor-Id, X-Actor-Type, X-Session-Id",
                config.cors().headers(),
                "Allow, Retry-After");
        this.routes = new SessionRoutes(engine, config, gate, publisher, occupancy, timelines, apps, agents);
        this.requests = new RequestHandler(
                routes,
                new SessionForm(),
                gate,
                Senders.of(gate, config),
                path -> !SessionRoutes.isDescription(path),
                shares,
                cors,
                Math.min(MAX_BODY_BYTES, config.limits().bodyBytes()));
    }

    @Override
    public String prefix() {
        return "/v1/sessions";
    }

    /** The same door for the description. */
    public Door description() {
        return at(SessionRoutes.DESCRIPTION);
    }

    /** The same door for the requests of all sessions. */
    public Door inbox() {
        return at(SessionRoutes.INBOX);
    }

    /** The same door for what namespaces name for their sessions. */
    public Door namespaces() {
        return at(SessionRoutes.NAMESPACES);
    }

    /** The same door for what there is to do in all sessions. */
    public Door claims() {
        return at(SessionRoutes.CLAIM);
    }

    @Override
    public void handle(HttpServerRequest request) {
        requests.handle(request);
    }

    @Override
    public void refuse(HttpServerRequest request, int status, String code, String message) {
        requests.refuse(request, status, message);
    }

    @Override
    public Future<Void> drain() {
        routes.stop();
        return requests.drain();
    }
}
