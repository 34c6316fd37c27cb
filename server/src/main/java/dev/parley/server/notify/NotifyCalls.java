package dev.parley.server.notify;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.NamespaceAgents;
import dev.parley.engine.registry.NamespaceNotify;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.SessionCommand.NotificationFate;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.notify.Notifications.Due;
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
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls applications that are to be told of something. */
public final class NotifyCalls implements DueCalls.Work<Due> {
    /** The greatest number of calls at once. */
    public static final int MAX_CALLS = 32;

    /** How long an application has time to answer. */
    public static final Duration MAX_CALL = Duration.ofSeconds(30);

    /** The answer of an application that does not take it, now or later. */
    private static final int GONE = 410;

    /** The name of this part in health. */
    private static final String PART = "notifications";

    private static final Logger LOG = LoggerFactory.getLogger(NotifyCalls.class);

    private final Engine engine;
    private final NotifySpecs specs;
    private final WebhookKeys keys;
    private final WebhookClient client;
    private final InstantSource clock;
    private final Timelines timelines;
    private final Counter arrived;
    private final Counter failed;
    private final DueCalls<Due> calls;

    private NotifyCalls(
            Engine engine,
            NotifySpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            Health health,
            Timelines timelines,
            MeterRegistry meters) {
        this.engine = engine;
        this.specs = specs;
        this.keys = keys;
        this.client = client;
        this.clock = clock;
        this.timelines = timelines;
        this.arrived = counter(meters, "ok");
        this.failed = counter(meters, "failed");
        Counter failures = Counter.builder("parley.notifications.failures")
                .description("Looks at what applications are to be told that failed and were tried again")
                .register(meters);
        this.calls = new DueCalls<>(PART, MAX_CALLS, this, clock, health, failures);
    }

    private static Counter counter(MeterRegistry meters, String outcome) {
        return Counter.builder("parley.notifications.calls")
                .description("Calls of applications that are told of something")
                .tag("outcome", outcome)
                .register(meters);
    }

    /** Starts to call applications. */
    public static NotifyCalls start(
            Engine engine,
            NotifySpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            Health health,
            Timelines timelines,
            MeterRegistry meters) {
        NotifyCalls calls = new NotifyCalls(engine, specs, keys, client, clock, health, timelines, meters);
        engine.sessions().notifications().listen(calls.calls::news);
        calls.calls.start();
        return calls;
    }

    @Override
    public List<Due> due(long now, int limit) {
        return engine.sessions().notifications().due(now, limit);
    }

    @Override
    public long next() {
        return engine.sessions().notifications().next();
    }

    @Override
    public void call(Due due) {
        SessionState session = engine.sessions().find(due.session());
        Notification notification =
                session == null ? null : engine.sessions().notifications().find(session, due.id());
        if (notification == null) {
            return;
        }
        try {
            SettleNotification settled = tell(notification);
            if (settled != null) {
                engine.submit(settled).get();
            }
        } catch (ExecutionException e) {
            // It is still due, and comes with the same id.
            LOG.debug("a command for a notification was refused", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private SettleNotification settlement(Notification notification, NotificationFate fate, long dueAt) {
        return new SettleNotification(
                notification.session(), clock.millis(), notification.id(), notification.attempts(), fate, dueAt);
    }

    /** Calls the application, and says what becomes of the notification; null if that is not known. */
    private @Nullable SettleNotification tell(Notification notification) {
        NamespaceAgents namespace = engine.registry().notify(notification.session());
        NamespaceNotify told = namespace == null ? null : namespace.told();
        if (namespace == null
                || told == null
                || !told.rule().wants(notification.about().event())) {
            return settlement(notification, NotificationFate.UNWANTED, 0);
        }
        String session = notification.session().key();
        try {
            byte[] body = NotifyForm.body(notification).toString().getBytes(StandardCharsets.UTF_8);
            WebhookClient.Answer answer = client.post(
                    specs.url(told),
                    body,
                    specs.headers(namespace.app(), namespace.namespace(), told),
                    keys.sign(body, clock.millis() / 1000),
                    MAX_CALL);
            note(notification, answer.status(), "");
            if (answer.status() / 100 == 2) {
                arrived.increment();
                return settlement(notification, NotificationFate.DELIVERED, 0);
            }
            LOG.info("the application of {} answered {}", session, answer.status());
            if (answer.status() == GONE) {
                failed.increment();
                return settlement(notification, NotificationFate.GIVEN_UP, 0);
            }
        } catch (IOException | WireException | BrokenSealException e) {
            if (calls.isClosed()) {
                // It may have been broken off because the server stops, and is made again when it starts.
                return null;
            }
            note(notification, 0, String.valueOf(e.getMessage()));
            LOG.info("the application of {} could not be called: {}", session, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
        failed.increment();
        long dueAt = clock.millis() + Chance.backoffMillis(notification.attempts());
        return settlement(notification, NotificationFate.FAILED, dueAt);
    }

    private void note(Notification notification, int status, String detail) {
        timelines.note(
                notification.session(),
                Timelines.Event.call(
                        clock.millis(),
                        "notify-call",
                        NotifySpecs.wireName(notification.about().event()),
                        notification.id(),
                        notification.attempts(),
                        status,
                        detail));
    }

    /** Stops. To be called before the engine stops. */
    public void stop() throws InterruptedException {
        calls.close();
        client.close();
        calls.join();
    }
}
