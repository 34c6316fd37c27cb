package dev.parley.client;

import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What people are asked in a session. The first valid answer counts, in the order of the log: whoever comes second is refused.
 * Reading needs the capability {@code history}, asking and deciding {@code publish}. Methods block until the server has
 * answered.
 */
public final class SessionRequests {
    private final Http http;
    private final String path;
    private final @Nullable String clientId;

    SessionRequests(Http http, String sessionName, @Nullable String clientId) {
        this.http = http;
        this.path = "/v1/sessions/" + ConnectUri.encode(sessionName) + "/requests";
        this.clientId = clientId;
    }

    /** {@return all requests of the session that are kept, open and closed; blocks} */
    public Page<SessionRequest> list() {
        return list(http, path, "");
    }

    static Page<SessionRequest> list(Http http, String path, String query) {
        return http.list(path, query, "requests", SessionRequest::of);
    }

    /**
     * {@return a request}
     *
     * @param requestId the id of the request
     * @throws ParleyException.Refused with the status 404 if there is none
     */
    public SessionRequest get(String requestId) {
        return SessionRequest.of(http.call(Http.Call.get(path + "/" + ConnectUri.encode(requestId), "")));
    }

    /**
     * Asks people something.
     *
     * @param request what is asked
     * @return the request, which is open
     */
    public SessionRequest ask(NewRequest request) {
        return post(path, request.toJson(UUID.randomUUID().toString()));
    }

    /**
     * Approves what is asked.
     *
     * @param requestId the id of the request
     * @param comment for whoever reads it later; null for none
     * @return the request as it is then: if more approvals are needed, it is still open
     * @throws ParleyException.Refused with the code 40982 if somebody has decided before, or it is too late
     * @throws ParleyException.AccessDenied with the code 40983 if this client is not asked
     */
    public SessionRequest approve(String requestId, @Nullable String comment) {
        return approve(requestId, comment, null);
    }

    /**
     * Approves something else than what is asked.
     *
     * @param requestId the id of the request
     * @param comment for whoever reads it later; null for none
     * @param arguments what is approved instead; null for what is asked
     * @return the request as it is then
     * @throws ParleyException as {@link #approve(String, String)}
     */
    public SessionRequest approve(String requestId, @Nullable String comment, @Nullable JsonNode arguments) {
        return decide(requestId, SessionRequest.Verdict.APPROVE, comment, "arguments", arguments);
    }

    /**
     * Denies what is asked.
     *
     * @param requestId the id of the request
     * @param comment for whoever reads it later; null for none
     * @return the request as it is then
     * @throws ParleyException as {@link #approve(String, String)}
     */
    public SessionRequest deny(String requestId, @Nullable String comment) {
        return decide(requestId, SessionRequest.Verdict.DENY, comment, "arguments", null);
    }

    /**
     * Answers a question or an escalation.
     *
     * @param requestId the id of the request
     * @param answer any JSON
     * @return the request as it is then
     * @throws ParleyException as {@link #approve(String, String)}
     */
    public SessionRequest answer(String requestId, JsonNode answer) {
        return decide(requestId, SessionRequest.Verdict.ANSWER, null, "answer", answer);
    }

    private SessionRequest decide(
            String requestId,
            SessionRequest.Verdict verdict,
            @Nullable String comment,
            String field,
            @Nullable JsonNode edited) {
        ObjectNode body = Wire.object()
                .put("decision", SessionRequest.wireName(verdict))
                .put("txid", UUID.randomUUID().toString());
        if (comment != null) {
            body.put("comment", comment);
        }
        if (edited != null) {
            body.set(field, edited);
        }
        return post(path + "/" + ConnectUri.encode(requestId) + "/decisions", body);
    }

    private SessionRequest post(String at, ObjectNode body) {
        if (clientId != null) {
            body.put("actorId", clientId);
        }
        return SessionRequest.of(http.call(Http.Call.json("POST", at, body, true)));
    }
}
