package dev.parley.engine;

import dev.parley.engine.SessionModel.Room;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What the applications of the rooms of a {@link SessionModel} are to be told. Shares no code with the state machine. */
final class NotifyModel {
    private static final int ATTEMPTS = 64;

    /** What is to be told, by id. */
    final TreeMap<String, Notification> pending = new TreeMap<>();

    /** Who was told of a message, or is to be, and has not come since; with the id. */
    final Map<String, String> told = new HashMap<>();

    /** Clients that have begun runs. */
    final Set<String> runners = new HashSet<>();

    // What the present command has done.

    private record End(
            String runId, @Nullable String by, @Nullable String reason) {}

    private final List<End> ended = new ArrayList<>();
    private final List<Long> complete = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final List<String> answered = new ArrayList<>();

    NotifyModel copy() {
        NotifyModel copy = new NotifyModel();
        copy.pending.putAll(pending);
        copy.told.putAll(told);
        copy.runners.addAll(runners);
        return copy;
    }

    void ended(String runId, @Nullable String by, @Nullable String reason) {
        ended.add(new End(runId, by, reason));
    }

    void complete(long serial) {
        complete.add(serial);
    }

    void asked(String requestId) {
        asked.add(requestId);
    }

    void answered(String requestId) {
        answered.add(requestId);
    }

    /** Of everything that is no longer wanted, nothing is left. */
    void ruled(@Nullable NotifyRule rule) {
        pending.values()
                .removeIf(each ->
                        rule == null || !rule.events().contains(each.about().event()));
        if (rule == null || !rule.events().contains(Notification.Event.MESSAGE_UNSEEN)) {
            told.clear();
            runners.clear();
        }
    }

    /** @param told whether the command says what the application wants to be told */
    void heed(
            SessionName session,
            Room room,
            SessionCommand<?> command,
            Object outcome,
            long last,
            long position,
            boolean told) {
        if (command instanceof ChangePresence c
                && outcome instanceof SessionOutcome.Accepted(List<Long> positions)
                && positions.stream().anyMatch(at -> at > last)) {
            for (int i = 0; i < positions.size(); i++) {
                if (positions.get(i) > last && c.events().get(i).action() != PresenceEntry.Action.LEAVE) {
                    seen(c.events().get(i).clientId());
                }
            }
        }
        NotifyRule rule = told ? room.wakes.rule() : null;
        List<Notification.Event> wanted = rule == null ? List.of() : rule.events();
        var ids = new Ids(command.time(), position);
        if (wanted.contains(Notification.Event.RUN_FINISHED)) {
            for (End end : ended) {
                if (end.by != null && room.participants.contains(end.by)) {
                    add(session, ids, new Notification.RunFinished(end.runId, end.reason), List.of(end.by), List.of());
                }
            }
        }
        if (wanted.contains(Notification.Event.REQUEST_OPENED)) {
            asked.forEach(id -> asked(session, room.requests.get(id), ids));
            for (String id : answered) {
                SessionRequest request = room.requests.get(id);
                if (request == null || request.status() != SessionRequest.Status.OPEN) {
                    pending.values()
                            .removeIf(each -> each.about() instanceof Notification.RequestOpened about
                                    && about.requestId().equals(id));
                }
            }
        }
        if (rule != null && wanted.contains(Notification.Event.MESSAGE_UNSEEN)) {
            if (outcome instanceof SessionOutcome.Accepted(List<Long> positions)
                    && positions.stream().anyMatch(at -> at > last)) {
                heard(session, room, command, positions, last, ids, rule);
            }
            for (long serial : complete) {
                MessageEntry whole = room.messageAt(serial, Long.MAX_VALUE);
                if (whole != null && whole.action() != MessageEntry.Action.DELETE) {
                    unseen(session, room, serial, whole.body().name(), whole.clientId(), ids);
                }
            }
        }
        forgetCauses();
    }

    void forgetCauses() {
        ended.clear();
        complete.clear();
        asked.clear();
        answered.clear();
    }

