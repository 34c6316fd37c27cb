package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionCommand.Ack;
import dev.parley.engine.subscription.SubscriptionCommand.Acked;
import dev.parley.engine.subscription.SubscriptionCommand.Delivered;
import dev.parley.engine.subscription.SubscriptionCommand.DeliveryFailed;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import dev.parley.engine.subscription.Upkeep.Standing;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.http.RefusedException;
import dev.parley.server.webhook.Chance;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import dev.parley.server.webhook.WebhookUrl;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Delivers wakes to workers: calls webhooks, and appends wake events (7.1, 7.2). The results are submitted to the
 * engine.
 */
final class Deliveries implements AutoCloseable {
    /** The greatest number of webhooks that are called at once. */
    static final int MAX_CALLS = 256;

    /** The longest duration of a call. Workers that need longer answer at once and use the callback later. */
    static final Duration MAX_CALL = Duration.ofMinutes(2);

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(Deliveries.class);

    private final Engine engine;
    private final SubscriptionView view;
    private final WebhookKeys keys;
    private final WakeTokens tokens;
    private final WebhookClient client;
    private final boolean allowLocal;
    private final InstantSource clock;
    private final Permits calls = new Permits(MAX_CALLS);
    private final Counter arrived;
    private final Counter failed;
    private volatile boolean closed;

    Deliveries(
            Engine engine,
            SubscriptionView view,
            WebhookKeys keys,
            WakeTokens tokens,
            WebhookClient client,
            boolean allowLocal,
            InstantSource clock,
            MeterRegistry meters) {
        this.engine = engine;
        this.view = view;
        this.keys = keys;
        this.tokens = tokens;
        this.client = client;
        this.allowLocal = allowLocal;
        this.clock = clock;
        this.arrived = counter(meters, "ok");
        this.failed = counter(meters, "failed");
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("parley.subscriptions.deliveries")
                .description("Wakes delivered to webhooks and wake streams")
                .tag("outcome", outcome)
                .register(meters);
    }

    /** Called when an attempt is over. The argument says whether the engine has accepted its result. */
    interface Over {
        void over(boolean noted);
    }

    /** Starts to deliver {@code wake}, the present wake of {@code state}. */
    void deliver(Subscription subscription, SubscriptionState state, Wake wake, Over over) {
        switch (state.config().target()) {
            case PullWake pull -> append(state, wake, pull.wakeStream(), over);
            case Webhook hook -> {
                Permit permit = calls.take();
                if (permit != null) {
                    Thread.ofVirtual()
                            .name("webhook")
                            .start(() -> callOnce(permit, subscription, state, wake, hook.url(), over));
                } else {
                    LOG.warn("{} webhooks are being called, others wait", MAX_CALLS);
                    over.over(false);
                }
            }
        }
    }

    private void callOnce(
            Permit permit, Subscription subscription, SubscriptionState state, Wake wake, String url, Over over) {
        SubscriptionCommand<?> result;
        try (permit) {
            result = call(subscription, state, wake, url);
        } catch (RuntimeException | Error e) {
            // Otherwise the dispatcher would wait for the end of this attempt for ever.
            LOG.error("the webhook of subscription {} was not called", state.id(), e);
            failed.increment();
            over.over(false);
            return;
        }
        // A call that is interrupted by the stop of the server has not failed. The next start tries again at once.
        if (!closed) {
            note(result, over);
        }
    }

