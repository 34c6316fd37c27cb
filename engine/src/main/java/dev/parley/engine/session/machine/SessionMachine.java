package dev.parley.engine.session.machine;

import dev.parley.engine.session.Control;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionCommand.ChangeObjects;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.Fork;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.NotePurge;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Retain;
import dev.parley.engine.session.SessionCommand.Rollup;
import dev.parley.engine.session.SessionCommand.Seen;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionCommand.WithAgents;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.Erased;
import dev.parley.engine.session.SessionOutcome.NoSuchAgent;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.NoSuchRequest;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.NotAbandoned;
import dev.parley.engine.session.SessionOutcome.NotHeld;
import dev.parley.engine.session.SessionOutcome.NothingToDo;
import dev.parley.engine.session.SessionOutcome.TypeDiffers;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.annotation.AnnotationMachine;
import dev.parley.engine.session.attendance.AttendanceMachine;
import dev.parley.engine.session.control.ControlMachine;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.MessageMachine;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.notify.NotifyMachine;
import dev.parley.engine.session.object.ObjectMachine;
import dev.parley.engine.session.presence.PresenceMachine;
import dev.parley.engine.session.profile.ProfileMachine;
import dev.parley.engine.session.request.RequestMachine;
import dev.parley.engine.session.run.RunMachine;
import dev.parley.engine.session.run.SilenceMachine;
import dev.parley.engine.session.wake.WakeMachine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The rules for commands of sessions. Pure: the same commands in the same order give the same entries and outcomes.
 *
 * <p>A refused command changes nothing: it is checked completely before any of it is done.
 */
public final class SessionMachine {
    /** The number of messages that one {@link Trim} or {@link Retain} removes. The horizon shows how far it came. */
    public static final int MAX_TRIMMED = 10_000;

    private SessionMachine() {}

    /** Applies {@code command}, which is at {@code position} in the journal, and returns its outcome. */
    public static SessionOutcome apply(SessionCommand<?> command, long position, SessionTx tx) {
        SessionState before = tx.find(command.session());
        SessionOutcome outcome = execute(command, position, tx);
        SessionState now = tx.find(command.session());
        long last = before == null ? Positions.START : before.last();
        SessionCommand<?> said = command instanceof Speak speak ? speak.said() : command;
        NotifyMachine.heed(now, said, outcome, last, position, tx.notifications());
        return outcome;
    }

