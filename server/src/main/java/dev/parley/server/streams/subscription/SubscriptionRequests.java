package dev.parley.server.streams.subscription;

import dev.parley.engine.stream.Place;
import dev.parley.engine.subscription.SubscriptionConfig;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Target;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionMachine;
import dev.parley.server.http.RefusedException;
import dev.parley.server.streams.Offsets;
import dev.parley.server.streams.StreamPaths;
import dev.parley.server.webhook.WebhookUrl;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/** Reads and checks the bodies of requests. */
final class SubscriptionRequests {
    static final long DEFAULT_LEASE_MILLIS = 30_000;
    static final long MIN_LEASE_MILLIS = 1_000;
    static final long MAX_LEASE_MILLIS = 600_000;
    static final int MAX_DESCRIPTION = 1024;
    static final int MAX_WORKER = 256;
    static final int MAX_WAKE_ID = 64;

    /** The memory that a value, a name or a bracket of JSON takes when it is read, by estimate. */
    private static final int PART_BYTES = 64;

    private SubscriptionRequests() {}

    /**
     * The memory that a body takes until the request is handled, by an estimate that is rather too high: as bytes, and
     * as JSON.
     */
    static long bytes(byte[] body) {
        return 2L * body.length + (long) PART_BYTES * Math.min(Json.MAX_PARTS, body.length);
    }

    /** The report of a worker about its wake. */
    record Report(String wakeId, long generation, List<Processed> acks, boolean done) {}

    /** A stream is processed up to {@code place}. */
    record Processed(String path, Place place) {}

    static SubscriptionConfig config(byte[] body, boolean allowLocal) throws RefusedException {
        JsonNode json = object(body);
        Target target = switch (string(json, "type", 16)) {
            case "webhook" -> webhook(json.path("webhook"), allowLocal);
            case "pull-wake" -> new PullWake(path(string(json, "wake_stream", StreamPaths.MAX_LENGTH)));
            case null, default -> throw invalid("type must be \"webhook\" or \"pull-wake\".");
        };
        String pattern = string(json, "pattern", StreamPaths.MAX_LENGTH);
        pattern = pattern == null || pattern.isEmpty() ? null : path(pattern);
        List<String> streams =
                json.path("streams").isMissingNode() || json.path("streams").isNull()
                        ? List.of()
                        : streams(json.path("streams"));
        if (pattern == null && streams.isEmpty()) {
            throw invalid("At least one of pattern and streams is needed.");
        }
        if (target instanceof PullWake pull && streams.contains(pull.wakeStream())) {
            throw invalid("The wake stream cannot be one of the streams: each wake would cause the next.");
        }
        return new SubscriptionConfig(
                target,
                pattern,
                streams,
                lease(json.path("lease_ttl_ms")),
                string(json, "description", MAX_DESCRIPTION));
    }

    private static Webhook webhook(JsonNode json, boolean allowLocal) throws RefusedException {
        JsonNode url = json.path("url");
        if (!url.isString()) {
            throw invalid("A webhook subscription needs webhook.url.");
        }
        WebhookUrl.parse(url.stringValue(), allowLocal);
        return new Webhook(url.stringValue());
    }

    private static long lease(JsonNode json) throws RefusedException {
        if (json.isMissingNode()) {
            return DEFAULT_LEASE_MILLIS;
        }
        if (!json.isIntegralNumber()
                || !json.canConvertToLong()
                || json.longValue() < MIN_LEASE_MILLIS
                || json.longValue() > MAX_LEASE_MILLIS) {
            throw invalid(
                    "lease_ttl_ms must be a whole number from " + MIN_LEASE_MILLIS + " to " + MAX_LEASE_MILLIS + ".");
        }
        return json.longValue();
    }

    /** The body of an addition of streams. */
    static List<String> streams(byte[] body) throws RefusedException {
        return streams(object(body).path("streams"));
    }

    private static List<String> streams(JsonNode json) throws RefusedException {
        if (!(json instanceof ArrayNode array) || array.size() > SubscriptionMachine.MAX_LINKS) {
            throw invalid("streams must be an array of at most " + SubscriptionMachine.MAX_LINKS + " stream paths.");
        }
        List<String> streams = new ArrayList<>();
        for (JsonNode element : array) {
            streams.add(path(element.isString() ? element.stringValue() : null));
        }
        return streams;
    }

    /** The path of a stream in the form that the engine uses. Slashes around it are ignored. */
    static String path(@Nullable String written) throws RefusedException {
        String path = written == null ? null : StreamPaths.canonical(strip(written));
        if (path == null || StreamPaths.isReserved(path)) {
            throw invalid("\"" + written + "\" is no stream path.");
        }
        return path;
    }

    private static String strip(String path) {
        int start = 0;
        int end = path.length();
        while (start < end && path.charAt(start) == '/') {
            start++;
        }
        while (end > start && path.charAt(end - 1) == '/') {
            end--;
        }
        return path.substring(start, end);
    }

    /** The body of a claim, which names the worker. */
    static String worker(byte[] body) throws RefusedException {
        String worker = string(object(body), "worker", MAX_WORKER);
        if (worker == null || worker.isEmpty()) {
            throw invalid("worker must be a name.");
        }
        return worker;
    }

    static Report report(byte[] body, Offsets offsets) throws RefusedException {
        JsonNode json = object(body);
        String wakeId = string(json, "wake_id", MAX_WAKE_ID);
        JsonNode generation = json.path("generation");
        if (wakeId == null || !generation.isIntegralNumber() || !generation.canConvertToLong()) {
            throw invalid("wake_id and generation are needed.");
        }
        JsonNode done = json.path("done");
        return new Report(
                wakeId,
                Math.max(0, generation.longValue()),
                acks(json.path("acks"), offsets),
                done.isBoolean() && done.booleanValue());
    }

    private static List<Processed> acks(JsonNode json, Offsets offsets) throws RefusedException {
        if (json.isMissingNode() || json.isNull()) {
            return List.of();
        }
        if (!(json instanceof ArrayNode array) || array.size() > SubscriptionMachine.MAX_LINKS) {
            throw invalid("acks must be an array of at most " + SubscriptionMachine.MAX_LINKS + " acks.");
        }
        List<Processed> acks = new ArrayList<>();
        for (JsonNode ack : array) {
            JsonNode path = ack.has("stream") ? ack.path("stream") : ack.path("path");
            JsonNode offset = ack.path("offset");
            if (!offset.isString()) {
                throw invalid("An ack needs a stream and an offset.");
            }
            Place place = offsets.parse(offset.stringValue());
            if (place == null) {
                throw new RefusedException(409, "INVALID_OFFSET", "\"" + offset.stringValue() + "\" cannot be acked.");
            }
            acks.add(new Processed(path(path.isString() ? path.stringValue() : null), place));
        }
        return acks;
    }

    private static JsonNode object(byte[] body) throws RefusedException {
        try {
            JsonNode json = body.length == 0 ? Json.MAPPER.createObjectNode() : Json.MAPPER.readTree(body);
            if (json.isObject()) {
                return json;
            }
        } catch (JacksonException e) {
            throw invalid("The body is not valid JSON: " + e.getOriginalMessage());
        }
        throw invalid("The body must be a JSON object.");
    }

    private static @Nullable String string(JsonNode json, String field, int maxLength) throws RefusedException {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isString() || value.stringValue().length() > maxLength) {
            throw invalid(field + " must be a text of at most " + maxLength + " characters.");
        }
        return value.stringValue();
    }

    static RefusedException invalid(String message) {
        return RefusedException.badRequest("INVALID_REQUEST", message);
    }
}
