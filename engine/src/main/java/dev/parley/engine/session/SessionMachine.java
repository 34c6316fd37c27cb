package dev.parley.engine.session;

import dev.parley.engine.session.Head.Shape;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.ChangeObjects;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.ObjectOp;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Retain;
import dev.parley.engine.session.SessionCommand.Rollup;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Deleted;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.NotAbandoned;
import dev.parley.engine.session.SessionOutcome.NotOwner;
import dev.parley.engine.session.SessionOutcome.ObjectRefused;
import dev.parley.engine.session.SessionOutcome.OfPublish;
import dev.parley.engine.session.SessionOutcome.TooLarge;
import dev.parley.engine.session.SessionOutcome.TooManyMembers;
import dev.parley.engine.session.SessionOutcome.TypeDiffers;
import dev.parley.engine.session.object.ObjectFold;
import dev.parley.engine.session.object.ObjectOperation;
import dev.parley.engine.session.object.ObjectRefusal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a command does to a session. Pure: the same commands in the same order give the same entries and outcomes.
 *
 * <p>A refused command changes nothing: it is judged as a whole before any of it is done.
 */
public final class SessionMachine {
    /** How many messages one {@link Trim} or {@link Retain} removes; the horizon tells how far it came. */
    public static final int MAX_TRIMMED = 10_000;

    private SessionMachine() {}

    /** Applies {@code command}, which stands at {@code position} in the journal, and tells what became of it. */
    public static SessionOutcome apply(SessionCommand<?> command, long position, SessionTx tx) {
        return switch (command) {
            case Publish c -> publish(c, position, tx);
            case Rollup c -> rollup(c, tx);
            case EndRun c -> endRun(c, position, tx);
            case ChangePresence c -> changePresence(c, position, tx);
            case Annotate c -> annotate(c, position, tx);
            case ChangeObjects c -> changeObjects(c, position, tx);
            case Leave c -> ifThere(c, tx, s -> leave(s, c, tx));
            case Lost c -> ifThere(c, tx, s -> AttendanceMachine.lost(s, c, tx));
            case Back c -> ifThere(c, tx, s -> AttendanceMachine.back(s, c, tx));
            case Depart c -> ifThere(c, tx, s -> depart(s, c, tx));
            case Trim c -> ifThere(c, tx, s -> removeOldest(s, c.upTo(), Long.MAX_VALUE, tx));
            case Retain c -> ifThere(c, tx, s -> removeOldest(s, Positions.startOf(c.since()) - 1, c.maxBytes(), tx));
            case Compact c -> ifThere(c, tx, s -> compact(s, c, tx));
            case RemoveEmpty c ->
                ifThere(c, tx, s -> {
                    if (tx.isEmpty(s)) {
                        tx.remove(s);
                    }
                });
            case Remove c -> ifThere(c, tx, s -> tx.remove(s));
        };
    }

    /** Does something to a session that need not be there any more. */
    private static Done ifThere(SessionCommand<?> command, SessionTx tx, Consumer<SessionState> action) {
        SessionState s = tx.find(command.session());
        if (s != null) {
            action.accept(s);
        }
        return new Done();
    }

    private static SessionState findOrMake(SessionCommand<?> command, long position, SessionTx tx) {
        SessionState s = tx.find(command.session());
        return s == null ? new SessionState(command.session(), position) : s;
    }

    /** What became of a request that was accepted before, or null. */
    private static @Nullable Accepted before(SessionState s, @Nullable Sender sender, int operations, SessionTx tx) {
        List<Long> positions = sender == null ? null : tx.outcome(s, sender, operations);
        return positions == null ? null : new Accepted(positions);
    }

    private static Accepted accept(SessionState s, @Nullable Sender sender, List<Long> positions, SessionTx tx) {
        // Also with nothing new in it: a session is there as soon as it has to remember a request.
        tx.put(s);
        if (sender != null) {
            tx.keep(s, sender, positions);
        }
        return new Accepted(positions);
    }

