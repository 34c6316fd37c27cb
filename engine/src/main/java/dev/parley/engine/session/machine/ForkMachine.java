package dev.parley.engine.session.machine;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.Fork;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome.Forked;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.NotNew;
import dev.parley.engine.session.SessionOutcome.OfFork;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Inheritance;
import dev.parley.engine.session.message.MessageMachine;
import dev.parley.engine.session.profile.ProfileMachine;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rules for sessions that go on from others. Pure, as SessionMachine, which calls it. */
final class ForkMachine {
    private ForkMachine() {}

    static OfFork fork(Fork c, long position, SessionTx tx) {
        SessionState s = tx.find(c.session());
        Inheritance known = s == null ? null : tx.index().inheritance(s);
        return c.fills() ? fill(c, s, known, tx) : begin(c, s, known, position, tx);
    }

    /** Makes the session. One that has nothing yet, because nobody has done the second step, may go on from something else. */
    private static OfFork begin(
            Fork c, @Nullable SessionState known, @Nullable Inheritance before, long position, SessionTx tx) {
        if (known != null && before != null && before.origin().equals(c.origin())) {
            return new Forked();
        }
        boolean isNew = known == null
                ? tx.erasures().tombstone(c.session()) == null
                : before != null && !before.filled() && known.last() == Positions.START;
        if (!isNew) {
            return new NotNew();
        }
        SessionState s = known;
        if (s == null) {
            s = new SessionState(c.session(), position);
            var made = new Describe(c.session(), c.time(), c.by(), true, false, List.of(), 0);
            ProfileMachine.describe(s, made, true, tx.profiles());
        }
        tx.index().inherit(s, new Inheritance(c.origin(), false));
        return new Forked();
    }

    private static OfFork fill(Fork c, @Nullable SessionState s, @Nullable Inheritance known, SessionTx tx) {
        if (s == null || known == null || !known.origin().equals(c.origin())) {
            return new NoSuchSession();
        }
        if (known.filled()) {
            return new Forked();
        }
        if (s.last() != Positions.START) {
            return new NotNew();
        }
        SessionState now = s;
        int inherited = c.serials().size();
        for (int i = 0; i < inherited; i++) {
            now = MessageMachine.inherit(now, c.serials().get(i), c.messages().get(i), tx.messages());
        }
        tx.put(now);
        List<MessageOp> said =
                List.copyOf(c.messages().subList(inherited, c.messages().size()));
        MessageMachine.publish(now, new Publish(c.session(), c.time(), null, said), tx.messages());
        tx.index().inherit(s, new Inheritance(c.origin(), true));
        return new Forked();
    }
}
