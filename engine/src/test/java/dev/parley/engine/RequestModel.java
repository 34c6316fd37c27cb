package dev.parley.engine;

import dev.parley.engine.SessionModel.Call;
import dev.parley.engine.SessionModel.Room;
import dev.parley.engine.SessionModel.Version;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What people are asked in the rooms of a {@link SessionModel}, and what they decide. */
final class RequestModel {
    private RequestModel() {}

    static Object ask(Ask c, Room room) {
        SessionRequest known = room.requests.get(c.requestId());
        if (known != null && !known.terms().equals(c.terms())) {
            return new SessionOutcome.OtherRequest(c.requestId());
        }
        if (known != null) {
            return new SessionOutcome.Accepted(List.of(known.since()));
        }
        long at = said(room, c.requestId(), c.notice(), c.time());
        about(room, c.terms().runId(), c.terms().toolCallId())
                .filter(before -> before.status() == Status.OPEN)
                .ifPresent(before -> close(room, before, Status.WITHDRAWN, c.time()));
        open(room, new SessionRequest(c.session(), c.requestId(), c.terms(), at, Status.OPEN, 0, List.of()));
        return new SessionOutcome.Accepted(List.of(at));
    }

    private static void open(Room room, SessionRequest request) {
        room.requests.put(request.id(), request);
        room.notify.asked(request.id());
        Terms terms = request.terms();
        if (terms.runId() != null && terms.toolCallId() != null) {
            Call call = room.calls.get(List.of(terms.runId(), terms.toolCallId()));
            room.calls.put(
                    List.of(terms.runId(), terms.toolCallId()),
                    new Call(
                            call == null ? 0 : call.serial(),
                            call == null ? terms.title() : call.tool(),
                            request.id()));
        }
    }

    private static long said(Room room, String requestId, Body notice, long time) {
        return (Long) SessionModel.create(room, time, SessionModel.saying(room.id + ":request:" + requestId, notice));
    }

    private static Optional<SessionRequest> about(Room room, @Nullable String runId, @Nullable String toolCallId) {
        Call call = runId == null || toolCallId == null ? null : room.calls.get(List.of(runId, toolCallId));
        return call == null || call.requestId() == null
                ? Optional.empty()
                : Optional.ofNullable(room.requests.get(call.requestId()));
    }

    private static boolean isOver(SessionRequest request, long time) {
        return request.terms().due() > 0 && request.terms().due() <= time;
    }

    private static Status atTheEnd(SessionRequest request) {
        return switch (request.terms().whenDue()) {
            case EXPIRE -> Status.EXPIRED;
            case APPROVE -> Status.APPROVED;
            case DENY -> Status.DENIED;
        };
    }

    private static void close(Room room, SessionRequest request, Status how, long time) {
        close(room, request, how, time, List.of());
    }

    private static void close(Room room, SessionRequest request, Status how, long time, List<Create> answer) {
        RunTexts.Notice notice = request.terms().notice();
        if (notice != null) {
            ended(room, request.id(), notice, how, time);
        }
        answer.forEach(message -> SessionModel.create(room, time, message));
        closed(room, request, request.decisions(), how, room.last);
    }

    private static long ended(Room room, String id, RunTexts.Notice notice, Status how, long time) {
        String data = notice.start() + how.toString().toLowerCase(Locale.ROOT) + notice.middle() + time + notice.rest();
        return said(room, id, new Body(notice.name(), Data.of(data), notice.encoding(), null), time);
    }

    private static void closed(Room room, SessionRequest request, List<Decision> decisions, Status how, long at) {
        // A decision may leave it open.
        if (how != Status.OPEN) {
            room.notify.answered(request.id());
        }
        room.requests.put(
                request.id(),
                new SessionRequest(
                        request.session(), request.id(), request.terms(), request.since(), how, at, decisions));
    }

    /** What a request comes to with one more decision. */
    private static Status comesTo(SessionRequest request, Verdict verdict) {
        if (verdict == Verdict.DENY) {
            return Status.DENIED;
        }
        return request.decisions().size() + 1 < request.terms().quorum()
                ? Status.OPEN
                : verdict == Verdict.APPROVE ? Status.APPROVED : Status.ANSWERED;
    }

