package dev.parley.engine.session;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Something that people are asked in a session. It is closed once: by who answers first, by its time, or with the run that
 * waits for it.
 *
 * @param id unique among the requests of the session
 * @param since the position of the entry that asks
 * @param closed the position of the newest entry when it was closed; 0 while it is open
 * @param decisions what was decided, oldest first; several if it needs several
 */
public record SessionRequest(
        SessionName session, String id, Terms terms, long since, Status status, long closed, List<Decision> decisions) {
    /** What a request takes besides its texts. */
    private static final int WEIGHT = 256;

    /** What kind of answer is wanted. */
    public enum Kind {
        APPROVAL,
        QUESTION,
        ESCALATION
    }

    /** What has become of a request. */
    public enum Status {
        OPEN,
        APPROVED,
        DENIED,
        ANSWERED,
        EXPIRED,
        WITHDRAWN
    }

    /** What somebody decides. */
    public enum Verdict {
        APPROVE,
        DENY,
        ANSWER
    }

    /** What happens when nobody has decided in time. */
    public enum WhenDue {
        EXPIRE,
        APPROVE,
        DENY
    }

    /**
     * The input that goes to who has asked when nobody has decided in time, so that a conversation shows what has become of its question.
     *
     * @param said what it means for the agents of the session
     */
    public record DueAnswer(Body body, RunNote.Said said) {
        int size() {
            return body.size() + said.size();
        }
    }

    /**
     * What is asked, and of whom.
     *
     * @param title what it is about in a few words, such as the name of a tool; may be empty
     * @param by the client that asks, if it has an id
     * @param runId the run that waits for the answer; the request is withdrawn when it ends
     * @param messageId the message of the conversation that the call of a tool is in
     * @param toolCallId the call of a tool that is to be approved
     * @param arguments exactly what is asked, as JSON or as a text; null if there is nothing, or if it is too large
     * @param clientIds who may answer; if it is empty, and {@code grants} too, everybody may who may publish to the session
     * @param quorum how many clients have to approve or to answer
     * @param due when it is too late to answer, in milliseconds since 1970; 0 if it never is
     * @param notice the message that says what has become of the request; null if messages of the session do that
     * @param dueAnswer null if nobody waits for an input
     * @param grants whose credentials have one of these may answer as well, whatever client that is
     */
    public record Terms(
            Kind kind,
            String title,
            @Nullable String by,
            @Nullable String runId,
            @Nullable String messageId,
            @Nullable String toolCallId,
            @Nullable String arguments,
            List<String> clientIds,
            int quorum,
            long due,
            WhenDue whenDue,
            RunTexts.@Nullable Notice notice,
            @Nullable DueAnswer dueAnswer,
            List<String> grants) {
        /** Nobody waits for an input, and clients are asked by their ids. */
        public Terms(
                Kind kind,
                String title,
                @Nullable String by,
                @Nullable String runId,
                @Nullable String messageId,
                @Nullable String toolCallId,
                @Nullable String arguments,
                List<String> clientIds,
                int quorum,
                long due,
                WhenDue whenDue,
                RunTexts.@Nullable Notice notice) {
            this(
                    kind,
                    title,
                    by,
                    runId,
                    messageId,
                    toolCallId,
                    arguments,
                    clientIds,
                    quorum,
                    due,
                    whenDue,
                    notice,
                    null,
                    List.of());
        }

        int size() {
            int size = title.length() + length(arguments) + (notice == null ? 0 : notice.size());
            size += dueAnswer == null ? 0 : dueAnswer.size();
            for (String clientId : clientIds) {
                size += clientId.length();
            }
            for (String grant : grants) {
                size += grant.length();
            }
            return size;
        }

        /** Whether somebody is asked: a client, or whoever has credentials that grant something. */
        public boolean asks(@Nullable String clientId, List<String> granted) {
            return (clientIds.isEmpty() && grants.isEmpty())
                    || (clientId != null && clientIds.contains(clientId))
                    || granted.stream().anyMatch(grants::contains);
        }

        /** Whether a decision of this kind answers what is asked. */
        public boolean takes(Verdict verdict) {
            return (kind == Kind.APPROVAL) == (verdict != Verdict.ANSWER);
        }
    }

    /**
     * What one client has decided.
     *
     * @param id chosen by the client or the door, so that a decision that is sent again is known
     * @param clientId the client, as its credentials say; null if it has no id
     * @param key the name of the key of its credentials; empty if it has shown none, and its id is only what it claims
     * @param time in milliseconds since 1970
     * @param connectionId the connection that it was sent by, if it was sent by one
     * @param device the device, as the client says
     * @param edited the answer, or the arguments that are approved instead of those that were asked for
     */
    public record Decision(
            String id,
            Verdict verdict,
            @Nullable String clientId,
            String key,
            long time,
            @Nullable String connectionId,
            @Nullable String device,
            @Nullable String comment,
            @Nullable String edited) {
        int size() {
            return id.length() + key.length() + length(device) + length(comment) + length(edited);
        }

        /** Whether credentials say that it is this client. */
        public boolean isCertain() {
            return !key.isEmpty();
        }

        /** Whether the same client has decided this; clients without an id are told apart by their keys. */
        public boolean isBySame(Decision other) {
            return Objects.equals(clientId, other.clientId) && (clientId != null || key.equals(other.key));
        }
    }

    /** A request that was just made. */
    public SessionRequest(SessionName session, String id, Terms terms, long since) {
        this(session, id, terms, since, Status.OPEN, 0, List.of());
    }

    /** Whether it waits for an answer. */
    public boolean isOpen() {
        return status == Status.OPEN;
    }

    /** Whether it is too late to answer. */
    public boolean isDue(long time) {
        return terms.due() != 0 && terms.due() <= time;
    }

    /** The request after another decision. */
    public SessionRequest with(Decision decision) {
        List<Decision> more = new ArrayList<>(decisions);
        more.add(decision);
        return new SessionRequest(session, id, terms, since, status, closed, List.copyOf(more));
    }

    /** The request after it was closed. */
    public SessionRequest closed(Status how, long at) {
        return new SessionRequest(session, id, terms, since, how, at, decisions);
    }

    /** What becomes of it when it is due. */
    public Status whenDue() {
        return switch (terms.whenDue()) {
            case EXPIRE -> Status.EXPIRED;
            case APPROVE -> Status.APPROVED;
            case DENY -> Status.DENIED;
        };
    }

    /** What its decisions come to: one denial denies, everything else needs as many as it is asked for. */
    public Status decided() {
        Verdict last = decisions.getLast().verdict();
        if (last == Verdict.DENY) {
            return Status.DENIED;
        }
        boolean enough = decisions.size() >= terms.quorum();
        return !enough ? Status.OPEN : last == Verdict.APPROVE ? Status.APPROVED : Status.ANSWERED;
    }

    /** The size in bytes, roughly. */
    public int weight() {
        int weight = WEIGHT + terms.size();
        for (Decision decision : decisions) {
            weight += WEIGHT + decision.size();
        }
        return weight;
    }

    private static int length(@Nullable String text) {
        return text == null ? 0 : text.length();
    }
}
