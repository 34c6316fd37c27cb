package dev.parley.client;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Something that people are asked in a session, and what they have decided. It is closed once: by the first valid answer in the
 * order of the log, or by time.
 *
 * @param id its id in the session; of an approval of a tool call it is the id of the approval
 * @param sessionName the session in which it is asked
 * @param kind what kind of answer is wanted
 * @param status how it stands
 * @param title what is asked
 * @param by who asks; null if that is not known
 * @param runId the run that waits for it; null for none
 * @param toolCallId the call of a tool that it is about; null for none
 * @param arguments exactly what would be done; null for nothing
 * @param clientIds who may answer; if nobody is named in any way, everybody may who may publish in the session
 * @param roles whoever has one of these roles may answer as well
 * @param capability whoever may do this in the session may answer as well; null for nobody
 * @param quorum how many of them have to
 * @param due from when on it is too late; null for never
 * @param createdAt when it was asked
 * @param closedAt when it was closed; null while it is open
 * @param decisions what was decided, the oldest first
 */
public record SessionRequest(
        String id,
        String sessionName,
        Kind kind,
        Status status,
        String title,
        @Nullable String by,
        @Nullable String runId,
        @Nullable String toolCallId,
        @Nullable JsonNode arguments,
        List<String> clientIds,
        List<String> roles,
        @Nullable String capability,
        int quorum,
        @Nullable Instant due,
        Instant createdAt,
        @Nullable Instant closedAt,
        List<Decision> decisions) {
    /** What kind of answer is wanted. */
    public enum Kind {
        /** Whether something may be done. */
        APPROVAL,
        /** An answer. */
        QUESTION,
        /** That a person looks at something. */
        ESCALATION
    }

    /** How a request stands. */
    public enum Status {
        /** It waits for answers. */
        OPEN,
        /** It was approved. */
        APPROVED,
        /** It was denied. */
        DENIED,
        /** It was answered. */
        ANSWERED,
        /** Nobody has answered in time. */
        EXPIRED,
        /** Nobody waits for the answer any more. */
        WITHDRAWN
    }

    /** What becomes of a request when its time is over. */
    public enum WhenDue {
        /** It is expired. */
        EXPIRE,
        /** It is approved. */
        APPROVE,
        /** It is denied. */
        DENY
    }

    /** What somebody decides. */
    public enum Verdict {
        /** It may be done. */
        APPROVE,
        /** It may not be done. */
        DENY,
        /** An answer to a question or an escalation. */
        ANSWER
    }

    /**
     * What somebody has decided.
     *
     * @param verdict what was decided
     * @param clientId who has decided it; null if the credentials name nobody
     * @param at when
     * @param deviceId on which device, as the client has said; null if it has not
     * @param comment for whoever reads it later; null for none
     * @param answer the answer, or the arguments that were approved instead of what was asked for; null for none
     */
    public record Decision(
            Verdict verdict,
            @Nullable String clientId,
            Instant at,
            @Nullable String deviceId,
            @Nullable String comment,
            @Nullable JsonNode answer) {}

    /** {@return whether it waits for answers} */
    public boolean isOpen() {
        return status == Status.OPEN;
    }

    static String wireName(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static <E extends Enum<E>> E named(Class<E> type, JsonNode json, String field) {
        return Enum.valueOf(type, Wire.required(json, field).toUpperCase(Locale.ROOT));
    }

    private static @Nullable Instant time(JsonNode json, String field) {
        return json.path(field).isNumber()
                ? Instant.ofEpochMilli(json.path(field).longValue())
                : null;
    }

    private static @Nullable JsonNode document(JsonNode json, String field) {
        return json.hasNonNull(field) ? json.path(field) : null;
    }

    static SessionRequest of(JsonNode json) {
        Instant created = time(json, "createdAt");
        String title = Wire.text(json, "title");
        return new SessionRequest(
                Wire.required(json, "requestId"),
                Wire.required(json, "sessionId"),
                named(Kind.class, json, "kind"),
                named(Status.class, json, "status"),
                title == null ? "" : title,
                Wire.text(json, "by"),
                Wire.text(json, "runId"),
                Wire.text(json, "toolCallId"),
                document(json, "arguments"),
                json.path("clientIds").valueStream().map(JsonNode::asString).toList(),
                json.path("roles").valueStream().map(JsonNode::asString).toList(),
                Wire.text(json, "capability"),
                (int) Wire.number(json, "quorum", 1),
                time(json, "due"),
                created == null ? Instant.EPOCH : created,
                time(json, "closedAt"),
                json.path("decisions")
                        .valueStream()
                        .map(SessionRequest::decision)
                        .toList());
    }

    private static Decision decision(JsonNode json) {
        Verdict verdict = named(Verdict.class, json, "decision");
        Instant at = time(json, "at");
        return new Decision(
                verdict,
                Wire.text(json, "by"),
                at == null ? Instant.EPOCH : at,
                Wire.text(json, "deviceId"),
                Wire.text(json, "comment"),
                document(json, verdict == Verdict.ANSWER ? "answer" : "arguments"));
    }
}
