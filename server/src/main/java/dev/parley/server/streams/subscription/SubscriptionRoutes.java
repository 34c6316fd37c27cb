package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Owner;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.http.Answers;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Shares;
import dev.parley.server.webhook.WebhookKeys;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything below {@code __ds}: the subscriptions, and the keys of their webhooks. Finds out what a request asks for, and
 * whether its sender may do it.
 *
 * <p>To manage subscriptions or to claim a wake, a client needs the operation {@code subscribe} on
 * {@code __ds/subscriptions/<id>}. To name streams or a pattern, it must be allowed to read them, and to append to the wake
 * stream. A worker shows the token of its wake instead.
 */
public final class SubscriptionRoutes {
    /** The longest id of a subscription. */
    public static final int MAX_ID = 256;

    /** The largest body of a request. */
    public static final int MAX_BODY_BYTES = 4 << 20;

    private static final String JWKS = "__ds/jwks.json";
    private static final String SUBSCRIPTIONS = "__ds/subscriptions/";

    private final Gate gate;
    private final Shares shares;
    private final PublicAddress address;
    private final WebhookKeys keys;
    private final SubscriptionView view;
    private final boolean allowLocal;
    private final SubscriptionManagement management;
    private final WakeRequests wakes;
    private final RequestWorkers workers;

    SubscriptionRoutes(
            Engine engine,
            Shares shares,
            Answers answers,
            Gate gate,
            PublicAddress address,
            WebhookKeys keys,
            SubscriptionView view,
            WakeTokens tokens,
            boolean allowLocal,
            InstantSource clock) {
        this.address = address;
        this.shares = shares;
        this.gate = gate;
        this.keys = keys;
        this.view = view;
        this.allowLocal = allowLocal;
        var commands = new SubscriptionCommands(engine);
        this.management = new SubscriptionManagement(engine, commands, view, clock);
        this.wakes = new WakeRequests(engine, commands, view, tokens, clock);
        this.workers = new RequestWorkers(shares, answers);
    }

    /** Waits for the requests in progress, which use the engine. */
    void stop() {
        workers.stop();
    }

    /** Answers the request. Called on its event loop. */
    public void handle(HttpServerRequest request, String rawPath) {
        try {
            if (rawPath.equals(JWKS)) {
                publishKeys(request);
            } else {
                route(request, rawPath);
            }
        } catch (RefusedException e) {
            e.answer(request);
        }
    }

    private void publishKeys(HttpServerRequest request) throws RefusedException {
        allowOnly(request, "GET");
        // The first time, they are read from a file.
        workers.withoutBody(request, () -> {
            String published = keys.publicKeys();
            return () -> {
                if (!request.response().closed()) {
                    request.response()
                            .putHeader(HttpHeaders.CONTENT_TYPE, "application/jwk-set+json")
                            .putHeader(HttpHeaders.CACHE_CONTROL, "public, max-age=300")
                            .end(published);
                }
            };
        });
    }

    private void route(HttpServerRequest request, String rawPath) throws RefusedException {
        String[] segments = rawPath.startsWith(SUBSCRIPTIONS)
                ? rawPath.substring(SUBSCRIPTIONS.length()).split("/", 3)
                : new String[] {""};
        String id = decode(segments[0]);
        if (id.isEmpty()) {
            throw nothingHere();
        }
        if (id.length() > MAX_ID || id.chars().anyMatch(Character::isISOControl)) {
            throw SubscriptionRequests.invalid("A subscription's id has 1 to " + MAX_ID + " characters.");
        }
        String action = segments.length == 1 ? "" : segments[1];
        if (segments.length == 3) {
            if (!action.equals("streams")) {
                throw nothingHere();
            }
            allowOnly(request, "DELETE");
            Principal principal = permit(request, id);
            String path = SubscriptionRequests.path(decode(segments[2]));
            workers.work(request, principal, (body, room) -> management.removeStream(id, path));
            return;
        }
        switch (action) {
            case "" -> subscription(request, id);
            case "streams" -> {
                allowOnly(request, "POST");
                Principal principal = permit(request, id);
                workers.work(
                        request,
                        principal,
                        (body, room) -> management.addStreams(id, SubscriptionRequests.streams(body), principal));
            }
            case "claim" -> {
                allowOnly(request, "POST");
                Principal principal = permit(request, id);
                workers.work(
                        request, principal, (body, room) -> wakes.claim(id, SubscriptionRequests.worker(body), room));
            }
            case "callback", "ack", "release" -> {
                allowOnly(request, "POST");
                // Before the body is read: the bodies of others take no memory.
                long generation = wakes.generation(token(request), id, action.equals("callback"));
                workers.work(
                        request,
                        null,
                        (body, room) -> wakes.report(
                                id, action, generation, SubscriptionRequests.report(body, view.offsets())));
            }
            default -> throw nothingHere();
        }
    }

    private void subscription(HttpServerRequest request, String id) throws RefusedException {
        allowOnly(request, "GET", "HEAD", "PUT", "DELETE");
        Principal principal = permit(request, id);
        String known = address.of(request);
        String baseUrl = known == null ? request.scheme() + "://" + request.localAddress() : known;
        switch (request.method().name()) {
            case "PUT" -> {
                Owner owner = shares.owner(request.connection(), principal);
                workers.work(
                        request,
                        principal,
                        (body, room) -> management.create(
                                id, SubscriptionRequests.config(body, allowLocal), baseUrl, principal, owner, room));
            }
            case "DELETE" -> workers.work(request, principal, (body, room) -> management.delete(id));
            default -> workers.work(request, principal, (body, room) -> management.describe(id, baseUrl, room));
        }
    }

    private static RefusedException nothingHere() {
        return new RefusedException(404, "NOT_FOUND", "There is nothing at this path.");
    }

    private static void allowOnly(HttpServerRequest request, String... methods) throws RefusedException {
        if (!List.of(methods).contains(request.method().name())) {
            request.response().putHeader(HttpHeaders.ALLOW, String.join(", ", methods));
            throw new RefusedException(
                    405, "METHOD_NOT_ALLOWED", "The methods for this path are " + String.join(", ", methods) + ".");
        }
    }

    private Principal permit(HttpServerRequest request, String id) throws RefusedException {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        return switch (gate.check(authorization, CapabilityOp.SUBSCRIBE_STREAMS, SUBSCRIPTIONS + id)) {
            case Access.Granted(Principal principal) -> principal;
            case Access.Refused refused -> {
                if (refused.status() == 401) {
                    request.response().putHeader("WWW-Authenticate", Access.Refused.CHALLENGE);
                }
                throw new RefusedException(refused.status(), refused.code(), refused.message());
            }
        };
    }

    private static @Nullable String token(HttpServerRequest request) {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        return authorization != null && authorization.regionMatches(true, 0, "Bearer ", 0, 7)
                ? authorization.substring(7).strip()
                : null;
    }

    private static String decode(String segment) throws RefusedException {
        try {
            return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw SubscriptionRequests.invalid("The path has an invalid escape.");
        }
    }
}