    // Messages.

    /** A message operation that was judged, with what the message is before and after it. */
    private sealed interface Step {
        record Made(Create message, Head after) implements Step {}

        record Changed(Change change, Head before, Head after) implements Step {}
    }

    static SessionOutcome publish(Publish c, long position, SessionTx tx) {
        SessionState s = findOrMake(c, position, tx);
        Accepted first = before(s, c.sender(), c.messages().size(), tx);
        if (first != null) {
            return first;
        }
        List<Long> positions = new ArrayList<>(c.messages().size());
        List<Step> steps = new ArrayList<>(c.messages().size());
        Map<Long, Head> heads = new HashMap<>();
        Map<String, Long> ids = new HashMap<>();
        String connection = c.sender() == null ? null : c.sender().connectionId();
        long last = s.last();
        for (MessageOp message : c.messages()) {
            switch (message) {
                case Create m -> {
                    String id = m.unique() ? m.id() : null;
                    Long known = id == null ? null : ids.getOrDefault(id, tx.serialOf(s, id));
                    if (known != null) {
                        positions.add(known);
                        continue;
                    }
                    last = Positions.next(last, c.time());
                    Head head = Head.of(m, last);
                    steps.add(new Step.Made(m, head));
                    if (!m.ephemeral()) {
                        heads.put(last, head);
                        if (id != null) {
                            ids.put(id, last);
                        }
                    }
                }
                case Change m -> {
                    Head head = heads.containsKey(m.serial()) ? heads.get(m.serial()) : tx.head(s, m.serial());
                    if (head == null) {
                        return new NoSuchMessage(m.serial());
                    }
                    // Clients tell a change from the creation by their times.
                    long earliest = Positions.startOf(Positions.millis(m.serial()) + 1);
                    last = Math.max(Positions.next(last, c.time()), earliest);
                    Head after = head.changed(m, last);
                    OfPublish refusal = judge(m, head, after, connection);
                    if (refusal != null) {
                        return refusal;
                    }
                    steps.add(new Step.Changed(m, head, after));
                    heads.put(m.serial(), after);
                }
            }
            positions.add(last);
        }
        for (Step step : steps) {
            s = take(s, step, tx);
        }
        RunMachine.note(s, c.runs(), connection, positions, tx);
        return accept(s, c.sender(), positions, tx);
    }

    private static SessionOutcome rollup(Rollup c, SessionTx tx) {
        SessionState s = tx.find(c.session());
        if (s == null) {
            return new NoSuchMessage(c.serial());
        }
        Map<Part, Long> known = new HashMap<>();
        List<Part> fresh = new ArrayList<>(c.parts().size());
        for (Part part : c.parts()) {
            Accepted first = before(s, new Sender(c.connectionId(), part.msgSerial()), 1, tx);
            if (first == null) {
                fresh.add(part);
            } else {
                // A request with nothing in it may have had the same number.
                known.put(
                        part,
                        first.positions().isEmpty()
                                ? Positions.START
                                : first.positions().getFirst());
            }
        }
        long made = Positions.START;
        if (!fresh.isEmpty()) {
            if (!joinable(fresh)) {
                return new TypeDiffers(c.serial());
            }
            // As one request for all of them, which is then kept for each.
            SessionOutcome outcome =
                    publish(new Publish(c.session(), c.time(), null, List.of(join(c.serial(), fresh))), s.id(), tx);
            if (!(outcome instanceof Accepted accepted)) {
                return outcome;
            }
            made = accepted.positions().getFirst();
            SessionState after = Objects.requireNonNull(tx.find(c.session()));
            for (Part part : fresh) {
                tx.keep(after, new Sender(c.connectionId(), part.msgSerial()), accepted.positions());
            }
        }
        List<Long> positions = new ArrayList<>(c.parts().size());
        for (Part part : c.parts()) {
            positions.add(known.getOrDefault(part, made));
        }
        return new Accepted(positions);
    }