    private static List<Decision> and(SessionRequest request, Decision decision) {
        List<Decision> all = new ArrayList<>(request.decisions());
        all.add(decision);
        return all;
    }

    private static @Nullable Object refused(SessionRequest request, Decision decision, List<String> grants, long time) {
        Terms terms = request.terms();
        boolean fits = (terms.kind() == Kind.APPROVAL) != (decision.verdict() == Verdict.ANSWER);
        boolean isAsked = terms.clientIds().contains(String.valueOf(decision.clientId()))
                || grants.stream().anyMatch(terms.grants()::contains)
                || (terms.clientIds().isEmpty() && terms.grants().isEmpty());
        if (!fits || !isAsked) {
            return new SessionOutcome.NotAsked(request.id());
        }
        boolean again = request.decisions().stream()
                .anyMatch(d -> decision.clientId() == null
                        ? d.clientId() == null && d.key().equals(decision.key())
                        : decision.clientId().equals(d.clientId()));
        if (request.status() != Status.OPEN || again) {
            return new SessionOutcome.AlreadyDecided(request);
        }
        return isOver(request, time)
                ? new SessionOutcome.AlreadyDecided(new SessionRequest(
                        request.session(),
                        request.id(),
                        terms,
                        request.since(),
                        atTheEnd(request),
                        0,
                        request.decisions()))
                : null;
    }

    static Object decide(Decide c, Room room) {
        SessionRequest request = room.requests.get(c.requestId());
        if (request == null) {
            return new SessionOutcome.NoSuchRequest(c.requestId());
        }
        Decision decision = c.decision();
        boolean sentAgain = request.decisions().stream()
                .anyMatch(d -> d.id().equals(decision.id())
                        && Objects.equals(d.clientId(), decision.clientId())
                        && (d.clientId() != null || d.key().equals(decision.key())));
        if (sentAgain) {
            return new SessionOutcome.Accepted(
                    List.of(request.status() == Status.OPEN ? request.since() : request.closed()));
        }
        Object refusal = refused(request, decision, c.grants(), c.time());
        if (refusal != null) {
            return refusal;
        }
        Status status = comesTo(request, decision.verdict());
        RunTexts.Notice notice = request.terms().notice();
        if (notice != null) {
            said(room, request.id(), c.notice(), c.time());
        }
        if (status != Status.OPEN) {
            if (notice != null) {
                ended(room, request.id(), notice, status, c.time());
            }
            c.answer().forEach(op -> SessionModel.create(room, c.time(), (Create) op));
        }
        closed(room, request, and(request, decision), status, status == Status.OPEN ? 0 : room.last);
        return new SessionOutcome.Accepted(List.of(room.last));
    }

    /** What refuses a publication that answers what is no longer asked, or null. */
    static @Nullable Object lateAnswer(Publish c, Room room) {
        Set<String> answered = new HashSet<>();
        for (RunNote note : c.runs()) {
            if (note instanceof RunNote.Decided n && c.messages().get(n.message()) instanceof Create m) {
                SessionRequest request = about(room, n.runId(), n.toolCallId()).orElse(null);
                if (request != null && !(m.unique() && room.ids.containsKey(m.id()))) {
                    Object refusal = refused(request, decision(c, n, m), n.grants(), c.time());
                    if (refusal != null) {
                        return refusal;
                    }
                    if (request.terms().quorum() != 1 || !answered.add(request.id())) {
                        return new SessionOutcome.NotAsked(request.id());
                    }
                }
            }
        }
        return null;
    }

    private static Decision decision(Publish c, RunNote.Decided n, Create m) {
        return new Decision(
                m.id() == null ? "" : m.id(),
                n.approved() ? Verdict.APPROVE : Verdict.DENY,
                m.clientId(),
                n.key(),
                c.time(),
                m.connectionId(),
                null,
                n.comment(),
                null);
    }