    private static SessionOutcome execute(SessionCommand<?> command, long position, SessionTx tx) {
        return switch (command) {
            case Publish c -> publish(c, position, tx);
            case Rollup c -> rollup(c, tx);
            case EndRun c -> endRun(c, tx);
            case ChangePresence c ->
                watched(
                        c,
                        tx,
                        () -> once(
                                c,
                                c.sender(),
                                c.events().size(),
                                position,
                                tx,
                                s -> PresenceMachine.change(s, c, tx.presence())));
            case Annotate c ->
                once(
                        c,
                        c.sender(),
                        c.annotations().size(),
                        position,
                        tx,
                        s -> AnnotationMachine.annotate(s, c, tx.annotations()));
            case ChangeObjects c ->
                once(c, c.sender(), c.operations().size(), position, tx, s -> ObjectMachine.change(s, c, tx.objects()));
            case Leave c -> watched(c, tx, () -> ifThere(c, tx, s -> AttendanceMachine.leave(s, c, tx.attendances())));
            case Lost c -> ifThere(c, tx, s -> AttendanceMachine.lost(s, c, tx.attendances()));
            case Back c -> ifThere(c, tx, s -> AttendanceMachine.back(s, c, tx.attendances()));
            case StallRun c -> ifThere(c, tx, s -> AttendanceMachine.stall(s, c, tx.attendances()));
            case Depart c ->
                watched(c, tx, () -> ifThere(c, tx, s -> AttendanceMachine.depart(s, c, tx.attendances())));
            case ChangeControl c ->
                once(c, null, 1, position, tx, s -> {
                    SessionOutcome outcome = ControlMachine.change(s, c, tx.controls());
                    restWakes(s, c, tx);
                    return outcome;
                });
            case Erase c -> erase(c, tx);
            case Fork c -> ForkMachine.fork(c, position, tx);
            case NotePurge c -> {
                if (c.done()) {
                    tx.erasures().purged(c.session(), c.id(), c.time());
                }
                yield new Done();
            }
            case Describe c -> describe(c, position, tx);
            case ExpireControl c ->
                ifThere(c, tx, s -> {
                    ControlMachine.expire(s, c, tx.controls());
                    restWakes(s, c, tx);
                });
            case NameAgents c -> WakeMachine.name(findOrMake(c, position, tx), c, tx.wakes());
            case InvokeAgent c -> {
                SessionState s = tx.find(c.session());
                yield s == null ? new NoSuchAgent(c.agentId()) : WakeMachine.invoke(s, c, position, tx.wakes());
            }
            case ClaimWake c -> {
                SessionState s = tx.find(c.session());
                yield s == null ? new NothingToDo() : WakeMachine.claim(s, c, tx.wakes());
            }
            case SettleWake c -> {
                SessionState s = tx.find(c.session());
                yield s == null ? new NotHeld(c.wakeId()) : WakeMachine.settle(s, c, tx.wakes());
            }
            case Speak c -> speak(c, position, tx);
            case ExpireWake c -> ifThere(c, tx, s -> WakeMachine.expire(s, c, tx.wakes()));
            case SettleNotification c -> ifThere(c, tx, s -> NotifyMachine.settle(s, c, tx.notifications()));
            case Seen c -> ifThere(c, tx, s -> NotifyMachine.seen(s, c, tx.notifications()));
            case WithAgents<?> c -> withAgents(c, position, tx);
            case Ask c -> once(c, null, 1, position, tx, s -> RequestMachine.ask(s, c, tx.requests()));
            case Decide c -> decide(c, position, tx);
            case ExpireRequest c ->
                ifThere(c, tx, s -> {
                    SessionRequest before = tx.requests().find(s, c.requestId());
                    Publish answer = RequestMachine.expire(s, c, tx.requests());
                    wakeWhoAsked(s, before, answer, position, tx);
                });
            case Trim c ->
                ifThere(c, tx, s -> {
                    removeOldest(s, c.upTo(), Long.MAX_VALUE, tx);
                    tx.forget(s, Math.min(c.upTo(), s.last()));
                });
            case Retain c ->
                ifThere(c, tx, s -> {
                    removeOldest(s, Positions.startOf(c.since()) - 1, c.maxBytes(), tx);
                    tx.forget(s, Positions.startOf(Math.min(c.since(), c.auditSince())) - 1);
                });
            case Compact c -> ifThere(c, tx, s -> MessageMachine.compact(s, c, tx.messages()));
            case RemoveEmpty c ->
                ifThere(c, tx, s -> {
                    if (tx.isEmpty(s)) {
                        tx.remove(s);
                    }
                });
            case Remove c -> ifThere(c, tx, s -> tx.remove(s));
        };
    }

    /** Tells the session of the agents of its namespace, and then applies the command. A session that it makes knows them, too. */
    private static SessionOutcome withAgents(WithAgents<?> c, long position, SessionTx tx) {
        inherit(c, tx);
        tx.wakes().tell(c.inherited());
        SessionOutcome outcome = apply(c.command(), position, tx);
        tx.wakes().tell(Inherited.NONE);
        inherit(c, tx);
        return outcome;
    }

    private static void inherit(WithAgents<?> c, SessionTx tx) {
        SessionState s = tx.find(c.session());
        if (s != null) {
            NotifyRule before = tx.notifications().rule(s);
            WakeMachine.inherit(s, c.inherited(), c.time(), tx.wakes());
            NotifyMachine.ruled(s, before, tx.notifications());
        }
    }

    /** Does something that may change who watches the session. */
    private static SessionOutcome watched(SessionCommand<?> command, SessionTx tx, Supplier<SessionOutcome> action) {
        SessionState before = tx.find(command.session());
        Set<String> awaiting = before == null ? Set.of() : tx.wakes().awaiting(before);
        SessionOutcome outcome = action.get();
        SessionState now = tx.find(command.session());
        if (now != null) {
            WakeMachine.audienceChanged(now, awaiting, command.time(), tx.wakes());
        }
        return outcome;
    }

    /** Does something to a session that may not exist any more. */
    private static Done ifThere(SessionCommand<?> command, SessionTx tx, Consumer<SessionState> action) {
        SessionState s = tx.find(command.session());
        if (s != null) {
            action.accept(s);
        }
        return new Done();
    }

