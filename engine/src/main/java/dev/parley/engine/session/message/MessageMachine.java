package dev.parley.engine.session.message;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome.Deleted;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.NotOwner;
import dev.parley.engine.session.SessionOutcome.OfPublish;
import dev.parley.engine.session.SessionOutcome.TooLarge;
import dev.parley.engine.session.SessionOutcome.TypeDiffers;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.message.Head.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The rules for publishing and changing messages. Pure, like SessionMachine, which calls it. */
public final class MessageMachine {
    private MessageMachine() {}

    /** An operation that was accepted, with the message before and after it. */
    private sealed interface Step {
        record Made(Create message, Head after) implements Step {}

        record Changed(Change change, Head before, Head after) implements Step {}
    }

    /** Publishes everything to {@code session} that was not published before. */
    public static OfPublish publish(SessionState session, Publish c, MessageTx tx) {
        SessionState s = session;
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
                    // Clients distinguish a change from the creation by their times.
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
        return tx.batch().accept(s, positions);
    }

    /** Adds a message that a session has from another one, at the position that it has there, behind all others. */
    public static SessionState inherit(SessionState s, long serial, Create message, MessageTx tx) {
        return take(s, new Step.Made(message, Head.of(message, serial)), tx);
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
        // The size before the append counts. A shorter append is then not accepted after one that was refused, which
        // would leave a hole, and an append that only closes the message is always accepted.
        int data = before.shape().data();
        return after.shape().data() > data && data >= change.maxBytes()
                ? new TooLarge(before.serial(), after.shape().size())
                : null;
    }

    /**
     * Whether a change of a deleted message is accepted. Appends come from clients that do not know of the deletion. So
     * do updates with which clients repair refused appends, whatever their capabilities allow. Therefore the message's
     * author may not change it, unless the author deleted it. To delete it again would make it the author's own
     * deletion.
     */
    private static boolean mayChangeDeleted(Change change, Head deleted, @Nullable String connectionId) {
        Operation deletion = deleted.operation();
        String deleter = deletion == null ? null : deletion.clientId();
        return change.action() != Action.APPEND
                && ((deleter != null && deleter.equals(change.operation().clientId()))
                        || (change.restores() && !deleted.isOf(change.operation(), connectionId)));
    }

    private static SessionState take(SessionState s, Step step, MessageTx tx) {
        return switch (step) {
            case Step.Made(Create message, Head head) -> {
                SessionState after = tx.batch().add(s, head.entry(message.body()));
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
                yield tx.batch().add(s, entry).withBytes(s.bytes() + after.stored() - before.stored());
            }
        };
    }

    /** Whether each part could be appended to the one before. */
    public static boolean joinable(List<Part> parts) {
        Shape shape = Shape.of(parts.getFirst().fragment());
        for (Part part : parts.subList(1, parts.size())) {
            if (!shape.takes(part.fragment())) {
                return false;
            }
            shape = shape.mixedWith(part.fragment(), true);
        }
        return true;
    }

    /** One append with the content of all parts. Of fields other than data, the last one counts. */
    public static Change join(long serial, List<Part> parts) {
        Part last = parts.getLast();
        Fold fold = new Fold(parts.getFirst().fragment(), 0);
        parts.subList(1, parts.size()).forEach(part -> fold.append(part.fragment()));
        return new Change(Action.APPEND, serial, fold.body(), last.operation(), last.any(), false, last.maxBytes());
    }

    /** Merges the pieces of a message, unless it has changed. */
    public static void compact(SessionState s, Compact c, MessageTx tx) {
        Head head = tx.head(s, c.serial());
        if (head != null && head.inPieces() && head.version() == c.version()) {
            Head joined = head.joined();
            tx.join(s, head, joined);
            tx.batch().put(s.withBytes(s.bytes() + joined.stored() - head.stored()));
        }
    }
}
