package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.channel.RunNotes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells sessions what they have to know of runs that began when an older program served the data folder: what is said when
 * the agent is lost, and which messages it is streaming. Newer runs bring this with their messages.
 */
final class EarlierRuns {
    /** The number of messages of a session that are searched for messages that a run is streaming. */
    private static final int MAX_MESSAGES = 10_000;

    private static final int PAGE = 100;
    private static final int PAGE_BYTES = 4 << 20;
    private static final Logger LOG = LoggerFactory.getLogger(EarlierRuns.class);

    private EarlierRuns() {}

    /** Describes {@code runs} as far as they are not described. Blocks. */
    static void describe(Engine engine, List<Run> runs, long now) {
        Sessions sessions = engine.sessions();
        for (Run run : runs) {
            SessionState state = sessions.find(run.session());
            if (state != null && !sessions.runs().isDescribed(state, run.id())) {
                List<RunNote> notes = notes(sessions, state, run);
                try {
                    // One at a time, for which the engine always has room.
                    engine.submit(new Publish(run.session(), now, null, List.of(), notes))
                            .join();
                    LOG.info("the run {} in {} goes on from an earlier version", run.id(), run.session());
                } catch (CompletionException e) {
                    LOG.warn(
                            "the run {} in {} ends in silence if its agent is lost",
                            run.id(),
                            run.session(),
                            e.getCause());
                }
            }
        }
    }

    private static List<RunNote> notes(Sessions sessions, SessionState state, Run run) {
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
