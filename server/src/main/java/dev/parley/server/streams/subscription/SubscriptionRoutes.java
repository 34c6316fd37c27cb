package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.command.Command;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Share;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.subscription.Glob;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionCommand.Ack;
import dev.parley.engine.subscription.SubscriptionCommand.Acked;
import dev.parley.engine.subscription.SubscriptionCommand.AddStreams;
import dev.parley.engine.subscription.SubscriptionCommand.Claim;
import dev.parley.engine.subscription.SubscriptionCommand.Create;
import dev.parley.engine.subscription.SubscriptionCommand.Delete;
import dev.parley.engine.subscription.SubscriptionCommand.Release;
import dev.parley.engine.subscription.SubscriptionCommand.RemoveStream;
import dev.parley.engine.subscription.SubscriptionConfig;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionMachine;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.Upkeep;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.http.Answers;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import dev.parley.server.http.RequestBody;
import dev.parley.server.http.Shares;
import dev.parley.server.streams.subscription.SubscriptionRequests.Processed;
import dev.parley.server.streams.subscription.SubscriptionRequests.Report;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Everything below {@code __ds}: the subscriptions and the keys of their webhooks.
 *
 * <p>Who manages subscriptions or claims a wake needs the operation {@code subscribe} on {@code __ds/subscriptions/<id>};
 * who names streams or a pattern to follow must be allowed to read them, and to append to the wake stream. A worker at
 * work shows the token of its wake instead.
 */
public final class SubscriptionRoutes {
    /** Subscriptions of a server. */
    public static final int MAX_SUBSCRIPTIONS = 10_000;

    /** Longest id of a subscription. */
    public static final int MAX_ID = 256;

    /** Longest body of a request. */
    public static final int MAX_BODY_BYTES = 4 << 20;

    /** Names of all the streams that a new subscription is linked to, in characters. */
    public static final int MAX_LINKED_CHARS = 4 << 20;