    private SubscriptionCommand<?> call(Subscription subscription, SubscriptionState s, Wake wake, String url) {
        long now = clock.millis();
        List<Standing> standings = view.upkeep().standings(subscription, now);
        byte[] body = view.webhook(s, wake, standings, tokens.issue(s, s.generation(), now));
        Duration timeout = Duration.ofMillis(Math.min(MAX_CALL.toMillis(), wake.leaseUntil() - now));
        try {
            WebhookClient.Answer answer = client.post(
                    WebhookUrl.parse(url, allowLocal), body, Map.of(), keys.sign(body, now / 1000), timeout);
            if (answer.status() / 100 == 2) {
                arrived.increment();
                return isDone(answer.body())
                        ? ackOf(subscription, s, wake, standings)
                        : new Delivered(s.id(), clock.millis(), wake.id());
            }
            LOG.info("the webhook of subscription {} answered {}", s.id(), answer.status());
        } catch (IOException | RefusedException e) {
            LOG.info("the webhook of subscription {} could not be called: {}", s.id(), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return failure(s, wake);
    }

    private static boolean isDone(@Nullable Buffer body) {
        if (body == null || body.length() == 0) {
            return false;
        }
        try {
            JsonNode done = Json.MAPPER.readTree(body.getBytes()).path("done");
            return done.isBoolean() && done.booleanValue();
        } catch (JacksonException e) {
            LOG.debug("a webhook's answer is no JSON", e);
            return false;
        }
    }

    /** Acks what was shown by the wake, and no more. */
    private Ack ackOf(Subscription subscription, SubscriptionState s, Wake wake, List<Standing> shown) {
        Map<String, Long> acked = new HashMap<>();
        List<Acked> acks = new ArrayList<>();
        List<StreamTail> tails = new ArrayList<>();
        for (Standing standing : shown) {
            // A stream that was unlinked meanwhile is not acked.
            if (standing.isPending() && subscription.link(standing.link().path()) != null) {
                StreamTail tail = standing.tail();
                acked.put(tail.path(), tail.position());
                acks.add(new Acked(tail.path(), tail.streamId(), tail.position()));
                tails.add(tail);
            }
        }
        long now = clock.millis();
        tails.addAll(view.upkeep().pendingAfter(subscription, acked, now));
        return new Ack(s.id(), now, s.generation(), wake.id(), acks, true, tails, Chance.wakeId());
    }

    private DeliveryFailed failure(SubscriptionState s, Wake wake) {
        failed.increment();
        long now = clock.millis();
        return new DeliveryFailed(s.id(), now, wake.id(), now + Chance.backoffMillis(s.attempts()));
    }

    private void append(SubscriptionState s, Wake wake, String wakeStream, Over over) {
        StreamState stream = engine.streams().find(wakeStream);
        if (stream == null) {
            unheard(s, wake, wakeStream, "it does not exist", over);
            return;
        }
        byte[] event = SubscriptionView.wakeEvent(s, wake);
        Payload payload = stream.isJson()
                ? Payload.ofMessages(event, new int[] {event.length})
                : Payload.ofBytes((new String(event, StandardCharsets.UTF_8) + "\n").getBytes(StandardCharsets.UTF_8));
        // One epoch for each wake, so that a retry is recognised, even after a restart.
        ProducerTag tag = new ProducerTag("__ds/" + s.id() + "/" + s.incarnation(), s.generation(), 0);
        Append append = new Append(wakeStream, clock.millis(), stream.contentType(), payload, false, tag, null);
        engine.submit(append, new Reply<>() {
            @Override
            public void done(StreamOutcome.OfAppend outcome) {
                switch (outcome) {
                    case StreamOutcome.Appended a -> heard(s, wake, over);
                    case StreamOutcome.Duplicate d -> heard(s, wake, over);
                    case StreamOutcome.StaleEpoch e -> heard(s, wake, over);
                    default -> unheard(s, wake, wakeStream, outcome.toString(), over);
                }
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("a wake event was refused and will be appended again", failure);
                over.over(false);
            }
        });
    }

    private void heard(SubscriptionState s, Wake wake, Over over) {
        arrived.increment();
        note(new Delivered(s.id(), clock.millis(), wake.id()), over);
    }

    private void unheard(SubscriptionState s, Wake wake, String wakeStream, String why, Over over) {
        LOG.warn("no wake event of subscription {} in the stream {}: {}", s.id(), wakeStream, why);
        note(failure(s, wake), over);
    }

    private <O extends SubscriptionOutcome> void note(SubscriptionCommand<O> result, Over over) {
        engine.submit(result, new Reply<>() {
            @Override
            public void done(O outcome) {
                if (result instanceof Ack ack && outcome instanceof SubscriptionOutcome.InvalidOffset refusal) {
                    // A stream was created anew meanwhile. The lease will run out, and the next wake shows the stream
                    // again.
                    LOG.info("the ack of subscription {} was refused: {}", ack.id(), refusal.reason());
                    note(new Delivered(ack.id(), ack.time(), ack.wakeId()), over);
                } else {
                    over.over(true);
                }
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("what came of a delivery was refused, and it will be made again", failure);
                over.over(false);
            }
        });
    }

    @Override
    public void close() {
        closed = true;
        client.close();
        try {
            // Calls that are being answered use the engine, which is going to be closed.
            if (!calls.takeAll(CLOSE_TIMEOUT)) {
                LOG.warn("webhooks are still being called");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