    /** True if each part could be appended to the one before. */
    private static boolean joinable(List<Part> parts) {
        Shape shape = Shape.of(parts.getFirst().fragment());
        for (Part part : parts.subList(1, parts.size())) {
            if (!shape.takes(part.fragment())) {
                return false;
            }
            shape = shape.mixedWith(part.fragment(), true);
        }
        return true;
    }

    /** One append that says what all the parts say; of other fields than data, the last word counts. */
    private static Change join(long serial, List<Part> parts) {
        Part last = parts.getLast();
        Fold fold = new Fold(parts.getFirst().fragment(), 0);
        parts.subList(1, parts.size()).forEach(part -> fold.append(part.fragment()));
        return new Change(Action.APPEND, serial, fold.body(), last.operation(), last.any(), false, last.maxBytes());
    }

    private static SessionOutcome endRun(EndRun c, long position, SessionTx tx) {
        SessionState s = tx.find(c.session());
        Run run = s == null ? null : tx.run(s, c.runId());
        if (s == null || run == null || run.suspended() || !c.connectionId().equals(run.connectionId())) {
            return new NotAbandoned(c.runId());
        }
        // What has been deleted since it was found streaming, or is gone, needs not to be closed.
        List<MessageOp> open = c.messages().stream()
                .filter(message -> !(message instanceof Change change) || isThere(s, change, tx))
                .toList();
        var messages = new Publish(c.session(), c.time(), null, open, List.of(new RunNote.Ended(c.runId())));
        return publish(messages, position, tx);
    }

    private static boolean isThere(SessionState s, Change change, SessionTx tx) {
        Head head = tx.head(s, change.serial());
        return head != null && !head.isDeleted();
    }

    private static @Nullable OfPublish judge(Change change, Head before, Head after, @Nullable String connectionId) {
        if (!change.any()
                && (before.clientId() == null
                        || !before.clientId().equals(change.operation().clientId()))) {
            return new NotOwner(before.serial());
        }
        if (before.isDeleted() && !mayChangeDeleted(change, before, connectionId)) {
            return new Deleted(before.serial());
        }
        if (change.action() != Action.APPEND) {
            long size = after.shape().size();
            return size > change.maxBytes() ? new TooLarge(before.serial(), size) : null;
        }
        if (!before.shape().takes(change.body())) {
            return new TypeDiffers(before.serial());
        }
        // By what it was before: then a shorter append does not get in after one that was refused, which would leave a
        // hole,
        // and one that only closes the message always gets in.
        int data = before.shape().data();
        return after.shape().data() > data && data >= change.maxBytes()
                ? new TooLarge(before.serial(), after.shape().size())
                : null;
    }

    /**
     * An append comes from somebody who has not heard of the deletion. So does an update with which a client repairs appends
     * that were refused, whatever it is allowed to do: therefore not the message's author, but for an own deletion. To
     * delete it again would make it an own one.
     */
    private static boolean mayChangeDeleted(Change change, Head deleted, @Nullable String connectionId) {
        Operation deletion = deleted.operation();
        String deleter = deletion == null ? null : deletion.clientId();
        return change.action() != Action.APPEND
                && ((deleter != null && deleter.equals(change.operation().clientId()))
                        || (change.restores() && !deleted.isOf(change.operation(), connectionId)));
    }

