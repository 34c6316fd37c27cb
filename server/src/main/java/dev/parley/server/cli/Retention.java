package dev.parley.server.cli;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.command.Command;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.session.Sessions.Range;
import dev.parley.server.apps.Apps;
import dev.parley.server.apps.Namespace;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes what is older, or more, than the namespaces of sessions keep, and the sessions of apps that are gone. It looks
 * at a few sessions at a time, and goes round for ever.
 */
final class Retention {

    /** Sessions that one step looks at. */
    static final int SESSIONS_PER_STEP = 1_000;

    /** Messages that are read to find out how many of them have to go; the next round goes on. */
    static final int MESSAGES_PER_LOOK = 1_000;

    /** Entries may grow older by this share of their age: so not each of them is removed by a command of its own. */
    private static final int SLACK_SHARE = 10;

    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

    private final Engine engine;
    private final Apps apps;
    private final InstantSource clock;

    /** What this round has still to look at: apps, and how far it has come with the first of them. */
    private final Deque<String> round = new ArrayDeque<>();

    private String seen = "";

    Retention(Engine engine, Apps apps, InstantSource clock) {
        this.engine = engine;
        this.apps = apps;
        this.clock = clock;
    }

    /** Goes on a little. */
    void step() throws IOException {
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

    private void removeSome(String app) throws IOException {
        List<SessionState> sessions = engine.sessions().list(app, "", "", SESSIONS_PER_STEP);
        sessions.forEach(session -> submit(new SessionCommand.Remove(session.name(), clock.millis())));
        if (sessions.isEmpty()) {
            apps.forget(app);
        }
    }

    private void trim(SessionState session) {
        Namespace rules = apps.namespace(session.name().app(), session.name().name());
        long upTo = Math.max(
                tooOld(session, rules.retentionAge()),
                engine.sessions().surplus(session, rules.retentionBytes(), MESSAGES_PER_LOOK));
        if (upTo > session.horizon()) {
            submit(new SessionCommand.Trim(session.name(), clock.millis(), upTo));
        } else if (isOver(session, rules.retentionAge())) {
            submit(new SessionCommand.RemoveEmpty(session.name(), clock.millis()));
        }
    }

    /** Whether nothing is left of a session that nobody reads: a new one would look no different. */
    private boolean isOver(SessionState session, Duration age) {
        return session.bytes() == 0
                && session.members() == 0
                && Positions.millis(session.last()) < clock.millis() - age.toMillis()
                && !engine.delivery().isRead(session.name())
                && engine.sessions().isEmpty(session);
    }

    /** Up to where entries are too old, or the horizon if there are none worth a command. */
    private long tooOld(SessionState session, Duration age) {
        long before = clock.millis() - age.toMillis();
        long oldest = before - age.toMillis() / SLACK_SHARE;
        if (oldest <= 0) {
            return session.horizon();
        }
        long upTo = Math.min(Positions.startOf(before) - 1, session.last());
        if (upTo <= session.horizon()) {
            return session.horizon();
        }
        // The oldest entry tells whether there is anything to remove: a new session has an old horizon.
        var old = new Range(session.horizon() + 1, Positions.startOf(oldest), false);
        Sessions sessions = engine.sessions();
        boolean any = !sessions.messages(session, old, 1, 1).isEmpty()
                || !sessions.presence(session, old, 1, 1).entries().isEmpty();
        return any ? upTo : session.horizon();
    }

    /** Nobody waits for it: what is not done now will be found again in the next round. */
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
