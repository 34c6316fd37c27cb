package dev.parley.server.wake;

import dev.parley.engine.Engine;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionOutcome.Claimed;
import dev.parley.engine.session.SessionOutcome.NotHeld;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.wake.Wakes.Delivery;
import dev.parley.server.auth.SecretSeal.BrokenSealException;
import dev.parley.server.ops.Health;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.webhook.Chance;
import dev.parley.server.webhook.DueCalls;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import dev.parley.server.wire.WireException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls the agents of sessions that have something to do and are to be called. What is due follows from the state of the engine, so
 * nothing has to be remembered over a restart.
 */
public final class WakeCalls implements DueCalls.Work<Delivery> {
    /** The greatest number of agents that are called at once. */
    public static final int MAX_CALLS = 64;

    /** The greatest number of agents that are answering at once. */
    public static final int MAX_ANSWERS = 64;

    /** How long an agent has time to answer. One that needs longer accepts the wake and settles it later. */
    public static final Duration MAX_CALL = Duration.ofMinutes(1);

    /** How long an agent has a wake that it has accepted, unless it asks for more time. */
    public static final Duration ACCEPTED_LEASE = Duration.ofMinutes(2);

    /** How long a wake is taken for a call; as long as the call goes on, it is taken again. */
    static final Duration CALL_LEASE = Duration.ofSeconds(10);

    /** When a wake is taken again. */
    private static final Duration CALL_LEASE_LEFT = Duration.ofSeconds(6);

    /** Who has a wake while the agent is called. */
    private static final String HOLDER = "call";

    /** The answer of an agent that has accepted a wake and settles it later. */
    private static final int ACCEPTED = 202;

    /** The answer of an agent that is no more. */
    private static final int GONE = 410;

    /** The name of this part in health. */
    private static final String PART = "wakes";

    /** The same of agents that answer with what they say. */
    private static final String ANSWERS = "answers";

    private static final Logger LOG = LoggerFactory.getLogger(WakeCalls.class);

    private final Engine engine;
    private final NamedAgents agents;
    private final AgentSpecs specs;
    private final WebhookKeys keys;
    private final WebhookClient client;
    private final InstantSource clock;
    private final CallNotes notes;
    private final AgentAnswers answers;
    private final Agent.Way way;
    private final Map<Delivery, Progress> calling = new ConcurrentHashMap<>();
    private final Counter arrived;
    private final Counter failed;
    private final DueCalls<Delivery> calls;

    /** A call in progress. */
    private static final class Progress {
        /** The wake; null before it is claimed. */
        private volatile @Nullable Wake wake;

        /** Told of what happens to the wake, if the agent answers with what it says. */
        private final AgentAnswers.Hold hold = new AgentAnswers.Hold();
    }

    private WakeCalls(
            Agent.Way way,
            Engine engine,
            AgentSpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            Health health,
            Timelines timelines,
            AgentAnswers.Limits limits,
            MeterRegistry meters) {
        this.way = way;
        this.engine = engine;
        this.agents = new NamedAgents(engine);
        this.specs = specs;
        this.keys = keys;
        this.client = client;
        this.clock = clock;
        this.notes = new CallNotes(timelines, clock);
        this.answers = new AgentAnswers(engine, specs, keys, client, clock, notes, limits);
        this.arrived = counter(meters, "ok");
        this.failed = counter(meters, "failed");
        Counter failures = Counter.builder("parley.wakes.failures")
                .description("Looks at what is due for agents that failed and were tried again")
                .register(meters);
        this.calls = way == Agent.Way.STREAMED
                ? new DueCalls<>(ANSWERS, MAX_ANSWERS, this, clock, health, failures)
                : new DueCalls<>(PART, MAX_CALLS, this, clock, health, failures);
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("parley.wakes.calls")
                .description("Calls of agents that sessions name")
                .tag("outcome", outcome)
                .register(meters);
    }

    /**
     * Starts to call the agents that are called in this way.
     *
     * @param client is closed when this stops
     */
    public static WakeCalls start(
            Agent.Way way,
            Engine engine,
            AgentSpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            Health health,
            Timelines timelines,
            AgentAnswers.Limits limits,
            MeterRegistry meters) {
        WakeCalls calls = new WakeCalls(way, engine, specs, keys, client, clock, health, timelines, limits, meters);
        engine.sessions().wakes().listen((app, agentId) -> calls.calls.news());
        calls.calls.start();
        return calls;
    }

