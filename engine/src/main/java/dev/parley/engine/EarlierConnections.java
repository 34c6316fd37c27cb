package dev.parley.engine;

import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.log.Membership;

/** Knows what has become of connections that were here in an earlier life of the node. */
@FunctionalInterface
public interface EarlierConnections {
    /**
     * The command that tells a session of such a connection: that it is lost, with the times at which what it has left
     * goes, or that it is back. Its epoch belongs to the present life. If the engine has no room for the command, or is
     * stopped before the session has it, it is asked for again.
     *
     * @param trace the connection, and the session in which it has left something
     * @param now in milliseconds since 1970
     */
    SessionCommand<SessionOutcome.Done> command(Membership trace, long now);
}
