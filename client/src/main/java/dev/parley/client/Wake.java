package dev.parley.client;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an agent has to do, and this worker is to do until a time: its lease. If the worker does not say in that time what has
 * become of it, the server gives it to another one. So a wake may come to several workers, one after the other; its
 * {@linkplain #id id} stays the same.
 *
 * <p>Methods block until the server has answered. They throw {@link ParleyException.Refused} with the code 40990 if another
 * worker has the wake, or nobody has anything to do with it any more. Thread-safe.
 */
public final class Wake {
    private final Http http;
    private final String path;
    private final String sessionName;
    private final String agentId;
    private final String id;
    private final long lease;
    private final Instant leaseUntil;
    private final int attempt;
    private final List<String> inputEventIds;

    Wake(Http http, JsonNode json) {
        this.http = http;
        this.sessionName = Wire.required(json, "sessionName");
        this.agentId = Wire.required(json, "agentId");
        this.id = Wire.required(json, "wakeId");
        this.path = "/v1/sessions/" + ConnectUri.encode(sessionName) + "/wakes/" + ConnectUri.encode(id) + "/";
        this.lease = Wire.number(json, "lease", 0);
        this.leaseUntil = Instant.ofEpochMilli(Wire.number(json, "leaseUntil", 0));
        this.attempt = (int) Wire.number(json, "attempt", 1);
        this.inputEventIds =
                json.path("inputEventIds").valueStream().map(JsonNode::asString).toList();
    }

    /** {@return its id, the same each time that it is given to a worker: the key of effects that must happen once} */
    public String id() {
        return id;
    }

    /** {@return the session in which the agent was woken} */
    public String sessionName() {
        return sessionName;
    }

    /** {@return the agent that was woken} */
    public String agentId() {
        return agentId;
    }

    /** {@return the inputs that are to be answered, the oldest first; each by its id as an event} */
    public List<String> inputEventIds() {
        return inputEventIds;
    }

    /** {@return the newest input, which is the one to answer: what was said before stands in its conversation} */
    public String inputEventId() {
        return inputEventIds.get(inputEventIds.size() - 1);
    }

    /** {@return until when this worker had the wake when it was given to it, by the server's clock} */
    public Instant leaseUntil() {
        return leaseUntil;
    }

    /** {@return how often the wake was tried, from 1} */
    public int attempt() {
        return attempt;
    }

    /** The worker has done it. This counts also when the lease is over, unless another worker has the wake. */
    public void done() {
        settle("done", Wire.object());
    }

    /**
     * The worker needs more time.
     *
     * @param time from now on; 1 second to 10 minutes
     */
    public void extend(Duration time) {
        settle("extend", Wire.object().put("leaseMs", time.toMillis()));
    }

    /**
     * The worker needs more time; the future completes when the server has answered.
     *
     * @param time from now on; 1 second to 10 minutes
     * @return completes as {@link #extend} returns or throws
     */
    public CompletableFuture<@Nullable Void> extendAsync(Duration time) {
        return http.callAsync(call("extend", Wire.object().put("leaseMs", time.toMillis())))
                .thenApply(answer -> null);
    }

    /**
     * The worker does not do it, another one may. The server gives it up after 16 attempts.
     *
     * @param pause before it is given to a worker again; at most an hour
     */
    public void release(Duration pause) {
        settle("release", Wire.object().put("retryAfterMs", pause.toMillis()));
    }

    /**
     * The worker does not do it, another one may; the future completes when the server has answered.
     *
     * @param pause before it is given to a worker again; at most an hour
     * @return completes as {@link #release} returns or throws
     */
    public CompletableFuture<@Nullable Void> releaseAsync(Duration pause) {
        return http.callAsync(call("release", Wire.object().put("retryAfterMs", pause.toMillis())))
                .thenApply(answer -> null);
    }

    /** Nobody can do it. The session then gets a message named {@code parley.wake}. */
    public void giveUp() {
        settle("release", Wire.object().put("giveUp", true));
    }

    private void settle(String how, ObjectNode body) {
        http.call(call(how, body));
    }

    private Http.Call call(String how, ObjectNode body) {
        return Http.Call.json("POST", path + how, body.put("lease", lease), true);
    }

    @Override
    public String toString() {
        return "the wake " + id + " of " + agentId + " in " + sessionName;
    }
}
