package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.life.Lives;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.apps.Apps;
import dev.parley.server.channel.RunNotes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Completes what a program has left in sessions that knew nothing of lives, so that it looks like what today's program
 * leaves: sessions learn which connections have left something in them, and what they have to know of runs, which is what is said
 * when the agent is lost, and which messages it is streaming.
 */
final class Upgrade {
    /** The epoch of all connections of that time: later than what they had, and before all lives. */
    static final long EPOCH = Lives.epoch(1, 0) - 1;

    /** The number of messages of a session that are searched for messages that a run is streaming. */
    private static final int MAX_MESSAGES = 10_000;

    private static final int PAGE = 100;
    private static final int PAGE_BYTES = 4 << 20;
    private static final Logger LOG = LoggerFactory.getLogger(Upgrade.class);

    private final Engine engine;
    private final Sessions sessions;
    private final Function<Membership, Lost> loss;

    /**
     * Makes an upgrade.
     *
     * @param loss the command that tells a session that a connection is lost, with {@link #EPOCH}
     */
    Upgrade(Engine engine, Function<Membership, Lost> loss) {
        this.engine = engine;
        this.sessions = engine.sessions();
        this.loss = loss;
    }

    /** Does it. Nothing happens if there is nothing from before. Blocks. */
    void run(long now) {
        List<Run> runs = sessions.runs().atWork();
        runs.forEach(run -> describe(run, now));
        Set<Membership> traces = new LinkedHashSet<>(sessions.presence().memberships());
        traces.removeIf(member -> member.connectionId().startsWith(Apps.FIXED_MEMBERS_CONNECTION));
        traces.addAll(sessions.remembered().requesters(Footprints.MAX_LOST));
        runs.forEach(run -> traces.add(new Membership(run.session(), String.valueOf(run.connectionId()))));
        // One at a time, for which the engine always has room.
        traces.forEach(trace -> engine.submit(loss.apply(trace)).join());
    }

    private void describe(Run run, long now) {
        SessionState state = sessions.find(run.session());
        if (state != null && !sessions.runs().isDescribed(state, run.id())) {
            List<RunNote> notes = notes(state, run);
            try {
                engine.submit(new Publish(run.session(), now, null, List.of(), notes))
                        .join();
                LOG.info("the run {} in {} goes on from an earlier version", run.id(), run.session());
            } catch (CompletionException e) {
                LOG.warn(
                        "the run {} in {} ends in silence if its agent is lost", run.id(), run.session(), e.getCause());
            }
        }
    }

    private List<RunNote> notes(SessionState state, Run run) {
        List<RunNote> notes = new ArrayList<>();
        long from = run.since();
        for (int seen = 0; seen < MAX_MESSAGES; ) {
            var range = new PositionRange(from, Long.MAX_VALUE, false);
            List<MessageEntry> page = sessions.messages().list(state, range, PAGE, PAGE_BYTES);
            if (page.isEmpty()) {
                break;
            }
            page.forEach(message -> notes.addAll(RunNotes.ofEarlier(message, run)));
            seen += page.size();
            from = page.getLast().serial() + 1;
        }
        if (notes.stream().noneMatch(RunNote.Described.class::isInstance)) {
            // The message that opened it is gone.
            notes.add(RunNotes.described(run));
        }
        return notes;
    }
}
