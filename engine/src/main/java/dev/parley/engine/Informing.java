package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionCommand.WithAgents;
import dev.parley.engine.session.SessionOutcome;

/**
 * Gives commands what they have to bring from another machine: to those that concern the agents of a session, or of which an application
 * may want to be told, what its namespace names. The machine of sessions must not look them up, because another shard applies what changes them.
 */
final class Informing {
    private Informing() {}

    /** The command with what it has to bring, as {@code registry} shows it by now. */
    @SuppressWarnings("unchecked") // what a command brings does not change what it answers
    static <O> Command<O> inform(Command<O> command, Registry registry) {
        if (command instanceof SessionCommand<?> c) {
            boolean concernsAgents = concernsAgents(c);
            if (concernsAgents || mayBeNews(c)) {
                Inherited inherited = registry.inherited(c.session());
                if (inherited != null && (concernsAgents || inherited.rule() != null)) {
                    return (Command<O>) with(inherited, c);
                }
            }
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
            case SettleNotification c -> true;
            default -> false;
        };
    }

    /** Whether it may do something of which an application wants to be told. What only adds to a message does not. */
    private static boolean mayBeNews(SessionCommand<?> command) {
        return switch (command) {
            case Publish c ->
                !c.runs().isEmpty() || c.messages().stream().anyMatch(message -> message instanceof Create);
            case Speak c -> mayBeNews(c.said());
            case Ask c -> true;
            case EndRun c -> true;
            case Depart c -> true;
            case ChangeControl c -> true;
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
