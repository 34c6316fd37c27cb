package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Room;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionCommand.Ack;
import dev.parley.engine.subscription.SubscriptionCommand.Acked;
import dev.parley.engine.subscription.SubscriptionCommand.Claim;
import dev.parley.engine.subscription.SubscriptionCommand.Release;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.Upkeep;
import dev.parley.server.http.RefusedException;
import dev.parley.server.streams.subscription.SubscriptionRequests.Processed;
import dev.parley.server.streams.subscription.SubscriptionRequests.Report;
import dev.parley.server.webhook.Chance;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The requests of workers: they claim wakes, and report what they have processed. They block. */
final class WakeRequests {
    private final Engine engine;
    private final SubscriptionCommands commands;
    private final SubscriptionView view;
    private final WakeTokens tokens;
    private final Upkeep upkeep;
    private final InstantSource clock;

    WakeRequests(
            Engine engine,
            SubscriptionCommands commands,
            SubscriptionView view,
            WakeTokens tokens,
            InstantSource clock) {
        this.engine = engine;
        this.commands = commands;
        this.view = view;
        this.tokens = tokens;
        this.upkeep = view.upkeep();
        this.clock = clock;
    }

    /**
     * The generation of the wake whose token the worker has sent.
     *
     * @param token the token, or null if there is none
     */
    long generation(@Nullable String token, String id, boolean isCallback) throws RefusedException {
        if (token == null) {
            throw new RefusedException(
                    401, "TOKEN_INVALID", "The header Authorization must contain the token of the wake.");
        }
        SubscriptionState s = commands.find(id).state();
        if (s.isWebhook() != isCallback) {
            throw SubscriptionRefusals.wrongType();
        }
        return tokens.generation(token, s, clock.millis());
    }

    /**
     * Claims the wake of a subscription for {@code worker}.
     *
     * @param room where the memory for the answer is reserved
     */
    SubscriptionAnswer claim(String id, String worker, Room room) throws RefusedException {
        Subscription subscription = commands.find(id);
        return SubscriptionAnswer.large(SubscriptionView.bytes(subscription), room, () -> claim(subscription, worker));
    }

    private SubscriptionAnswer.Small claim(Subscription subscription, String worker) throws RefusedException {
        long now = clock.millis();
        SubscriptionOutcome.OfClaim outcome = commands.submit(
                new Claim(subscription.state().id(), now, worker, upkeep.pending(subscription, now), Chance.wakeId()));
        return switch (outcome) {
            case SubscriptionOutcome.Claimed(String wakeId, long generation) -> {
                SubscriptionState s = subscription.state();
                ObjectNode body = Json.MAPPER.createObjectNode();
                body.put("wake_id", wakeId).put("generation", generation);
                body.put("token", tokens.issue(s, generation, now));
                body.set("streams", view.describe(upkeep.standings(subscription, now)));
                body.put("lease_ttl_ms", s.config().leaseMillis());
                yield new SubscriptionAnswer.Small(200, body);
            }
            case SubscriptionOutcome.AlreadyClaimed(String holder, long generation) -> {
                ObjectNode body = Json.MAPPER.createObjectNode();
                body.putObject("error")
                        .put("code", "ALREADY_CLAIMED")
                        .put("message", "Another worker holds the wake.")
                        .put("current_holder", holder)
                        .put("generation", generation);
                yield new SubscriptionAnswer.Small(409, body);
            }
            case SubscriptionOutcome.NoPendingWork n ->
                throw new RefusedException(409, "NO_PENDING_WORK", "Everything is processed.");
            case SubscriptionOutcome.NotPullWake n -> throw SubscriptionRefusals.wrongType();
            case SubscriptionOutcome.NotFound n -> throw SubscriptionRefusals.notFound();
        };
    }

    /**
     * Handles a callback, ack or release by the worker of {@code generation}. If the subscription has been replaced by
     * another one with the same id meanwhile, the request is refused, because that one has no such wake.
     */
    SubscriptionAnswer report(String id, String action, long generation, Report report) throws RefusedException {
        Subscription subscription = commands.find(id);
        long now = clock.millis();
        if (generation != report.generation()) {
            throw SubscriptionRefusals.fenced();
        }
        return action.equals("release") ? release(subscription, report, now) : ack(subscription, report, now);
    }

    private SubscriptionAnswer release(Subscription subscription, Report report, long now) throws RefusedException {
        return SubscriptionCommands.changed(commands.submit(new Release(
                subscription.state().id(),
                now,
                report.generation(),
                report.wakeId(),
                upkeep.pending(subscription, now),
                Chance.wakeId())));
    }

    private SubscriptionAnswer ack(Subscription subscription, Report report, long now) throws RefusedException {
        if (!subscription.state().holds(report.generation(), report.wakeId(), now)) {
            throw SubscriptionRefusals.fenced();
        }
        Map<String, Long> acked = new HashMap<>();
        Map<String, Acked> furthest = new HashMap<>();
        for (Processed ack : report.acks()) {
            Acked found = position(ack);
            acked.merge(ack.path(), found.position(), Math::max);
            furthest.merge(ack.path(), found, (a, b) -> a.position() < b.position() ? b : a);
        }
        List<StreamTail> tails = new ArrayList<>();
        acked.keySet().forEach(path -> tails.add(upkeep.tail(path, now)));
        if (report.done()) {
            tails.addAll(upkeep.pendingAfter(subscription, acked, now));
        }
        List<Acked> acks = List.copyOf(furthest.values());
        SubscriptionOutcome.OfAck outcome = commands.submit(new Ack(
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
                new SubscriptionAnswer.Small(
                        200, Json.MAPPER.createObjectNode().put("ok", true).put("next_wake", nextWake));
            case SubscriptionOutcome.InvalidOffset(String reason) ->
                throw new RefusedException(409, "INVALID_OFFSET", reason);
            case SubscriptionOutcome.Fenced f -> throw SubscriptionRefusals.fenced();
            case SubscriptionOutcome.NotFound n -> throw SubscriptionRefusals.notFound();
        };
    }

    /** The position up to which a worker has processed a stream. */
    private Acked position(Processed ack) throws RefusedException {
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
}