    /** Calls that go on keep their wakes. */
    @Override
    public void tend(long now) {
        calling.forEach((delivery, progress) -> {
            Wake wake = progress.wake;
            if (wake != null && wake.leaseUntil() - now < CALL_LEASE_LEFT.toMillis()) {
                Wake extended = wake.extended(now + CALL_LEASE.toMillis());
                progress.wake = extended;
                var _ = engine.submit(settlement(extended, Settlement.EXTEND, extended.leaseUntil()))
                        .thenAccept(outcome -> {
                            if (outcome instanceof NotHeld) {
                                progress.hold.lose();
                            }
                        });
            }
        });
    }

    @Override
    public List<Delivery> due(long now, int limit) {
        return engine.sessions().wakes().deliveries(way, now, limit);
    }

    @Override
    public long next() {
        return engine.sessions().wakes().nextDelivery(way);
    }

    @Override
    public void call(Delivery delivery) {
        Progress progress = new Progress();
        calling.put(delivery, progress);
        try {
            deliver(delivery, progress);
        } finally {
            calling.remove(delivery);
        }
    }

    private SettleWake settlement(Wake wake, Settlement settlement, long until) {
        return new SettleWake(
                wake.session(), clock.millis(), wake.agentId(), wake.id(), wake.epoch(), settlement, until);
    }

    private void deliver(Delivery delivery, Progress progress) {
        long now = clock.millis();
        try {
            var claim = new ClaimWake(delivery.session(), now, delivery.agentId(), HOLDER, now + CALL_LEASE.toMillis());
            if (engine.submit(claim).get() instanceof Claimed(Wake wake)) {
                progress.wake = wake;
                SettleWake settled = wake.way() == Agent.Way.STREAMED ? answer(wake, progress.hold) : call(wake);
                // From here on, nothing takes it again.
                progress.wake = null;
                engine.submit(settled).get();
            }
        } catch (ExecutionException e) {
            // The wake is still due, or comes back when the time for the call is over.
            LOG.debug("a command for a wake was refused", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Calls an agent, and says what becomes of the wake. */
    private SettleWake call(Wake wake) {
        NamedAgents.Named named = agents.of(wake.session()).get(wake.agentId());
        Agent.Endpoint endpoint = named == null ? null : named.agent().endpoint();
        if (named == null || endpoint == null) {
            // It is no longer called since.
            return settlement(wake, Settlement.RELEASE, clock.millis());
        }
        Agent agent = named.agent();
        try {
            AgentSpecs.Call call = specs.call(named.place(wake.session()), agent.id(), endpoint);
            byte[] body = WakeForm.invocation(wake, call.body()).toString().getBytes(StandardCharsets.UTF_8);
            WebhookClient.Answer answer = client.post(
                    specs.url(endpoint), body, call.headers(), keys.sign(body, clock.millis() / 1000), MAX_CALL);
            notes.note(wake, answer.status(), "");
            if (answer.status() / 100 == 2) {
                arrived.increment();
                return answer.status() == ACCEPTED
                        ? settlement(wake, Settlement.EXTEND, clock.millis() + ACCEPTED_LEASE.toMillis())
                        : settlement(wake, Settlement.DONE, 0);
            }
            LOG.info(
                    "the agent {} of {} answered {}", agent.id(), wake.session().key(), answer.status());
            if (answer.status() == GONE) {
                failed.increment();
                return settlement(wake, Settlement.GIVE_UP, 0);
            }
        } catch (IOException | WireException | BrokenSealException e) {
            notes.note(wake, 0, String.valueOf(e.getMessage()));
            LOG.info(
                    "the agent {} of {} could not be called: {}",
                    agent.id(),
                    wake.session().key(),
                    e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        failed.increment();
        // A call that is broken off because the server stops is made again when it starts.
        long pause = calls.isClosed() ? 0 : Chance.backoffMillis(wake.attempts());
        return settlement(wake, Settlement.RELEASE, clock.millis() + pause);
    }

    /** Calls an agent that answers with what it says, and says what becomes of the wake. */
    private SettleWake answer(Wake wake, AgentAnswers.Hold hold) throws InterruptedException {
        return switch (answers.answer(wake, hold)) {
            case DONE -> {
                arrived.increment();
                yield settlement(wake, Settlement.DONE, 0);
            }
            case GIVE_UP -> {
                failed.increment();
                yield settlement(wake, Settlement.GIVE_UP, 0);
            }
            case NOT_NOW -> settlement(wake, Settlement.RELEASE, clock.millis());
            case FAILED -> {
                failed.increment();
                yield settlement(wake, Settlement.RELEASE, clock.millis() + Chance.backoffMillis(wake.attempts()));
            }
        };
    }

    /** Stops. To be called before the engine stops. */
    public void stop() throws InterruptedException {
        calls.close();
        // Who is answering says that it is broken off, before its connection is closed.
        calling.values().forEach(progress -> progress.hold.stop());
        if (way == Agent.Way.STREAMED) {
            calls.join();
            client.close();
        } else {
            client.close();
            calls.join();
        }
    }
}
