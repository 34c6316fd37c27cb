package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineStoppedException;
import dev.parley.engine.Reply;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import dev.parley.server.apps.Apps;
import dev.parley.server.channel.RunNotes;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Watches the runs of agents whose connections are lost. When the connection that worked on a run has been gone for a
 * moment, the session is told that the run's agent is away; when the connection comes back, the session is told that,
 * too. When it stays away, the run's streaming messages are closed and the run ends with an error, so that nobody waits
 * for ever. Thread-safe. It learns the time from {@link #tick}.
 */
final class RunWatch {
    /**
     * The number of lost connections whose runs are watched. If there are more, the runs of the oldest are ended early.
     */
    static final int MAX_LOST = 100_000;

    /** How long an agent may be gone before others are told. A connection that is merely interrupted is back sooner. */
    static final long AWAY_AFTER_MILLIS = 2_000;

    /** The name of the message that says that the agent of a run is away. */
    static final String AGENT_AWAY = "parley.agent-away";

    /** The name of the message that says that the agent of a run is back. */
    static final String AGENT_BACK = "parley.agent-back";

    /** When a command is tried again for which the engine had no room. */
    private static final long RETRY_MILLIS = 1_000;

    /** The number of messages of a session that are searched for messages that a run has left streaming. */
    private static final int MAX_MESSAGES = 10_000;

    private static final int PAGE = 100;
    private static final int PAGE_BYTES = 4 << 20;

    /** The code for the failure of a stream that AI Transport's clients know. */
    private static final int STREAM_ERROR = 104_008;

    /** The headers of a run's start that are repeated at its end. */
    private static final Set<String> KEPT_HEADERS = Set.of(
            "run-id",
            "run-client-id",
            "invocation-id",
            "parent",
            "fork-of",
            "msg-regenerate",
            "input-client-id",
            "input-codec-message-id");

    private static final Logger LOG = LoggerFactory.getLogger(RunWatch.class);

    private final Engine engine;
    private final Apps apps;
    private final Executor blocking;
    private final InstantSource clock;
    private final long graceMillis;
    private final long graceAfterLeaveMillis;
    private final Map<String, Loss> lost = new HashMap<>();
    private final PriorityQueue<Due> due = new PriorityQueue<>(Comparator.comparingLong(Due::millis));

    /** A connection that is gone. Guarded by the watch. */
    private static final class Loss {
        private final String connectionId;

        /** The sessions in which the connection may have left runs. */
        private final Set<SessionName> sessions;

        /** The sessions whose runs are being ended. */
        private final Set<SessionName> ending = new HashSet<>();

        /** The runs for which others were told, or may have been told, that the agent is away. */
        private final Set<Run> away = new HashSet<>();

        /** Whether the connection has come back, or has been lost again. */
        private boolean over;

        private Loss(String connectionId, Set<SessionName> sessions) {
            this.connectionId = connectionId;
            this.sessions = sessions;
        }
    }

    /**
     * A task that is due after a loss.
     *
     * @param ends whether the runs are to be ended; otherwise, others are told that the agent is away
     */
    private record Due(long millis, Loss loss, Set<SessionName> sessions, boolean ends) {}

    /**
     * Watches the sessions of {@code engine}.
     *
     * @param blocking runs tasks that block on the disk
     * @param grace how long an agent may be gone
     * @param graceAfterLeave how much longer an agent may be gone after it has left the presence set
     */
    RunWatch(
            Engine engine,
            Apps apps,
            Executor blocking,
            InstantSource clock,
            Duration grace,
            Duration graceAfterLeave) {
        this.engine = engine;
        this.apps = apps;
        this.blocking = blocking;
        this.clock = clock;
        this.graceMillis = grace.toMillis();
        this.graceAfterLeaveMillis = graceAfterLeave.toMillis();
    }

    /** Adds the runs on which connections of an earlier run of the server worked. Blocks. */
    synchronized void recover(long now) {
        Map<String, List<Run>> runs = engine.sessions().runsAtWork().stream()
                .collect(Collectors.groupingBy(run -> String.valueOf(run.connectionId())));
        runs.forEach((connectionId, ofConnection) -> {
            lost(connectionId, ofConnection.stream().map(Run::session).collect(Collectors.toSet()), now);
            Loss loss = lost.get(connectionId);
            if (loss != null) {
                // The server no longer knows whether others were told before it stopped.
                loss.away.addAll(ofConnection);
            }
        });
    }

    /** Notes that a connection is gone that made requests to {@code sessions}. */
    synchronized void lost(String connectionId, Collection<SessionName> sessions, long now) {
        Set<SessionName> all = new HashSet<>(sessions);
        Set<Run> away = Set.of();
        Loss before = lost.remove(connectionId);
        if (before != null) {
            before.over = true;
            all.addAll(before.sessions);
            away = before.away;
        }
        if (all.isEmpty()) {
            return;
        }
        Loss loss = new Loss(connectionId, all);
        loss.away.addAll(away);
        lost.put(connectionId, loss);
        due.add(new Due(now + Math.min(AWAY_AFTER_MILLIS, graceMillis), loss, Set.copyOf(all), false));
        due.add(new Due(now + graceMillis, loss, Set.copyOf(all), true));
        while (lost.size() > MAX_LOST && !due.isEmpty()) {
            Due first = due.remove();
            if (first.ends()) {
                lost.remove(first.loss().connectionId, first.loss());
                act(first);
            }
        }
    }

    /** Notes that the members of a lost connection leave {@code sessions} at {@code leaveAt}, unless it comes back. */
    synchronized void left(String connectionId, Collection<SessionName> sessions, long leaveAt) {
        Loss loss = lost.get(connectionId);
        if (loss != null && !sessions.isEmpty()) {
            due.add(new Due(leaveAt + graceAfterLeaveMillis, loss, Set.copyOf(sessions), true));
        }
    }

    /** Notes that a connection has arrived or come back. Returns the sessions in which it may have left runs. */
    synchronized Set<SessionName> arrived(String connectionId) {
        Loss loss = lost.remove(connectionId);
        if (loss == null) {
            return Set.of();
        }
        loss.over = true;
        if (!loss.away.isEmpty()) {
            Set<Run> told = Set.copyOf(loss.away);
            blocking.execute(() -> told.forEach(run -> tellBack(run, connectionId)));
        }
        return Set.copyOf(loss.sessions);
    }

    /** Does everything that is due. Called from time to time. */
    synchronized void tick(long now) {
        for (Due first = due.peek(); first != null && first.millis() <= now; first = due.peek()) {
            act(due.remove());
        }
    }

    private void act(Due what) {
        Loss loss = what.loss();
        Set<SessionName> sessions = new HashSet<>(what.sessions());
        sessions.retainAll(loss.sessions);
        sessions.removeAll(loss.ending);
        if (loss.over || sessions.isEmpty()) {
            return;
        }
        if (what.ends()) {
            loss.ending.addAll(sessions);
            blocking.execute(() -> sessions.forEach(session -> endRuns(session, loss)));
        } else {
            blocking.execute(() -> sessions.forEach(session -> tellAway(session, loss)));
        }
    }

    private List<Run> runs(SessionState state, String connectionId) {
        return engine.sessions().runs(state).stream()
                .filter(run -> connectionId.equals(run.connectionId()) && !run.suspended())
                .toList();
    }

    private @Nullable SessionState watched(SessionName session) {
        SessionState state = engine.sessions().find(session);
        boolean watched =
                state != null && apps.namespace(session.app(), session.name()).endAbandonedRuns();
        return watched ? state : null;
    }

    private void tellAway(SessionName session, Loss loss) {
        try {
            SessionState state = watched(session);
            for (Run run : state == null ? List.<Run>of() : runs(state, loss.connectionId)) {
                synchronized (this) {
                    if (loss.over) {
                        return;
                    }
                    loss.away.add(run);
                    tell(AGENT_AWAY, run, loss.connectionId);
                }
            }
        } catch (RuntimeException e) {
            LOG.error("That an agent is away in {} cannot be told", session, e);
        }
    }

    private void tellBack(Run run, String connectionId) {
        try {
            SessionState state = watched(run.session());
            if (state != null
                    && runs(state, connectionId).stream()
                            .anyMatch(open -> open.id().equals(run.id()))) {
                tell(AGENT_BACK, run, connectionId);
            }
        } catch (RuntimeException e) {
            LOG.error("That an agent is back in {} cannot be told", run.session(), e);
        }
    }

    /**
     * Publishes the message without waiting for it. If there is no room for it now, the run's end will inform the
     * readers.
     */
    private void tell(String name, Run run, String connectionId) {
        long now = clock.millis();
        ObjectNode data = JsonMapper.shared()
                .createObjectNode()
                .put("runId", run.id())
                .put("connectionId", connectionId)
                .put("at", now);
        var message = new MessageOp.Create(
                connectionId + ":" + name + ":" + run.id() + ":" + now,
                false,
                null,
                null,
                new Body(name, Data.of(data.toString()), "json", null),
                false);
        engine.submit(new Publish(run.session(), now, null, List.of(message)), new Reply<SessionOutcome.OfPublish>() {
            @Override
            public void done(SessionOutcome.OfPublish outcome) {}

            @Override
            public void failed(Exception failure) {
                LOG.debug("{} cannot be published in {}", name, run.session(), failure);
            }
        });
    }

    private void endRuns(SessionName session, Loss loss) {
        boolean done = false;
        try {
            SessionState state = watched(session);
            done = true;
            for (Run run : state == null ? List.<Run>of() : runs(state, loss.connectionId)) {
                done &= end(Objects.requireNonNull(state), run, loss);
            }
        } catch (RuntimeException e) {
            LOG.error("The runs of a lost agent in {} cannot be ended", session, e);
        }
        synchronized (this) {
            loss.ending.remove(session);
            if (done) {
                loss.sessions.remove(session);
                if (loss.sessions.isEmpty()) {
                    lost.remove(loss.connectionId, loss);
                }
            } else {
                due.add(new Due(clock.millis() + RETRY_MILLIS, loss, Set.of(session), true));
            }
        }
    }

    /** Ends a run, unless its agent is back. Returns false if this has to be tried again. */
    private boolean end(SessionState state, Run run, Loss loss) {
        String connectionId = loss.connectionId;
        List<MessageOp> messages = new ArrayList<>();
        ObjectNode headers = JsonMapper.shared().createObjectNode().put("run-id", run.id());
        long from = run.since();
        for (int seen = 0; seen < MAX_MESSAGES; ) {
            List<MessageEntry> page = engine.sessions()
                    .messages(state, new Sessions.Range(from, Long.MAX_VALUE, false), PAGE, PAGE_BYTES);
            if (page.isEmpty()) {
                break;
            }
            for (MessageEntry message : page) {
                read(message, run, headers, messages);
            }
            seen += page.size();
            from = page.getLast().serial() + 1;
        }
        headers.put("run-reason", "error")
                .put("error-code", Integer.toString(STREAM_ERROR))
                .put("error-message", "The agent was lost before it ended the run.");
        ObjectNode extras = JsonMapper.shared().createObjectNode();
        extras.putObject("ai").set("transport", headers);
        messages.add(new MessageOp.Create(
                connectionId + ":end:" + run.id(),
                false,
                null,
                null,
                new Body(RunNotes.RUN_END, null, null, extras.toString()),
                false));
        var command = new EndRun(run.session(), clock.millis(), run.id(), connectionId, messages);
        var ended = new CompletableFuture<Boolean>();
        synchronized (this) {
            // From here on the order of the log decides: an agent that comes back after this command finds the run
            // ended.
            if (loss.over) {
                return true;
            }
            submit(command, ended);
        }
        return ended.join();
    }

    /** Copies the run's headers from its start, and closes a message that it has left streaming. */
    private static void read(MessageEntry message, Run run, ObjectNode headers, List<MessageOp> closing) {
        String extras = message.body().extras();
        JsonNode transport = extras == null ? null : RunNotes.headers(extras);
        if (extras == null
                || transport == null
                || !run.id().equals(transport.path("run-id").asString(""))) {
            return;
        }
        if (message.serial() == run.since()) {
            KEPT_HEADERS.forEach(name -> {
                if (transport.has(name)) {
                    headers.set(name, transport.get(name));
                }
            });
        }
        if (transport.path("status").asString("").equals("streaming")
                && message.action() != MessageEntry.Action.DELETE) {
            ObjectNode closed = (ObjectNode) JsonMapper.shared().readTree(extras);
            ((ObjectNode) closed.path("ai").path("transport")).put("status", "cancelled");
            boolean plain = message.body().data() != null && message.body().encoding() == null;
            Data nothing = plain ? new Data(new byte[0], isText(message)) : null;
            closing.add(new MessageOp.Change(
                    MessageEntry.Action.APPEND,
                    message.serial(),
                    new Body(null, nothing, null, closed.toString()),
                    new Operation(message.clientId(), "The agent was lost.", null),
                    true,
                    false,
                    Integer.MAX_VALUE));
        }
    }

    private static boolean isText(MessageEntry message) {
        Data data = message.body().data();
        return data != null && data.text();
    }

    private void submit(EndRun command, CompletableFuture<Boolean> ended) {
        engine.submit(command, new Reply<SessionOutcome.OfRun>() {
            @Override
            public void done(SessionOutcome.OfRun outcome) {
                switch (outcome) {
                    case SessionOutcome.Accepted accepted ->
                        LOG.info("{} was ended: its agent was lost", name(command));
                    case SessionOutcome.NotAbandoned gone -> LOG.debug("{} has gone on or ended", name(command));
                    case SessionOutcome.OfPublish refused ->
                        LOG.warn("{} was left by its agent and cannot be ended", name(command));
                }
                ended.complete(true);
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("run {} cannot be ended now", command.runId(), failure);
                ended.complete(failure instanceof EngineStoppedException);
            }
        });
    }

    private static String name(EndRun command) {
        return "The run %s in %s of app %s"
                .formatted(
                        command.runId(),
                        command.session().name(),
                        command.session().app());
    }
}
