package dev.parley.server.wake;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.Engine;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionOutcome.Claimed;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.wake.Wakes.Delivery;
import dev.parley.server.auth.SecretSeal.BrokenSealException;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.ops.Health;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.webhook.Chance;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import dev.parley.server.wire.WireException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls the agents of sessions that have something to do and are to be called. What is due follows from the state of the engine, so
 * nothing has to be remembered over a restart.
 */
public final class WakeCalls {
    /** The greatest number of agents that are called at once. */
    public static final int MAX_CALLS = 64;

    /** How long an agent has time to answer. One that needs longer accepts the wake and settles it later. */
    public static final Duration MAX_CALL = Duration.ofMinutes(1);

    /** How long an agent has a wake that it has accepted, unless it asks for more time. */
    public static final Duration ACCEPTED_LEASE = Duration.ofMinutes(2);

    /** How long a wake is taken for a call; as long as the call goes on, it is taken again. */
    static final Duration CALL_LEASE = Duration.ofSeconds(10);

    /** When a wake is taken again. */
    private static final Duration CALL_LEASE_LEFT = Duration.ofSeconds(6);

    /** The pause before another look at what is due if not all of it could be begun. */
    private static final Duration RETRY = Duration.ofMillis(100);

    /**
     * The longest pause between two looks. The engine tells when there is more to do, but not when the clock is set ahead, and
     * leases of calls are to be extended.
     */
    private static final Duration MAX_REST = Duration.ofSeconds(1);

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    /** Who has a wake while the agent is called. */
    private static final String HOLDER = "call";

    /** The answer of an agent that has accepted a wake and settles it later. */
    private static final int ACCEPTED = 202;

    /** The answer of an agent that is no more. */
    private static final int GONE = 410;

    /** The name of this part in health. */
    private static final String PART = "wakes";

    private static final Logger LOG = LoggerFactory.getLogger(WakeCalls.class);

    private final Engine engine;
    private final NamedAgents agents;
    private final AgentSpecs specs;
    private final WebhookKeys keys;
    private final WebhookClient client;
    private final InstantSource clock;
    private final Health health;
    private final Timelines timelines;
    private final Permits permits = new Permits(MAX_CALLS);
    private final Map<Delivery, Progress> calling = new ConcurrentHashMap<>();
    private final Counter arrived;
    private final Counter failed;
    private final Counter failures;
    private final Thread thread;

    /** Whether there may be more to do since the last look. */
    @GuardedBy("this")
    private boolean news;

    @GuardedBy("this")
    private boolean closed;

    /** A call in progress. */
    private static final class Progress {
        /** The wake; null before it is claimed. */
        private volatile @Nullable Wake wake;
    }

    private WakeCalls(
            Engine engine,
            AgentSpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            Health health,
            Timelines timelines,
            MeterRegistry meters) {
        this.engine = engine;
        this.agents = new NamedAgents(engine);
        this.specs = specs;
        this.keys = keys;
        this.client = client;
        this.clock = clock;
        this.health = health;
        this.timelines = timelines;
        this.arrived = counter(meters, "ok");
        this.failed = counter(meters, "failed");
        this.failures = Counter.builder("parley.wakes.failures")
                .description("Looks at what is due for agents that failed and were tried again")
                .register(meters);
        this.thread = Thread.ofVirtual().name("wakes").unstarted(this::run);
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("parley.wakes.calls")
                .description("Calls of agents that sessions name")
                .tag("outcome", outcome)
                .register(meters);
    }

    /** Starts to call agents. */
    public static WakeCalls start(
            Engine engine,
            AgentSpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            Health health,
            Timelines timelines,
            MeterRegistry meters) {
        WakeCalls calls = new WakeCalls(engine, specs, keys, client, clock, health, timelines, meters);
        engine.sessions().wakes().listen((app, agentId) -> calls.news());
        calls.thread.start();
        return calls;
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    private synchronized void news() {
        news = true;
        notifyAll();
    }

    /** Waits so long, or until there is more to do. */
    private synchronized void rest(long millis) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left = millis; left > 0 && !news && !closed; left = (until - System.nanoTime()) / 1_000_000) {
            wait(left);
        }
        news = false;
    }

    private void run() {
        try {
            while (!isClosed()) {
                long pause = RETRY.toMillis();
                try {
                    pause = round(clock.millis());
                    health.report(PART, true);
                } catch (RuntimeException | Error e) {
                    failures.increment();
                    health.report(PART, false);
                    LOG.error("what is due for agents could not be done and will be tried again", e);
                }
                rest(pause);
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted", e);
        }
    }

    /** Begins what is due, and returns after how many milliseconds there may be more. */
    private long round(long now) {
        calling.forEach((delivery, progress) -> {
            Wake wake = progress.wake;
            if (wake != null && wake.leaseUntil() - now < CALL_LEASE_LEFT.toMillis()) {
                Wake extended = wake.extended(now + CALL_LEASE.toMillis());
                progress.wake = extended;
                var _ = engine.submit(settlement(extended, Settlement.EXTEND, extended.leaseUntil()));
            }
        });
        for (Delivery delivery : engine.sessions().wakes().deliveries(now, 2 * MAX_CALLS)) {
            if (!calling.containsKey(delivery)) {
                Permit permit = permits.take();
                if (permit == null) {
                    return RETRY.toMillis();
                }
                Progress progress = new Progress();
                calling.put(delivery, progress);
                Thread.ofVirtual().name("wake").start(() -> {
                    try (permit) {
                        deliver(delivery, progress);
                    } finally {
                        calling.remove(delivery);
                    }
                });
            }
        }
        long left = engine.sessions().wakes().nextDelivery() - now;
        return left <= 0 ? RETRY.toMillis() : Math.min(left, MAX_REST.toMillis());
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
                SettleWake settled = call(wake);
                // From here on, nothing takes it again.
                progress.wake = null;
                engine.submit(settled).get();
            }
        } catch (ExecutionException e) {
            // The wake is still due, or comes back when the time for the call is over.
            LOG.debug("a command for a wake was refused", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            LOG.error("the agent {} of {} was not called", delivery.agentId(), delivery.session(), e);
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
            note(wake, answer.status(), "");
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
            note(wake, 0, String.valueOf(e.getMessage()));
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
        long pause = isClosed() ? 0 : Chance.backoffMillis(wake.attempts());
        return settlement(wake, Settlement.RELEASE, clock.millis() + pause);
    }

    private void note(Wake wake, int status, String detail) {
        String what = wake.id() + ", attempt " + (wake.attempts() + 1);
        timelines.note(
                wake.session(),
                new Timelines.Event(clock.millis(), "wake-call", wake.agentId(), null, what, status, detail));
    }

    /** Stops. To be called before the engine stops. */
    public void stop() throws InterruptedException {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        client.close();
        thread.join();
        if (!permits.takeAll(CLOSE_TIMEOUT)) {
            LOG.warn("agents are still being called");
        }
    }
}
