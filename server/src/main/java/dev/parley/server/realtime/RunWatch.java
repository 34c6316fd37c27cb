package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import dev.parley.server.apps.Apps;
import dev.parley.server.channel.RunNotes;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Ends the runs of agents that died: when the connection that worked at a run has been gone for a while, its streaming
 * messages are closed and the run ends with an error, so that nobody waits for ever. Thread-safe; it hears of the time
 * by {@link #tick}.
 */
final class RunWatch {
    /** Lost connections whose runs are watched; beyond that the first ones are given up early. */
    static final int MAX_LOST = 100_000;

    /** How much of a session is looked at for messages that a run has left streaming. */
    private static final int MAX_MESSAGES = 10_000;

    private static final int PAGE = 100;
    private static final int PAGE_BYTES = 4 << 20;

    /** What AI Transport's clients know as the failure of a stream. */
    private static final int STREAM_ERROR = 104_008;

    /** What a run's end repeats of its start. */
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
    private final Map<String, Loss> lost = new HashMap<>();

    /** In the order in which they were lost. */
    private final ArrayDeque<Loss> due = new ArrayDeque<>();

    private record Loss(String connectionId, Set<SessionName> sessions, long dueMillis) {}

    /**
     * For the sessions of {@code engine}.
     *
     * @param blocking runs what blocks on the disk
     * @param grace how long an agent may be gone
     */
    RunWatch(Engine engine, Apps apps, Executor blocking, InstantSource clock, Duration grace) {
        this.engine = engine;
        this.apps = apps;
        this.blocking = blocking;
        this.clock = clock;
        this.graceMillis = grace.toMillis();
    }

    /** Takes up the runs at which connections of an earlier run of the server worked. Blocks. */
    void recover(long now) {
        engine.sessions().runsAtWork().stream()
                .collect(Collectors.groupingBy(
                        run -> String.valueOf(run.connectionId()),
                        Collectors.mapping(Run::session, Collectors.toSet())))
                .forEach((connectionId, sessions) -> lost(connectionId, sessions, now));
    }

    /** A connection is gone that made requests to {@code sessions}. */
    synchronized void lost(String connectionId, Collection<SessionName> sessions, long now) {
        if (sessions.isEmpty()) {
            return;
        }
        Loss loss = new Loss(connectionId, Set.copyOf(sessions), now + graceMillis);
        lost.put(connectionId, loss);
        due.add(loss);
        if (due.size() > MAX_LOST) {
            giveUp(due.removeFirst());
        }
    }

    /** A connection is there, or is back. */
    synchronized void arrived(String connectionId) {
        lost.remove(connectionId);
    }

    /** To be called now and then. */
    synchronized void tick(long now) {
        while (!due.isEmpty() && due.getFirst().dueMillis() <= now) {
            giveUp(due.removeFirst());
        }
    }

    private void giveUp(Loss loss) {
        if (lost.remove(loss.connectionId(), loss)) {
            blocking.execute(() -> loss.sessions().forEach(session -> endRuns(session, loss.connectionId())));
        }
    }

    private void endRuns(SessionName session, String connectionId) {
        try {
            SessionState state = engine.sessions().find(session);
            if (state == null || !apps.namespace(session.app(), session.name()).endAbandonedRuns()) {
                return;
            }
            for (Run run : engine.sessions().runs(state)) {
                if (connectionId.equals(run.connectionId()) && !run.suspended()) {
                    end(state, run, connectionId);
                }
            }
        } catch (RuntimeException e) {
            LOG.error("The runs of a lost agent in {} cannot be ended", session, e);
        }
    }

    private void end(SessionState state, Run run, String connectionId) {
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
        submit(new EndRun(run.session(), clock.millis(), run.id(), connectionId, messages));
    }

    /** Takes the run's headers from its start, and closes a message that it has left streaming. */
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

    private void submit(EndRun end) {
        engine.submit(end, new Reply<SessionOutcome.OfRun>() {
            @Override
            public void done(SessionOutcome.OfRun outcome) {
                LOG.info("Run {} of the lost connection {}: {}", end.runId(), end.connectionId(), outcome);
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("run {} cannot be ended now", end.runId(), failure);
                lost(end.connectionId(), Set.of(end.session()), clock.millis());
            }
        });
    }
}
