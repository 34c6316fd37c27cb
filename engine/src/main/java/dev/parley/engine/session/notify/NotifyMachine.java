package dev.parley.engine.session.notify;

import dev.parley.engine.session.Notification;
import dev.parley.engine.session.Notification.About;
import dev.parley.engine.session.Notification.Event;
import dev.parley.engine.session.Notification.MessageUnseen;
import dev.parley.engine.session.Notification.RequestOpened;
import dev.parley.engine.session.Notification.RunFinished;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Seen;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.run.RunMachine;
import dev.parley.engine.session.run.RunTx;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the application of a session is to be told: decided in the step that is the cause of it. Pure, as SessionMachine, which calls
 * it.
 */
public final class NotifyMachine {
    /** How many notifications of one session wait at a time; of more, the oldest is given up. */
    public static final int MAX_PENDING = 200;

    /** In a session in which more than so many take part, nobody is told of messages. */
    public static final int MAX_PEOPLE = 100;

    private static final int TIME_DIGITS = 12;

    private NotifyMachine() {}

    /** What a command has to do with notifications, once it was applied. */
    private static final class Step {
        private final SessionState s;
        private final NotifyRule rule;
        private final long time;
        private final long position;
        private final NotifyTx tx;
        private int made;

        Step(SessionState s, NotifyRule rule, long time, long position, NotifyTx tx) {
            this.s = s;
            this.rule = rule;
            this.time = time;
            this.position = position;
            this.tx = tx;
        }

        String add(About about, List<String> clientIds, List<String> grants) {
            List<Notification> pending = tx.all(s);
            if (pending.size() >= MAX_PENDING) {
                giveUp(s, rule, pending.getFirst(), time, tx);
            }
            String id = id(time, position, made++);
            tx.put(s, new Notification(s.name(), id, about, clientIds, grants, time));
            return id;
        }

        void unseen(long serial, @Nullable String name, @Nullable String author) {
            List<String> people = tx.participants(s, MAX_PEOPLE + 1);
            if (people.size() > MAX_PEOPLE) {
                return;
            }
            Set<String> excused = tx.excused(s);
            for (String clientId : people) {
                if (!clientId.equals(author)
                        && !excused.contains(clientId)
                        && !tx.isAgent(s, clientId)
                        && tx.told(s, clientId) == null) {
                    String id = add(new MessageUnseen(serial, name, author), List.of(clientId), List.of());
                    tx.putTold(s, clientId, id);
                }
            }
        }
    }

    /** Ids sort by time. */
    private static String id(long time, long position, int number) {
        String millis = Long.toHexString(time);
        return "n" + "0".repeat(Math.max(0, TIME_DIGITS - millis.length())) + millis + "-" + Long.toHexString(position)
                + "-" + Integer.toHexString(number);
    }

    /**
     * Makes notifications of what a command has done.
     *
     * @param now the session after the command; null if there is none any more
     * @param last the last position of the session before the command
     * @param position of the command in the journal
     */
    public static void heed(
            @Nullable SessionState now,
            SessionCommand<?> command,
            SessionOutcome outcome,
            long last,
            long position,
            NotifyTx tx) {
        List<RunTx.Finished> finished = tx.runs().takeFinished();
        List<Long> settled = tx.runs().takeSettled();
        List<String> asked = tx.requests().takeAsked();
        List<String> closed = tx.requests().takeClosed();
        if (now == null) {
            return;
        }
        if (command instanceof ChangePresence c && outcome instanceof Accepted(List<Long> positions)) {
            arrived(now, c, positions, last, tx);
        }
        NotifyRule rule = tx.mayBeNews() ? tx.rule(now) : null;
        if (rule == null) {
            return;
        }
        var step = new Step(now, rule, command.time(), position, tx);
        if (rule.wants(Event.RUN_FINISHED)) {
            finished.forEach(end -> finished(end, step));
        }
        if (rule.wants(Event.REQUEST_OPENED)) {
            asked.forEach(id -> asked(id, step));
            closed.forEach(id -> closed(id, step));
        }
        if (rule.wants(Event.MESSAGE_UNSEEN)) {
            if (command instanceof Publish c
                    && outcome instanceof Accepted(List<Long> positions)
                    && isNew(positions, last)) {
                said(c, positions, last, step);
            }
            for (long serial : settled) {
                Head head = tx.head(now, serial);
                if (head != null && !head.isDeleted()) {
                    step.unseen(serial, head.shape().name(), head.clientId());
                }
            }
        }
    }

    /** Not so if the request was made before; the outcome may even be that of another one. */
    private static boolean isNew(List<Long> positions, long last) {
        return positions.stream().anyMatch(at -> at > last);
    }

