package dev.parley.engine.session.request;

import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Asked;
import dev.parley.engine.session.RunNote.Called;
import dev.parley.engine.session.RunNote.Decided;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.AlreadyDecided;
import dev.parley.engine.session.SessionOutcome.NoSuchRequest;
import dev.parley.engine.session.SessionOutcome.NotAsked;
import dev.parley.engine.session.SessionOutcome.OfAnswer;
import dev.parley.engine.session.SessionOutcome.OfAsk;
import dev.parley.engine.session.SessionOutcome.OfDecide;
import dev.parley.engine.session.SessionOutcome.OtherRequest;
import dev.parley.engine.session.SessionOutcome.TooManyRequests;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.DueAnswer;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.message.MessageMachine;
import dev.parley.engine.session.request.RequestRows.Call;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What people are asked, and whose answer counts: the first valid one in the order of the log. Pure, as SessionMachine, which
 * calls it.
 *
 * <p>When a request is due decides, and not when somebody notices: nobody may answer from then on, although the request is
 * closed only by the command that says so.
 */
public final class RequestMachine {
    /** How many requests of one session may be open at a time. */
    public static final int MAX_OPEN = 100;

    /** How many closed requests of one session are kept; then the oldest are forgotten. */
    public static final int MAX_CLOSED = 1_000;

    /** How many clients one request may need, and so how many decisions it has at most. */
    public static final int MAX_QUORUM = 20;

    /** How large the arguments of a request may be that are kept with it, and those that are approved instead. */
    public static final int MAX_ARGUMENT_BYTES = 65_536;

    /** How many calls of tools of one session are followed at a time; of more, requests do not have the arguments. */
    static final int MAX_CALLS = 1_000;

    private RequestMachine() {}

    /** Asks. If the same was asked before under the same id, nothing happens. */
    public static OfAsk ask(SessionState s, Ask c, RequestTx tx) {
        SessionRequest known = tx.find(s, c.requestId());
        if (known != null) {
            return known.terms().equals(c.terms())
                    ? new Accepted(List.of(known.since()))
                    : new OtherRequest(c.requestId());
        }
        if (tx.countOpen(s, MAX_OPEN) >= MAX_OPEN) {
            return new TooManyRequests(MAX_OPEN);
        }
        publish(s, c.time(), List.of(new Create(id(s, c.requestId()), false, null, null, c.notice(), false)), tx);
        long at = tx.now(s).last();
        SessionRequest before = aboutCall(s, c.terms().runId(), c.terms().toolCallId(), tx);
        if (before != null && before.isOpen()) {
            close(s, before, Status.WITHDRAWN, c.time(), tx);
        }
        tx.add(s, new SessionRequest(s.name(), c.requestId(), c.terms(), at));
        return new Accepted(List.of(at));
    }

    /** Decides, unless somebody else has, or it is too late. */
    public static OfDecide decide(SessionState s, Decide c, RequestTx tx) {
        SessionRequest request = tx.find(s, c.requestId());
        if (request == null) {
            return new NoSuchRequest(c.requestId());
        }
        Decision decision = c.decision();
        for (Decision known : request.decisions()) {
            if (known.id().equals(decision.id()) && known.isBySame(decision)) {
                return new Accepted(List.of(request.isOpen() ? request.since() : request.closed()));
            }
        }
        OfAnswer refusal = judge(request, decision, c.grants(), c.time());
        if (refusal != null) {
            return refusal;
        }
        SessionRequest now = request.with(decision);
        Status status = now.decided();
        List<MessageOp> messages = new ArrayList<>();
        RunTexts.Notice notice = request.terms().notice();
        if (notice != null) {
            messages.add(new Create(id(s, request.id()), false, null, null, c.notice(), false));
        }
        if (status != Status.OPEN) {
            if (notice != null) {
                messages.add(saying(s, request, notice, status, c.time()));
            }
            messages.addAll(c.answer());
        }
        publish(s, c.time(), messages, tx);
        long at = tx.now(s).last();
        if (status == Status.OPEN) {
            tx.putRow(s, now);
        } else {
            tx.close(s, request, now.closed(status, at));
        }
        return new Accepted(List.of(at));
    }