    static void asked(RunNote.Asked n, Publish c, long last, List<Long> positions, Room room) {
        if (positions.get(n.message()) <= last || !(c.messages().get(n.message()) instanceof Create m)) {
            return;
        }
        SessionRequest known = room.requests.get(n.requestId());
        boolean isSame = known != null
                && n.runId().equals(known.terms().runId())
                && n.toolCallId().equals(known.terms().toolCallId());
        SessionRequest before = about(room, n.runId(), n.toolCallId())
                .filter(request -> request.status() == Status.OPEN)
                .orElse(null);
        boolean isStricter = before != null && before.terms().notice() != null;
        if (isSame || isStricter || (known != null && known.status() == Status.OPEN)) {
            return;
        }
        if (before != null) {
            close(room, before, Status.WITHDRAWN, c.time());
        }
        if (known != null) {
            gone(room, known);
        }
        Call call = room.calls.get(List.of(n.runId(), n.toolCallId()));
        Terms terms = new Terms(
                Kind.APPROVAL,
                call == null ? "" : call.tool(),
                m.clientId(),
                n.runId(),
                n.messageId(),
                n.toolCallId(),
                call == null ? null : text(room, call.serial()),
                List.of(),
                1,
                0,
                WhenDue.EXPIRE,
                null);
        open(
                room,
                new SessionRequest(
                        c.session(), n.requestId(), terms, positions.get(n.message()), Status.OPEN, 0, List.of()));
    }

    private static @Nullable String text(Room room, long serial) {
        List<Version> versions = room.messages.get(serial);
        MessageEntry whole = versions == null ? null : versions.getLast().whole();
        Data data = whole == null || whole.action() == Action.DELETE
                ? null
                : whole.body().data();
        return data == null || !data.text() ? null : data.asText();
    }

    /** What whoever has asked is told when nobody has decided in time. */
    private static List<Create> whenDue(Room room, SessionRequest request) {
        return request.terms().dueAnswer() == null
                ? List.of()
                : List.of(SessionModel.saying(
                        room.id + ":request:" + request.id() + ":due",
                        request.terms().dueAnswer().body()));
    }

    static Object expire(ExpireRequest c, Room room) {
        SessionRequest request = room.requests.get(c.requestId());
        if (request != null && request.status() == Status.OPEN && isOver(request, c.time())) {
            close(room, request, atTheEnd(request), c.time(), whenDue(room, request));
        }
        return new SessionOutcome.Done();
    }

    static void called(RunNote.Called n, List<Long> positions, Room room) {
        List<String> key = List.of(n.runId(), n.toolCallId());
        Call before = room.calls.get(key);
        if (room.runs.containsKey(n.runId())) {
            String requestId = before == null ? null : before.requestId();
            room.calls.put(key, new Call(positions.get(n.message()), n.tool(), requestId));
        }
    }

    static void decided(RunNote.Decided n, Publish c, long last, List<Long> positions, Room room) {
        SessionRequest request = about(room, n.runId(), n.toolCallId()).orElse(null);
        if (request != null
                && request.status() == Status.OPEN
                && request.terms().quorum() == 1
                && positions.get(n.message()) > last
                && c.messages().get(n.message()) instanceof Create m) {
            Decision decision = decision(c, n, m);
            closed(
                    room,
                    request,
                    and(request, decision),
                    comesTo(request, decision.verdict()),
                    positions.get(n.message()));
        }
    }

    static void runEnded(String runId, long time, Room room) {
        List.copyOf(room.requests.values()).stream()
                .filter(request -> request.status() == Status.OPEN
                        && runId.equals(request.terms().runId()))
                .forEach(request -> close(room, request, Status.WITHDRAWN, time));
        room.calls
                .entrySet()
                .removeIf(call -> call.getKey().getFirst().equals(runId)
                        && call.getValue().requestId() == null);
    }

    static void trim(long horizon, Room room) {
        List.copyOf(room.requests.values()).stream()
                .filter(request -> request.status() != Status.OPEN && request.closed() <= horizon)
                .forEach(request -> gone(room, request));
    }

    private static void gone(Room room, SessionRequest request) {
        room.requests.remove(request.id());
        room.calls.values().removeIf(call -> request.id().equals(call.requestId()));
    }
}