    private static void finished(RunTx.Finished end, Step step) {
        String clientId = end.run().startedBy();
        if (clientId != null && step.tx.participates(step.s, clientId)) {
            step.add(new RunFinished(end.run().id(), end.reason()), List.of(clientId), List.of());
        }
    }

    private static void asked(String id, Step step) {
        SessionRequest request = step.tx.request(step.s, id);
        if (request != null && request.isOpen()) {
            SessionRequest.Terms terms = request.terms();
            var about = new RequestOpened(id, terms.kind(), terms.title(), terms.runId(), terms.due());
            step.add(about, terms.clientIds(), terms.grants());
        }
    }

    /** Nobody needs to be told any longer. */
    private static void closed(String id, Step step) {
        SessionRequest request = step.tx.request(step.s, id);
        for (Notification notification : step.tx.all(step.s)) {
            if (notification.about() instanceof RequestOpened about
                    && about.requestId().equals(id)
                    && (request == null || !request.isOpen())) {
                step.tx.remove(step.s, notification);
            }
        }
    }

    private static void arrived(SessionState s, ChangePresence c, List<Long> positions, long last, NotifyTx tx) {
        for (int i = 0; isNew(positions, last) && i < positions.size(); i++) {
            PresenceOp event = c.events().get(i);
            if (event.action() != PresenceEntry.Action.LEAVE && positions.get(i) > last) {
                seen(s, event.clientId(), tx);
            }
        }
    }

    private static void said(Publish c, List<Long> positions, long last, Step step) {
        for (RunNote note : c.runs()) {
            if (note instanceof RunNote.Active active
                    && active.opens()
                    && positions.getFirst() > last
                    && c.messages().getFirst() instanceof Create start
                    && start.clientId() != null
                    && step.tx.participates(step.s, start.clientId())) {
                step.tx.putAgent(step.s, start.clientId());
            }
        }
        for (int i = 0; i < positions.size(); i++) {
            if (c.messages().get(i) instanceof Create message && positions.get(i) > last) {
                if (message.clientId() != null) {
                    seen(step.s, message.clientId(), step.tx);
                }
                String name = message.body().name();
                // What is still being streamed is said when it is complete.
                if (!message.ephemeral()
                        && !step.tx.runs().isStreaming(step.s, positions.get(i))
                        && (name == null || !step.rule.aside().contains(name))) {
                    step.unseen(positions.get(i), name, message.clientId());
                }
            }
        }
    }

    /** A client is there: it needs not to be told of what it has not seen, and is told of what it will not see. */
    private static void seen(SessionState s, String clientId, NotifyTx tx) {
        String id = tx.told(s, clientId);
        if (id != null) {
            tx.removeTold(s, clientId);
            Notification pending = tx.find(s, id);
            if (pending != null) {
                tx.remove(s, pending);
            }
        }
    }

    /** A client has read what was said. */
    public static void seen(SessionState s, Seen c, NotifyTx tx) {
        seen(s, c.clientId(), tx);
    }

    /** Takes note of what has become of a notification. */
    public static void settle(SessionState s, SettleNotification c, NotifyTx tx) {
        Notification notification = tx.find(s, c.id());
        NotifyRule rule = tx.rule(s);
        if (notification == null || rule == null) {
            return;
        }
        switch (c.fate()) {
            case DELIVERED, UNWANTED -> tx.remove(s, notification);
            case GIVEN_UP -> giveUp(s, rule, notification, c.time(), tx);
            case FAILED -> {
                // What was said of an earlier attempt comes too late.
                if (notification.attempts() == c.attempt()) {
                    if (notification.attempts() + 1 < Notification.MAX_ATTEMPTS) {
                        tx.put(s, notification.failed(c.dueAt()));
                    } else {
                        giveUp(s, rule, notification, c.time(), tx);
                    }
                }
            }
        }
    }

    private static void giveUp(SessionState s, NotifyRule rule, Notification notification, long time, NotifyTx tx) {
        tx.remove(s, notification);
        SessionState now = tx.now(s);
        RunMachine.say(
                now,
                time,
                s.id() + ":notify:" + notification.id(),
                rule.gaveUp().about(notification.id(), time),
                tx.runs());
    }

    /** The application wants to be told of other things than before. */
    public static void ruled(SessionState s, @Nullable NotifyRule before, NotifyTx tx) {
        NotifyRule rule = tx.rule(s);
        if (!Objects.equals(rule, before)) {
            for (Notification notification : tx.all(s)) {
                if (rule == null || !rule.wants(notification.about().event())) {
                    tx.remove(s, notification);
                }
            }
            if (rule == null || !rule.wants(Event.MESSAGE_UNSEEN)) {
                tx.removeAllTold(s);
            }
        }
    }
}