    /** Closes a request whose time is over. Returns what then goes to who has asked: nothing if it is closed already. */
    public static Publish expire(SessionState s, ExpireRequest c, RequestTx tx) {
        SessionRequest request = tx.find(s, c.requestId());
        if (request == null || !request.isOpen() || !request.isDue(c.time())) {
            return new Publish(s.name(), c.time(), null, List.of());
        }
        DueAnswer due = request.terms().dueAnswer();
        Publish answer = due == null
                ? new Publish(s.name(), c.time(), null, List.of())
                : new Publish(
                        s.name(),
                        c.time(),
                        null,
                        List.of(new Create(id(s, request.id()) + ":due", false, null, null, due.body(), false)),
                        List.of(due.said()));
        close(s, request, request.whenDue(), c.time(), answer.messages(), tx);
        return answer;
    }

    /** Why nothing of what is published may be, if some of it answers what is no longer open; otherwise null. */
    public static @Nullable OfAnswer refusal(SessionState s, Publish c, RequestTx tx) {
        Set<String> answered = new HashSet<>();
        for (RunNote note : c.runs()) {
            if (note instanceof Decided n && c.messages().get(n.message()) instanceof Create message) {
                SessionRequest request = aboutCall(s, n.runId(), n.toolCallId(), tx);
                // What was said before and is said again gets its first answer.
                if (request != null && !(message.unique() && tx.messages().isKnown(s, message.id()))) {
                    OfAnswer refusal = judge(request, decision(c, n, message), n.grants(), c.time());
                    if (refusal != null) {
                        return refusal;
                    }
                    if (request.terms().quorum() > 1 || !answered.add(request.id())) {
                        return new NotAsked(request.id());
                    }
                }
            }
        }
        return null;
    }

    private static @Nullable OfAnswer judge(SessionRequest request, Decision decision, List<String> grants, long time) {
        Terms terms = request.terms();
        // A client id without credentials is only a claim.
        boolean isAsked = decision.isCertain() ? terms.asks(decision.clientId(), grants) : terms.asks(null, List.of());
        if (!terms.takes(decision.verdict()) || !isAsked) {
            return new NotAsked(request.id());
        }
        if (!request.isOpen() || request.decisions().stream().anyMatch(decision::isBySame)) {
            return new AlreadyDecided(request);
        }
        return request.isDue(time) ? new AlreadyDecided(request.closed(request.whenDue(), 0)) : null;
    }

    private static @Nullable SessionRequest aboutCall(
            SessionState s, @Nullable String runId, @Nullable String toolCallId, RequestTx tx) {
        Call call = runId == null || toolCallId == null ? null : tx.call(s, runId, toolCallId);
        return call == null || call.requestId() == null ? null : tx.find(s, call.requestId());
    }

    private static Decision decision(Publish c, Decided n, Create message) {
        String id = message.id();
        return new Decision(
                id == null ? "" : id,
                n.approved() ? Verdict.APPROVE : Verdict.DENY,
                message.clientId(),
                n.key(),
                c.time(),
                message.connectionId(),
                null,
                n.comment(),
                null);
    }

    /** Takes note of a call of a tool in a run that is open. */
    public static void called(SessionState s, Called n, long serial, RequestTx tx) {
        Call known = tx.call(s, n.runId(), n.toolCallId());
        if (known != null || tx.countCalls(s, MAX_CALLS) < MAX_CALLS) {
            tx.putCall(
                    s, n.runId(), n.toolCallId(), new Call(serial, n.tool(), known == null ? null : known.requestId()));
        }
    }

