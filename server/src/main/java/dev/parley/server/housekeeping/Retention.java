package dev.parley.server.housekeeping;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.command.Command;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionState;
import dev.parley.server.apps.Apps;
import dev.parley.server.apps.Namespace;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes what is older, or larger, than the namespaces of sessions allow, and the sessions of removed apps. It checks
 * a few sessions at a time, over and over again. It only finds the sessions: how much of one is removed is decided when
 * the command is applied.
 */
public final class Retention {

    /** The number of sessions that one step checks. */
    static final int SESSIONS_PER_STEP = 1_000;

    /**
     * Entries may become older than their age by this part of it, so that not each of them is removed by a command of
     * its own.
     */
    private static final int SLACK_SHARE = 10;

    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

    private final Engine engine;
    private final Apps apps;
    private final Duration audit;
    private final InstantSource clock;

    /** The apps that are still to be checked in this round. The progress in the first of them follows. */
    private final Deque<String> round = new ArrayDeque<>();

    private String seen = "";

    /**
     * Retention as the namespaces of {@code apps} have it.
     *
     * @param audit how long decisions and changes of control are kept, at least as long as messages
     * @param clock the time by which entries are old
     */
    public Retention(Engine engine, Apps apps, Duration audit, InstantSource clock) {
        this.engine = engine;
        this.apps = apps;
        this.audit = audit;
        this.clock = clock;
    }

    /** Checks some sessions. */
    public void step() {
        for (String app : apps.removed()) {
            removeSome(app);
        }
        if (round.isEmpty()) {
            round.addAll(apps.ids());
        }
        int looked = 0;
        while (looked < SESSIONS_PER_STEP && !round.isEmpty()) {
            String app = round.getFirst();
            List<SessionState> sessions = engine.sessions().list(app, "", seen, SESSIONS_PER_STEP - looked);
            sessions.forEach(this::trim);
            looked += sessions.size();
            if (looked < SESSIONS_PER_STEP) {
                round.removeFirst();
                seen = "";
            } else {
                seen = sessions.getLast().name().name();
            }
        }
    }

    private void removeSome(String app) {
        List<SessionState> sessions = engine.sessions().list(app, "", "", SESSIONS_PER_STEP);
        sessions.forEach(session -> submit(new SessionCommand.Remove(session.name(), clock.millis())));
        if (sessions.isEmpty()) {
            var _ = apps.forget(app, clock.millis()).whenComplete((outcome, failure) -> {
                if (failure != null) {
                    LOG.atDebug().setCause(failure).log("A removed app was not forgotten");
                }
            });
        }
    }

    private void trim(SessionState session) {
        Namespace rules = apps.namespace(session.name().app(), session.name().name());
        long age = rules.retentionAge().toMillis();
        long now = clock.millis();
        long oldest = now - age - age / SLACK_SHARE;
        long auditSince = Math.max(0, now - Math.max(age, audit.toMillis()));
        if (session.bytes() > rules.retentionBytes()
                || engine.sessions().hasOlder(session, oldest)
                || engine.sessions().hasOlderDecisions(session, auditSince)) {
            submit(new SessionCommand.Retain(
                    session.name(), now, Math.max(0, now - age), rules.retentionBytes(), auditSince));
        } else if (isOver(session, rules.retentionAge())) {
            submit(new SessionCommand.RemoveEmpty(session.name(), now));
        }
    }

    /** Whether a session has nothing left and no readers. A new one would look the same. */
    private boolean isOver(SessionState session, Duration age) {
        return session.bytes() == 0
                && session.members() == 0
                && Positions.millis(session.last()) < clock.millis() - age.toMillis()
                && !engine.delivery().isRead(session.name())
                && engine.sessions().isEmpty(session);
    }

    /**
     * Submits a command. Nobody waits for the outcome: if the command fails, the next round finds the session again.
     */
    private <O extends SessionOutcome> void submit(Command<O> command) {
        engine.submit(command, new Reply<O>() {
            @Override
            public void done(O outcome) {}

            @Override
            public void failed(Exception failure) {
                LOG.atDebug().setCause(failure).log("A session was not trimmed");
            }
        });
    }
}