    private static SessionState take(SessionState s, Step step, SessionTx tx) {
        return switch (step) {
            case Step.Made(Create message, Head head) -> {
                SessionState after = tx.add(s, head.entry(message.body()));
                if (message.ephemeral()) {
                    yield after;
                }
                tx.create(s, head, message.body());
                yield after.withBytes(s.bytes() + head.stored());
            }
            case Step.Changed(Change change, Head before, Head after) -> {
                Body shown;
                if (change.action() == Action.APPEND) {
                    tx.append(s, before, after, change.body());
                    shown = change.body().named(after.shape().name());
                } else {
                    shown = tx.replace(s, before, after, change.body());
                }
                MessageEntry entry =
                        after.entry(after.version(), change.action(), before.version(), shown, change.operation());
                if (after.annotated() && change.action() != Action.APPEND) {
                    entry = entry.with(tx.summaries(s, after.serial()));
                }
                yield tx.add(s, entry).withBytes(s.bytes() + after.stored() - before.stored());
            }
        };
    }

    // Presence.

    private static SessionOutcome changePresence(ChangePresence c, long position, SessionTx tx) {
        SessionState s = findOrMake(c, position, tx);
        Accepted first = before(s, c.sender(), c.events().size(), tx);
        if (first != null) {
            return first;
        }
        List<Long> positions = new ArrayList<>(c.events().size());
        List<PresenceEntry> entries = new ArrayList<>(c.events().size());
        Map<String, Optional<PresenceEntry>> members = new HashMap<>();
        int count = s.members();
        long last = s.last();
        for (PresenceOp event : c.events()) {
            PresenceEntry member = members.computeIfAbsent(
                            event.clientId(), id -> Optional.ofNullable(tx.member(s, c.connectionId(), id)))
                    .orElse(null);
            boolean leaves = event.action() == PresenceEntry.Action.LEAVE;
            if (member == null && leaves) {
                positions.add(Positions.START);
                continue;
            }
            if (member != null && !leaves && member.id().equals(event.id())) {
                positions.add(member.position());
                continue;
            }
            last = Positions.next(last, c.time());
            PresenceEntry entry = new PresenceEntry(
                    last, actionFor(event, member), event.id(), event.clientId(), c.connectionId(), event.body());
            entries.add(entry);
            positions.add(last);
            members.put(event.clientId(), leaves ? Optional.empty() : Optional.of(entry));
            count += leaves ? -1 : member == null ? 1 : 0;
        }
        if (count > s.members() && count > c.maxMembers()) {
            return new TooManyMembers(c.maxMembers());
        }
        SessionState now = s;
        for (PresenceEntry entry : entries) {
            tx.presence(now, entry);
            now = tx.add(now, entry);
        }
        now = now.withMembers(count);
        assert tx.countsItsMembers(now) : now;
        return accept(now, c.sender(), positions, tx);
    }

    private static PresenceEntry.Action actionFor(PresenceOp event, @Nullable PresenceEntry member) {
        return switch (event.action()) {
            case LEAVE -> PresenceEntry.Action.LEAVE;
            case UPDATE -> member == null ? PresenceEntry.Action.ENTER : PresenceEntry.Action.UPDATE;
            case ENTER, PRESENT -> PresenceEntry.Action.ENTER;
        };
    }

    // Annotations.

    private static SessionOutcome annotate(Annotate c, long position, SessionTx tx) {
        SessionState s = findOrMake(c, position, tx);
        Accepted first = before(s, c.sender(), c.annotations().size(), tx);
        if (first != null) {
            return first;
        }
        SessionOutcome refusal = AnnotationMachine.judge(s, c, tx);
        if (refusal != null) {
            return refusal;
        }
        List<Long> positions = new ArrayList<>(c.annotations().size());
        return accept(AnnotationMachine.annotate(s, c, positions, tx), c.sender(), positions, tx);
    }

    // Objects.