    /** Takes note of a message that asks to approve a call of a tool, unless it was published before. */
    public static void asked(SessionState s, Publish c, Asked n, long position, RequestTx tx) {
        if (position <= s.last() || !(c.messages().get(n.message()) instanceof Create message)) {
            return;
        }
        SessionRequest known = tx.find(s, n.requestId());
        if (known != null && (known.isOpen() || isAbout(known, n))) {
            return;
        }
        SessionRequest before = aboutCall(s, n.runId(), n.toolCallId(), tx);
        if (before != null && before.isOpen()) {
            if (before.terms().notice() != null) {
                // Who asks with terms of its own asks once.
                return;
            }
            close(s, before, Status.WITHDRAWN, c.time(), tx);
        }
        if (known != null) {
            tx.drop(s, known);
        }
        if (tx.countOpen(s, MAX_OPEN) < MAX_OPEN) {
            Call call = tx.call(s, n.runId(), n.toolCallId());
            String arguments = call == null ? null : tx.messages().text(s, call.serial(), MAX_ARGUMENT_BYTES);
            Terms terms = new Terms(
                    Kind.APPROVAL,
                    call == null ? "" : call.tool(),
                    message.clientId(),
                    n.runId(),
                    n.messageId(),
                    n.toolCallId(),
                    arguments,
                    List.of(),
                    1,
                    0,
                    WhenDue.EXPIRE,
                    null);
            tx.add(s, new SessionRequest(s.name(), n.requestId(), terms, position));
        }
    }

    /** Whether a run waits for an answer. */
    public static boolean isAwaited(SessionState s, String runId, RequestTx tx) {
        return tx.isAny(s)
                && tx.open(s).stream()
                        .anyMatch(request -> runId.equals(request.terms().runId()));
    }

    private static boolean isAbout(SessionRequest request, Asked n) {
        return n.runId().equals(request.terms().runId())
                && n.toolCallId().equals(request.terms().toolCallId());
    }

    /** Takes note of a message that answers, unless it was published before. */
    public static void decided(SessionState s, Publish c, Decided n, long position, RequestTx tx) {
        SessionRequest request = aboutCall(s, n.runId(), n.toolCallId(), tx);
        if (request != null
                && request.isOpen()
                && request.terms().quorum() == 1
                && position > s.last()
                && c.messages().get(n.message()) instanceof Create message) {
            SessionRequest now = request.with(decision(c, n, message));
            tx.close(s, request, now.closed(now.decided(), position));
        }
    }

    /** Nobody waits any longer for the answers that a run has asked for. */
    public static void runEnded(SessionState s, String runId, long time, RequestTx tx) {
        if (tx.isAny(s)) {
            for (SessionRequest request : tx.open(s)) {
                if (runId.equals(request.terms().runId())) {
                    close(s, request, Status.WITHDRAWN, time, tx);
                }
            }
            tx.removeCalls(s, runId);
        }
    }

    private static void close(SessionState s, SessionRequest request, Status status, long time, RequestTx tx) {
        close(s, request, status, time, List.of(), tx);
    }

    /** @param answer what is said besides that it is closed */
    private static void close(
            SessionState s, SessionRequest request, Status status, long time, List<MessageOp> answer, RequestTx tx) {
        RunTexts.Notice notice = request.terms().notice();
        List<MessageOp> messages = new ArrayList<>();
        if (notice != null) {
            messages.add(saying(s, request, notice, status, time));
        }
        messages.addAll(answer);
        publish(s, time, messages, tx);
        tx.close(s, request, request.closed(status, tx.now(s).last()));
    }

    private static Create saying(
            SessionState s, SessionRequest request, RunTexts.Notice notice, Status status, long time) {
        String word = status.name().toLowerCase(Locale.ROOT);
        return new Create(id(s, request.id()), false, null, null, notice.about(word, time), false);
    }

    private static String id(SessionState s, String requestId) {
        return s.id() + ":request:" + requestId;
    }

    private static void publish(SessionState s, long time, List<MessageOp> messages, RequestTx tx) {
        if (messages.isEmpty()) {
            return;
        }
        // Something may have been published since.
        SessionState known = tx.messages().batch().find(s.name());
        var outcome = MessageMachine.publish(
                known == null ? s : known, new Publish(s.name(), time, null, messages), tx.messages());
        if (!(outcome instanceof Accepted)) {
            throw new IllegalStateException("new messages were refused: " + outcome);
        }
    }
}