    private static final int WORKERS = 16;
    private static final int MAX_WAITING = 1_000;
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);
    private static final String JWKS = "__ds/jwks.json";
    private static final String SUBSCRIPTIONS = "__ds/subscriptions/";

    private static final Logger LOG = LoggerFactory.getLogger(SubscriptionRoutes.class);

    private final Engine engine;
    private final Shares shares;
    private final Answers answers;
    private final Gate gate;
    private final PublicAddress address;
    private final SubscriptionKeys keys;
    private final SubscriptionView view;
    private final WakeTokens tokens;
    private final boolean allowLocal;
    private final InstantSource clock;
    private final Upkeep upkeep;

    /** Requests wait for the disk, so they do not stay on the event loop. */
    private final ThreadPoolExecutor workers = new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().name("parley-subscription-requests-", 0).factory());

    SubscriptionRoutes(
            Engine engine,
            Shares shares,
            Answers answers,
            Gate gate,
            PublicAddress address,
            SubscriptionKeys keys,
            SubscriptionView view,
            WakeTokens tokens,
            boolean allowLocal,
            InstantSource clock) {
        this.engine = engine;
        this.shares = shares;
        this.answers = answers;
        this.address = address;
        this.gate = gate;
        this.keys = keys;
        this.view = view;
        this.tokens = tokens;
        this.allowLocal = allowLocal;
        this.clock = clock;
        this.upkeep = view.upkeep();
        workers.allowCoreThreadTimeOut(true);
    }

    /** Waits for requests that are being worked at: they look into the engine. */
    void stop() {
        workers.shutdown();
        try {
            if (!workers.awaitTermination(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("requests about subscriptions are still being worked at");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Answers the request. On its event loop. */
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
        // The first time they come from a file.
        elsewhere(
                request,
                new Reservation(shares.holder(request.connection(), null).of(Memory.Kind.ARRIVING), 0),
                () -> {
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

    private sealed interface Answer {}

    private record Empty(int status) implements Answer {}

    private static final Answer NO_CONTENT = new Empty(204);

    private record Small(int status, ObjectNode body) implements Answer {}

    /** An answer that may be large: it has a part for each link. */
    private record Large(int status, byte[] body, Reservation held) implements Answer {}

    /** The work that a request asks for; what it reserves of {@code room} is for its answer. */
    private interface Work {
        Answer answer(byte[] body, Room room) throws RefusedException;
    }

    /** The work of which the answer may be large. */
    private interface LargeWork {
        Small answer() throws RefusedException;
    }

    /** Does the work if there is room for an answer that may take {@code bytes} until it is sent; else nothing happens. */
    private static Answer large(long bytes, Room room, LargeWork work) throws RefusedException {
        Reservation held = room.reserve(bytes);
        if (held == null) {
            throw overloaded();
        }
        boolean made = false;
        try {
            Small answer = work.answer();
            byte[] body = Json.MAPPER.writeValueAsBytes(answer.body());
            made = true;
            return new Large(answer.status(), body, held);
        } finally {
            if (!made) {
                held.close();
            }
        }
    }

    private void route(HttpServerRequest request, String rawPath) throws RefusedException {
        String[] segments = rawPath.startsWith(SUBSCRIPTIONS)
                ? rawPath.substring(SUBSCRIPTIONS.length()).split("/", 3)
                : new String[] {""};
        String id = decode(segments[0]);
        if (id.isEmpty()) {
            throw new RefusedException(404, "NOT_FOUND", "There is nothing at this path.");
        }
        if (id.length() > MAX_ID || id.chars().anyMatch(Character::isISOControl)) {
            throw SubscriptionRequests.invalid("A subscription's id has 1 to " + MAX_ID + " characters.");
        }
        String action = segments.length == 1 ? "" : segments[1];
        if (segments.length == 3) {
            if (!action.equals("streams")) {
                throw new RefusedException(404, "NOT_FOUND", "There is nothing at this path.");
            }
            allowOnly(request, "DELETE");
            Principal principal = permit(request, id);
            String path = SubscriptionRequests.path(decode(segments[2]));
            work(request, principal, (body, room) -> removeStream(id, path));
            return;
        }
        switch (action) {
            case "" -> subscription(request, id);
            case "streams" -> {
                allowOnly(request, "POST");
                Principal principal = permit(request, id);
                work(request, principal, (body, room) -> addStreams(id, SubscriptionRequests.streams(body), principal));
            }
            case "claim" -> {
                allowOnly(request, "POST");
                Principal principal = permit(request, id);
                work(request, principal, (body, room) -> claim(id, SubscriptionRequests.worker(body), room));
            }
            case "callback", "ack", "release" -> {
                allowOnly(request, "POST");
                long generation = generation(request, id, action);
                work(
                        request,
                        null,
                        (body, room) ->
                                report(id, action, generation, SubscriptionRequests.report(body, view.offsets())));
            }
            default -> throw new RefusedException(404, "NOT_FOUND", "There is nothing at this path.");
        }
    }

    private void subscription(HttpServerRequest request, String id) throws RefusedException {
        allowOnly(request, "GET", "HEAD", "PUT", "DELETE");
        Principal principal = permit(request, id);
        String known = address.of(request);
        String baseUrl = known == null ? request.scheme() + "://" + request.localAddress() : known;
        switch (request.method().name()) {
            case "PUT" ->
                work(
                        request,
                        principal,
                        (body, room) ->
                                create(id, SubscriptionRequests.config(body, allowLocal), baseUrl, principal, room));
            case "DELETE" ->
                work(request, principal, (body, room) -> {
                    submit(new Delete(id, clock.millis()));
                    return NO_CONTENT;
                });
            default ->
                work(request, principal, (body, room) -> {
                    Subscription subscription = find(id);
                    return large(
                            SubscriptionView.bytes(subscription),
                            room,
                            () -> new Small(200, view.describe(subscription, baseUrl)));
                });
        }
    }

    private Answer create(String id, SubscriptionConfig config, String baseUrl, Principal principal, Room room)
            throws RefusedException {
        require(principal, CapabilityOp.READ, config.streams());
        if (config.pattern() != null) {
            require(principal, CapabilityOp.READ, List.of(config.pattern(), Glob.withoutTrailingAny(config.pattern())));
        }
        if (config.target() instanceof PullWake pull) {
            require(principal, CapabilityOp.APPEND, List.of(pull.wakeStream()));
        }
        Subscription known = engine.subscriptions().find(id);
        if (known == null && engine.subscriptions().count() >= MAX_SUBSCRIPTIONS) {
            throw tooMany("This server has " + MAX_SUBSCRIPTIONS + " subscriptions, and no room for more.");
        }
        long now = clock.millis();
        List<StreamTail> tails = known == null ? tailsFor(config, now) : List.of();
        Create command = new Create(id, now, config, baseUrl, tails);
        return large(
                known == null ? SubscriptionView.bytes(tails) : SubscriptionView.bytes(known),
                room,
                () -> create(command));
    }

    private Small create(Create command) throws RefusedException {
        SubscriptionOutcome.OfCreate outcome;
        try (Reservation links = engine.subscriptions().reserve(command)) {
            outcome = submit(command, links);
        }
        return switch (outcome) {
            case SubscriptionOutcome.Created c -> new Small(201, view.describe(find(command.id()), command.baseUrl()));
            case SubscriptionOutcome.Confirmed c ->
                new Small(200, view.describe(find(command.id()), command.baseUrl()));
            case SubscriptionOutcome.ConfigDiffers c ->
                throw new RefusedException(
                        409, "SUBSCRIPTION_ALREADY_EXISTS", "The subscription exists with a different configuration.");
            case SubscriptionOutcome.TooManyLinks(int limit) -> throw tooManyLinks(limit);
        };
    }

    /** The streams that a new subscription is linked to: those named, and those there are for its pattern. */
    private List<StreamTail> tailsFor(SubscriptionConfig config, long now) throws RefusedException {
        TreeSet<String> paths = new TreeSet<>(config.streams());
        long[] chars = {paths.stream().mapToLong(String::length).sum()};
        if (config.pattern() != null) {
            engine.streams().forEach(Glob.literalPrefix(config.pattern()), stream -> {
                // One too many is enough to tell.
                if (paths.size() <= SubscriptionMachine.MAX_LINKS
                        && stream.visible(now)
                        && config.matches(stream.path())
                        && paths.add(stream.path())) {
                    chars[0] += stream.path().length();
                }
            });
        }
        if (paths.size() > SubscriptionMachine.MAX_LINKS || chars[0] > MAX_LINKED_CHARS) {
            throw tooManyLinks(SubscriptionMachine.MAX_LINKS);
        }
        return paths.stream().map(path -> upkeep.tail(path, now)).toList();
    }

    private Answer addStreams(String id, List<String> streams, Principal principal) throws RefusedException {
        require(principal, CapabilityOp.READ, streams);
        if (find(id).state().config().target() instanceof PullWake pull && streams.contains(pull.wakeStream())) {
            throw SubscriptionRequests.invalid("The wake stream cannot be one of the streams.");
        }
        long now = clock.millis();
        List<StreamTail> tails =
                streams.stream().distinct().map(path -> upkeep.tail(path, now)).toList();
        AddStreams command = new AddStreams(id, now, tails);
        try (Reservation links = engine.subscriptions().reserve(command)) {
            return changed(submit(command, links));
        }
    }

    private Answer removeStream(String id, String path) throws RefusedException {
        return changed(submit(new RemoveStream(id, clock.millis(), path)));
    }

    private static Answer changed(SubscriptionOutcome.OfChange outcome) throws RefusedException {
        return switch (outcome) {
            case SubscriptionOutcome.Done d -> NO_CONTENT;
            case SubscriptionOutcome.NotFound n -> throw notFound();
            case SubscriptionOutcome.Fenced f -> throw fenced();
            case SubscriptionOutcome.TooManyLinks(int limit) -> throw tooManyLinks(limit);
        };
    }

    private Answer claim(String id, String worker, Room room) throws RefusedException {
        Subscription subscription = find(id);
        return large(SubscriptionView.bytes(subscription), room, () -> claim(subscription, worker));
    }

    private Small claim(Subscription subscription, String worker) throws RefusedException {
        long now = clock.millis();
        SubscriptionOutcome.OfClaim outcome = submit(
                new Claim(subscription.state().id(), now, worker, upkeep.pending(subscription, now), Chance.wakeId()));
        return switch (outcome) {
            case SubscriptionOutcome.Claimed(String wakeId, long generation) -> {
                SubscriptionState s = subscription.state();
                ObjectNode body = Json.MAPPER.createObjectNode();
                body.put("wake_id", wakeId).put("generation", generation);
                body.put("token", tokens.issue(s, generation, now));
                body.set("streams", view.describe(upkeep.standings(subscription, now)));
                body.put("lease_ttl_ms", s.config().leaseMillis());
                yield new Small(200, body);
            }
            case SubscriptionOutcome.AlreadyClaimed(String holder, long generation) -> {
                ObjectNode body = Json.MAPPER.createObjectNode();
                body.putObject("error")
                        .put("code", "ALREADY_CLAIMED")
                        .put("message", "Another worker holds the wake.")
                        .put("current_holder", holder)
                        .put("generation", generation);
                yield new Small(409, body);
            }
            case SubscriptionOutcome.NoPendingWork n ->
                throw new RefusedException(409, "NO_PENDING_WORK", "Everything is processed.");
            case SubscriptionOutcome.NotPullWake n -> throw wrongType();
            case SubscriptionOutcome.NotFound n -> throw notFound();
        };
    }

    /**
     * Callback, ack or release by the worker of {@code generation}. Should another subscription have come under this id
     * meanwhile, it knows no such wake.
     */
    private Answer report(String id, String action, long generation, Report report) throws RefusedException {
        Subscription subscription = find(id);
        long now = clock.millis();
        if (generation != report.generation()) {
            throw fenced();
        }
        return action.equals("release") ? release(subscription, report, now) : ack(subscription, report, now);
    }

    private Answer release(Subscription subscription, Report report, long now) throws RefusedException {
        return changed(submit(new Release(
                subscription.state().id(),
                now,
                report.generation(),
                report.wakeId(),
                upkeep.pending(subscription, now),
                Chance.wakeId())));
    }

    private Answer ack(Subscription subscription, Report report, long now) throws RefusedException {
        if (!subscription.state().holds(report.generation(), report.wakeId(), now)) {
            throw fenced();
        }
        Map<String, Long> acked = new HashMap<>();
        Map<String, Acked> furthest = new HashMap<>();
        for (Processed ack : report.acks()) {
            Acked found = find(ack);
            acked.merge(ack.path(), found.position(), Math::max);
            furthest.merge(ack.path(), found, (a, b) -> a.position() < b.position() ? b : a);
        }
        List<StreamTail> tails = new ArrayList<>();
        acked.keySet().forEach(path -> tails.add(upkeep.tail(path, now)));
        if (report.done()) {
            tails.addAll(upkeep.pendingAfter(subscription, acked, now));
        }
        List<Acked> acks = List.copyOf(furthest.values());
        SubscriptionOutcome.OfAck outcome = submit(new Ack(
                subscription.state().id(),
                now,
                report.generation(),
                report.wakeId(),
                acks,
                report.done(),
                tails,
                Chance.wakeId()));
        return switch (outcome) {
            case SubscriptionOutcome.Acked(boolean nextWake) ->
                new Small(200, Json.MAPPER.createObjectNode().put("ok", true).put("next_wake", nextWake));
            case SubscriptionOutcome.InvalidOffset(String reason) ->
                throw new RefusedException(409, "INVALID_OFFSET", reason);
            case SubscriptionOutcome.Fenced f -> throw fenced();
            case SubscriptionOutcome.NotFound n -> throw notFound();
        };
    }

    /** What a worker has processed, in the stream that is there. */
    private Acked find(Processed ack) throws RefusedException {
        StreamState stream = engine.streams().find(ack.path());
        if (stream == null) {
            throw new RefusedException(409, "INVALID_OFFSET", "There is no stream at " + ack.path() + ".");
        }
        return switch (ack.place().in(stream)) {
            case Place.At(long position) -> new Acked(ack.path(), stream.id(), position);
            case Place.Earlier earlier ->
                throw new RefusedException(
                        410,
                        "OFFSET_OF_EARLIER_STREAM",
                        "The offset is of an earlier stream at " + ack.path()
                                + ", or of before the server's data was restored from a backup.");
            case Place.Beyond beyond ->
                throw new RefusedException(
                        409, "INVALID_OFFSET", "The offset is beyond the tail of " + ack.path() + ".");
            case Place.Unknown unknown ->
                throw new RefusedException(
                        409, "INVALID_OFFSET", "The offset was not given out for " + ack.path() + ".");
        };
    }

    private Subscription find(String id) throws RefusedException {
        Subscription subscription = engine.subscriptions().find(id);
        if (subscription == null) {
            throw notFound();
        }
        return subscription;
    }

    private static RefusedException wrongType() {
        return SubscriptionRequests.invalid("A subscription of this type knows no such request.");
    }

    private static RefusedException tooMany(String message) {
        return new RefusedException(409, "LIMIT_EXCEEDED", message);
    }

    private static RefusedException tooManyLinks(int limit) {
        return tooMany("A subscription follows at most " + limit + " streams, and " + MAX_LINKED_CHARS
                + " characters of their paths when it begins.");
    }

    private static void allowOnly(HttpServerRequest request, String... methods) throws RefusedException {
        if (!List.of(methods).contains(request.method().name())) {
            request.response().putHeader(HttpHeaders.ALLOW, String.join(", ", methods));
            throw new RefusedException(
                    405, "METHOD_NOT_ALLOWED", "This path knows " + String.join(", ", methods) + ".");
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

    /** A subscription tells of its streams, so it takes no more than its maker may see. */
    private static void require(Principal principal, CapabilityOp operation, List<String> paths)
            throws RefusedException {
        for (String path : paths) {
            if (!principal.may(operation, path)) {
                throw new RefusedException(
                        403,
                        "FORBIDDEN",
                        "These credentials do not allow to " + operation.wireName() + " " + path + ".");
            }
        }
    }

    /** The generation whose worker sends this, by its token. Before the body is read: those of others take no room. */
    private long generation(HttpServerRequest request, String id, String action) throws RefusedException {
        String token = token(request);
        SubscriptionState s = find(id).state();
        if (s.isWebhook() != action.equals("callback")) {
            throw wrongType();
        }
        return tokens.generation(token, s, clock.millis());
    }

    private static String token(HttpServerRequest request) throws RefusedException {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (authorization == null || !authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
            throw new RefusedException(
                    401, "TOKEN_INVALID", "The header Authorization must bear the token of the wake.");
        }
        return authorization.substring(7).strip();
    }

    private static String decode(String segment) throws RefusedException {
        try {
            return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw SubscriptionRequests.invalid("The path is not well encoded.");
        }
    }

    /**
     * Reads the body, hands it to {@code work} on another thread, and answers. Until then the body is counted, with what
     * it becomes when it is read as JSON.
     *
     * @param principal who sends it; null for the holder of a wake's token
     */
    private void work(HttpServerRequest request, @Nullable Principal principal, Work work) {
        Shares.Holder holder = shares.holder(request.connection(), principal);
        Share room = holder.of(Memory.Kind.ANSWERS);
        RequestBody.read(
                request,
                MAX_BODY_BYTES,
                holder,
                body -> {
                    Reservation held = holder.of(Memory.Kind.ARRIVING).reserve(SubscriptionRequests.bytes(body));
                    if (held == null) {
                        overloaded().answer(request);
                    } else {
                        elsewhere(request, held, () -> {
                            Answer answer = work.answer(body, room);
                            return () -> send(request, room, answer);
                        });
                    }
                },
                () -> new RefusedException(
                                413, "BODY_TOO_LARGE", "The body is larger than " + MAX_BODY_BYTES + " bytes.")
                        .answer(request));
    }

    /** What blocks, and yields what answers. */
    private interface Blocking {
        Runnable run() throws RefusedException;
    }

    /**
     * Does {@code work} on another thread, and what it yields, or the refusal, here on the event loop.
     *
     * @param held given back when the work is done
     */
    private void elsewhere(HttpServerRequest request, Reservation held, Blocking work) {
        Context context = Objects.requireNonNull(Vertx.currentContext());
        try {
            workers.execute(() -> {
                Runnable answer = answer(request, work);
                held.close();
                context.runOnContext(ready -> answer.run());
            });
        } catch (RejectedExecutionException e) {
            held.close();
            overloaded().answer(request);
        }
    }

    private static Runnable answer(HttpServerRequest request, Blocking work) {
        try {
            return work.run();
        } catch (RefusedException e) {
            return () -> e.answer(request);
        } catch (RuntimeException | Error e) {
            LOG.error("a request to {} failed", request.path(), e);
            return () ->
                    Replies.error(request, 500, "INTERNAL_ERROR", "The server failed to answer; its log says more.");
        }
    }

    private void send(HttpServerRequest request, Share share, Answer answer) {
        switch (answer) {
            case Empty(int status) -> {
                if (!request.response().closed()) {
                    request.response().setStatusCode(status).end();
                }
            }
            case Small(int status, ObjectNode body) -> Replies.json(request, status, body.toString());
            case Large(int status, byte[] body, Reservation room) -> {
                if (request.response().closed()) {
                    room.close();
                } else if (request.method().equals(HttpMethod.HEAD)) {
                    Replies.head(request, status, "application/json")
                            .putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length))
                            .end();
                    room.close();
                } else {
                    Replies.head(request, status, "application/json");
                    answers.end(request, share, room, body);
                }
            }
        }
    }

    private static RefusedException overloaded() {
        return RefusedException.unavailable("OVERLOADED", "Too many requests are being worked at; try again soon.");
    }

    /** The same for a command that makes links, if there is room for {@code links}. */
    private <O> O submit(Command<O> command, @Nullable Reservation links) throws RefusedException {
        if (links == null) {
            throw tooMany("This server has no room for more subscriptions and links to streams,"
                    + " see limits.subscription-bytes; remove some that are not needed.");
        }
        return submit(command);
    }

    /** Submits the command and waits for its outcome. */
    private <O> O submit(Command<O> command) throws RefusedException {
        try {
            return engine.submit(command).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw RefusedException.unavailable("STOPPED", "The server is stopping; try again.");
        } catch (ExecutionException e) {
            throw RefusedException.because(e.getCause());
        }
    }

    private static RefusedException notFound() {
        return new RefusedException(404, "SUBSCRIPTION_NOT_FOUND", "There is no such subscription.");
    }

    private static RefusedException fenced() {
        return new RefusedException(409, "FENCED", "This wake is over; another one may be in other hands.");
    }
}