    private static SessionState findOrMake(SessionCommand<?> command, long position, SessionTx tx) {
        SessionState s = tx.find(command.session());
        if (s != null) {
            return s;
        }
        SessionState made = new SessionState(command.session(), position);
        Tombstone before = tx.erasures().tombstone(command.session());
        return before == null ? made : made.withLast(before.end()).withHorizon(before.end());
    }

    /** The outcome of a request that was accepted before, or null. */
    private static @Nullable Accepted before(SessionState s, @Nullable Sender sender, int operations, SessionTx tx) {
        List<Long> positions = sender == null ? null : tx.remembered().outcome(s, sender, operations);
        return positions == null ? null : new Accepted(positions);
    }

    /**
     * Executes a request, in a session that is created if it does not exist, and remembers the outcome. For a request
     * that was accepted before, returns its first outcome.
     */
    private static SessionOutcome once(
            SessionCommand<?> command,
            @Nullable Sender sender,
            int operations,
            long position,
            SessionTx tx,
            Function<SessionState, SessionOutcome> request) {
        SessionState s = findOrMake(command, position, tx);
        Accepted first = before(s, sender, operations, tx);
        if (first != null) {
            return first;
        }
        SessionOutcome outcome = request.apply(s);
        if (sender != null && outcome instanceof Accepted accepted) {
            keep(s, sender, command.time(), accepted.positions(), tx);
        }
        return outcome;
    }

    /** Remembers the outcome of a request, and that its connection is there. */
    private static void keep(SessionState s, Sender sender, long time, List<Long> positions, SessionTx tx) {
        if (tx.remembered().keep(s, sender, positions)) {
            AttendanceMachine.arrive(s, sender, time, tx.attendances());
        }
    }

    private static SessionOutcome publish(Publish c, long position, SessionTx tx) {
        return once(c, c.sender(), c.messages().size(), position, tx, s -> {
            SessionOutcome outcome = ControlMachine.publish(s, c, tx.controls());
            if (outcome instanceof Accepted accepted) {
                restWakes(s, c, tx);
                WakeMachine.heard(s, s.last(), c, accepted.positions(), tx.wakes());
            }
            return outcome;
        });
    }

    private static SessionOutcome speak(Speak c, long position, SessionTx tx) {
        SessionState s = tx.find(c.session());
        if (s == null || !WakeMachine.maySpeak(s, c, tx.wakes())) {
            return new NotHeld(c.wakeId());
        }
        SessionOutcome outcome = publish(c.said(), position, tx);
        if (outcome instanceof Accepted) {
            WakeMachine.spoken(c, Objects.requireNonNull(tx.find(c.session())), tx.wakes());
        }
        return outcome;
    }

    /** Lets wakes rest, or go on, if who has the control is another one than before. */
    private static void restWakes(SessionState before, SessionCommand<?> command, SessionTx tx) {
        SessionState now = tx.find(command.session());
        if (now != null && isAPersons(now) != isAPersons(before)) {
            WakeMachine.controlChanged(now, command.time(), tx.wakes());
        }
    }

    private static boolean isAPersons(SessionState s) {
        return s.control().mode() == Control.Mode.PERSON;
    }

    private static SessionOutcome rollup(Rollup c, SessionTx tx) {
        SessionState s = tx.find(c.session());
        if (s == null) {
            return new NoSuchMessage(c.serial());
        }
        Map<Part, Long> known = new HashMap<>();
        List<Part> fresh = new ArrayList<>(c.parts().size());
        for (Part part : c.parts()) {
            Accepted first = before(s, sender(c, part), 1, tx);
            if (first == null) {
                fresh.add(part);
            } else {
                // An empty request may have had the same number.
                known.put(
                        part,
                        first.positions().isEmpty()
                                ? Positions.START
                                : first.positions().getFirst());
            }
        }
        long made = Positions.START;
        if (!fresh.isEmpty()) {
            if (!MessageMachine.joinable(fresh)) {
                return new TypeDiffers(c.serial());
            }
            // The parts are published as one request, whose outcome is then kept for each of them.
            SessionOutcome outcome = publish(
                    new Publish(c.session(), c.time(), null, List.of(MessageMachine.join(c.serial(), fresh))),
                    s.id(),
                    tx);
            if (!(outcome instanceof Accepted accepted)) {
                return outcome;
            }
            made = accepted.positions().getFirst();
            SessionState after = Objects.requireNonNull(tx.find(c.session()));
            for (Part part : fresh) {
                keep(after, sender(c, part), c.time(), accepted.positions(), tx);
            }
        }
        List<Long> positions = new ArrayList<>(c.parts().size());
        for (Part part : c.parts()) {
            positions.add(known.getOrDefault(part, made));
        }
        return new Accepted(positions);
    }