    private static SessionOutcome changeObjects(ChangeObjects c, long position, SessionTx tx) {
        SessionState s = findOrMake(c, position, tx);
        Accepted first = before(s, c.sender(), c.operations().size(), tx);
        if (first != null) {
            return first;
        }
        ObjectFold fold = new ObjectFold(tx.objects(s), c.limits());
        List<Long> positions = new ArrayList<>(c.operations().size());
        List<ObjectEntry> entries = new ArrayList<>(c.operations().size());
        Map<String, List<Long>> ids = new LinkedHashMap<>();
        long last = s.last();
        for (ObjectOp op : c.operations()) {
            String id = op.unique() ? op.id() : null;
            List<Long> known = id == null || ids.containsKey(id) ? null : tx.objectChanges(s, id);
            if (known != null) {
                positions.add(known.getLast());
                continue;
            }
            last = Positions.next(last, c.time());
            ObjectRefusal refusal = fold.apply(last, op.operation());
            if (refusal != null) {
                return new ObjectRefused(refusal);
            }
            entries.add(new ObjectEntry(last, op.id(), op.clientId(), op.connectionId(), op.extras(), op.operation()));
            positions.add(last);
            if (id != null) {
                ids.computeIfAbsent(id, fresh -> new ArrayList<>()).add(last);
            }
        }
        // Whatever the clock of the node says that submitted this, the session has been here before.
        long time = Math.max(c.time(), Positions.millis(s.last()));
        if (fold.collectionDue(time)) {
            for (ObjectOperation orphan : fold.collect(time)) {
                last = Positions.next(last, time);
                ObjectRefusal refusal = fold.apply(last, orphan);
                if (refusal != null) {
                    throw new IllegalStateException("an orphan cannot be deleted: " + refusal);
                }
                entries.add(new ObjectEntry(last, null, null, null, null, orphan));
            }
        }
        tx.changeObjects(s, fold.draft());
        ids.forEach((id, changes) -> tx.keepObjectId(s, id, changes, time));
        SessionState now = s;
        for (ObjectEntry entry : entries) {
            now = tx.add(now, entry);
        }
        return accept(now, c.sender(), positions, tx);
    }

    private static void leave(SessionState s, Leave c, SessionTx tx) {
        letLeave(s, c.connectionId(), c.time(), tx);
        if (c.forget()) {
            AttendanceMachine.forget(s, c, tx);
        }
    }

    private static void depart(SessionState s, Depart c, SessionTx tx) {
        Attendance due = AttendanceMachine.due(s, c, tx);
        if (due != null) {
            if (due.membersLeave(c.time())) {
                letLeave(s, c.connectionId(), c.time(), tx);
            }
            AttendanceMachine.depart(s, due, c, tx);
        }
    }

    private static void letLeave(SessionState s, String connectionId, long time, SessionTx tx) {
        SessionState now = s;
        for (PresenceEntry member : tx.members(s, connectionId)) {
            long at = Positions.next(now.last(), time);
            PresenceEntry entry = new PresenceEntry(
                    at,
                    PresenceEntry.Action.LEAVE,
                    leaveId(at, connectionId),
                    member.clientId(),
                    member.connectionId(),
                    member.body());
            tx.presence(now, entry);
            now = tx.add(now, entry).withMembers(now.members() - 1);
        }
        assert tx.countsItsMembers(now) : now;
        if (!now.equals(s)) {
            tx.put(now);
        }
    }

    /** An id that does not start with the connection's, by which clients know that the server made it. */
    private static String leaveId(long position, String connectionId) {
        String id = position + ":leave";
        return id.startsWith(connectionId) ? "-" + id : id;
    }

    // Storage.

    /** Removes what came up to {@code upTo}, and further messages while the session takes more than {@code maxBytes}. */
    private static void removeOldest(SessionState s, long upTo, long maxBytes, SessionTx tx) {
        long horizon = Math.min(upTo, s.last());
        SessionTx.Oldest oldest = tx.oldest(s, horizon, maxBytes, MAX_TRIMMED);
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

    private static void compact(SessionState s, Compact c, SessionTx tx) {
        Head head = tx.head(s, c.serial());
        if (head != null && head.inPieces() && head.version() == c.version()) {
            Head joined = head.joined();
            tx.join(s, head, joined);
            tx.put(s.withBytes(s.bytes() + joined.stored() - head.stored()));
        }
    }
}