    private void asked(SessionName session, @Nullable SessionRequest request, Ids ids) {
        if (request != null && request.status() == SessionRequest.Status.OPEN) {
            SessionRequest.Terms terms = request.terms();
            add(
                    session,
                    ids,
                    new Notification.RequestOpened(
                            request.id(), terms.kind(), terms.title(), terms.runId(), terms.due()),
                    terms.clientIds(),
                    terms.grants());
        }
    }

    private void heard(
            SessionName session,
            Room room,
            SessionCommand<?> command,
            List<Long> positions,
            long last,
            Ids ids,
            NotifyRule rule) {
        if (command instanceof Publish c) {
            boolean opens = c.runs().stream().anyMatch(note -> note instanceof RunNote.Active n && n.opens());
            if (opens
                    && positions.getFirst() > last
                    && c.messages().getFirst() instanceof Create first
                    && first.clientId() != null
                    && room.participants.contains(first.clientId())) {
                runners.add(first.clientId());
            }
            for (int i = 0; i < positions.size(); i++) {
                if (positions.get(i) > last && c.messages().get(i) instanceof Create m) {
                    if (m.clientId() != null) {
                        seen(m.clientId());
                    }
                    boolean counts = !m.ephemeral()
                            && !room.open.containsKey(positions.get(i))
                            && !rule.aside().contains(String.valueOf(m.body().name()));
                    if (counts) {
                        unseen(session, room, positions.get(i), m.body().name(), m.clientId(), ids);
                    }
                }
            }
        }
    }

    private void unseen(
            SessionName session, Room room, long serial, @Nullable String name, @Nullable String author, Ids ids) {
        Set<String> missing = new TreeSet<>(room.participants);
        room.members.keySet().forEach(member -> missing.remove(member.clientId()));
        room.wakes.agents().stream().map(Agent::id).forEach(missing::remove);
        missing.removeAll(runners);
        missing.removeAll(told.keySet());
        for (String clientId : missing) {
            if (!clientId.equals(author)) {
                told.put(
                        clientId,
                        add(
                                session,
                                ids,
                                new Notification.MessageUnseen(serial, name, author),
                                List.of(clientId),
                                List.of()));
            }
        }
    }

    void seen(String clientId) {
        String id = told.remove(clientId);
        if (id != null) {
            pending.remove(id);
        }
    }

    void settle(Room room, SettleNotification c) {
        Notification known = pending.get(c.id());
        if (known == null) {
            return;
        }
        boolean isLast = known.attempts() == c.attempt() && known.attempts() == ATTEMPTS - 1;
        switch (c.fate()) {
            case DELIVERED, UNWANTED -> pending.remove(c.id());
            case GIVEN_UP -> giveUp(room, c);
            case FAILED -> {
                if (isLast) {
                    giveUp(room, c);
                } else if (known.attempts() == c.attempt()) {
                    pending.put(
                            c.id(),
                            new Notification(
                                    known.session(),
                                    known.id(),
                                    known.about(),
                                    known.clientIds(),
                                    known.grants(),
                                    known.createdAt(),
                                    known.attempts() + 1,
                                    c.dueAt()));
                }
            }
        }
    }

    private void giveUp(Room room, SettleNotification c) {
        NotifyRule rule = room.wakes.rule();
        pending.remove(c.id());
        if (rule != null) {
            RunTexts.Notice notice = rule.gaveUp();
            String data = notice.start() + c.id() + notice.middle() + c.time() + notice.rest();
            Body body = new Body(notice.name(), Data.of(data), notice.encoding(), null);
            SessionModel.create(room, c.time(), SessionModel.saying(room.id + ":notify:" + c.id(), body));
        }
    }

    private String add(
            SessionName session, Ids ids, Notification.About about, List<String> clientIds, List<String> grants) {
        String id = ids.next();
        pending.put(id, new Notification(session, id, about, clientIds, grants, ids.time, 0, ids.time));
        return id;
    }

    private static final class Ids {
        private final long time;
        private final long position;
        private int count;

        Ids(long time, long position) {
            this.time = time;
            this.position = position;
        }

        String next() {
            return "n%012x-%x-%x".formatted(time, position, count++);
        }
    }
}