    private static Sender sender(Rollup c, Part part) {
        return new Sender(c.connectionId(), c.epoch(), part.msgSerial());
    }

    private static SessionOutcome erase(Erase c, SessionTx tx) {
        SessionState s = tx.find(c.session());
        Tombstone before = tx.erasures().tombstone(c.session());
        if (before != null && (s == null || (c.txid() != null && c.txid().equals(before.txid())))) {
            return new Erased(before);
        }
        if (s == null) {
            return new NoSuchSession();
        }
        Tombstone now = new Tombstone(s.name(), s.id(), c.time(), c.by(), c.txid(), s.last() + 1, 0);
        tx.remove(s);
        tx.erasures().add(now);
        return new Erased(now);
    }

    private static SessionOutcome describe(Describe c, long position, SessionTx tx) {
        SessionState known = tx.find(c.session());
        if (known == null && !c.makes()) {
            return new NoSuchSession();
        }
        SessionState s = known == null ? findOrMake(c, position, tx) : known;
        return ProfileMachine.describe(s, c, known == null, tx.profiles());
    }

    private static SessionOutcome decide(Decide c, long position, SessionTx tx) {
        SessionState s = tx.find(c.session());
        if (s == null) {
            return new NoSuchRequest(c.requestId());
        }
        SessionRequest before = tx.requests().find(s, c.requestId());
        SessionOutcome outcome = RequestMachine.decide(s, c, tx.requests());
        Publish answer = new Publish(c.session(), c.time(), null, c.answer(), c.runs());
        wakeWhoAsked(s, before, answer, position, tx);
        return outcome;
    }

    /**
     * Wakes the agent that waits for an answer, if the present command has closed the request.
     *
     * @param s the session before the command
     * @param before the request before the command; one that was closed by then has woken whom it wakes
     * @param answer the messages with the answer, the last that were published; or none
     * @param position of the command in the journal
     */
    private static void wakeWhoAsked(
            SessionState s, @Nullable SessionRequest before, Publish answer, long position, SessionTx tx) {
        SessionRequest request =
                before == null || !before.isOpen() ? null : tx.requests().find(s, before.id());
        if (request != null && !request.isOpen()) {
            if (request.terms().runId() != null) {
                SilenceMachine.begin(s, request.terms().runId(), answer.time(), tx.runs());
            }
            WakeMachine.answered(s, request, answer, position, tx.wakes());
        }
    }

    private static SessionOutcome endRun(EndRun c, SessionTx tx) {
        SessionState s = tx.find(c.session());
        return s == null ? new NotAbandoned(c.runId()) : RunMachine.end(s, c, tx.runs());
    }

    /**
     * Removes everything up to {@code upTo}, and further messages while the session is larger than {@code maxBytes}.
     */
    private static void removeOldest(SessionState s, long upTo, long maxBytes, SessionTx tx) {
        long horizon = Math.min(upTo, s.last());
        MessageTx.Oldest oldest = tx.messages().oldest(s, horizon, maxBytes, MAX_TRIMMED, head -> stored(s, head, tx));
        List<Head> messages = oldest.messages();
        if (messages.size() == MAX_TRIMMED) {
            horizon = messages.getLast().serial();
        } else if (!messages.isEmpty()) {
            horizon = Math.max(horizon, messages.getLast().serial());
        }
        if (horizon > s.horizon()) {
            tx.trim(s, horizon, messages);
            tx.put(s.withHorizon(horizon).withBytes(s.bytes() - oldest.bytes()));
        }
    }

    /** The size of a message with its annotations in bytes, roughly. */
    private static long stored(SessionState s, Head head, SessionTx tx) {
        return head.stored() + (head.annotated() ? tx.annotations().bytes(s, head.serial()) : 0);
    }
}
