package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.WithAgents;
import dev.parley.engine.session.SessionOutcome;

/**
 * Gives commands what they have to bring from another machine: to those that concern the agents of a session, the agents that its
 * namespace names. The machine of sessions must not look them up, because another shard applies what changes them.
 */
final class Informing {
    private Informing() {}

    /** The command with what it has to bring, as {@code registry} shows it by now. */
    @SuppressWarnings("unchecked") // what a command brings does not change what it answers
    static <O> Command<O> inform(Command<O> command, Registry registry) {
        if (command instanceof SessionCommand<?> c && concernsAgents(c)) {
            Inherited inherited = registry.inherited(c.session());
            return inherited == null ? command : (Command<O>) with(inherited, c);
        }
        return command;
    }

    private static <O extends SessionOutcome> Command<O> with(Inherited inherited, SessionCommand<O> command) {
        return new WithAgents<>(inherited, command);
    }

    private static boolean concernsAgents(SessionCommand<?> command) {
        return switch (command) {
            case Publish c -> says(c);
            case NameAgents c -> true;
            case InvokeAgent c -> true;
            case ClaimWake c -> true;
            case SettleWake c -> true;
            case ExpireWake c -> true;
            case Decide c -> true;
            case ExpireRequest c -> true;
            default -> false;
        };
    }

    private static boolean says(Publish publish) {
        for (RunNote note : publish.runs()) {
            if (note instanceof RunNote.Said) {
                return true;
            }
        }
        return false;
    }
}
