package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.subscription.Link;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import dev.parley.engine.subscription.Upkeep;
import dev.parley.engine.subscription.Upkeep.Standing;
import dev.parley.server.http.Urls;
import dev.parley.server.streams.Offsets;
import dev.parley.server.streams.StreamsDoor;
import dev.parley.server.webhook.WebhookKeys;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes subscriptions as JSON (6.3, 7.1, 7.2). */
final class SubscriptionView {
    private static final DateTimeFormatter MILLISECONDS =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    /** The memory that a link takes as JSON, besides its path, until it is sent, by estimate. */
    private static final int LINK_BYTES = 1 << 10;

    /** The memory that the rest of the answer takes, by estimate. The texts of a subscription are bounded. */
    private static final int HEAD_BYTES = 16 << 10;

    private static final int BYTES_PER_CHAR = 3;

    private final Engine engine;
    private final Offsets offsets;
    private final Upkeep upkeep;
    private final WebhookKeys keys;
    private final @Nullable String callbackUrl;

    /**
     * A view of the subscriptions in {@code engine}.
     *
     * @param callbackUrl scheme and host at which workers find this server; null for those that a client used
     */
    SubscriptionView(Engine engine, WebhookKeys keys, @Nullable String callbackUrl) {
        this.engine = engine;
        this.offsets = new Offsets(engine.identities());
        this.upkeep = new Upkeep(engine.streams()::find);
        this.keys = keys;
        this.callbackUrl = callbackUrl;
    }

    /**
     * The memory that an answer with all links of {@code subscription} takes until it is sent, by an estimate that is
     * rather too high.
     */
    static long bytes(Subscription subscription) {
        long bytes = HEAD_BYTES;
        for (Link link : subscription.links()) {
            bytes += bytes(link.path());
        }
        return bytes;
    }

    /** The same for a subscription that will be linked to the streams {@code tails}. */
    static long bytes(List<StreamTail> tails) {
        long bytes = HEAD_BYTES;
        for (StreamTail tail : tails) {
            bytes += bytes(tail.path());
        }
        return bytes;
    }

    private static long bytes(String path) {
        return LINK_BYTES + (long) BYTES_PER_CHAR * path.length();
    }

    Upkeep upkeep() {
        return upkeep;
    }

    Offsets offsets() {
        return offsets;
    }

    /** The offset of {@code position} in a stream that is or was at {@code path}. */
    private String offset(String path, long streamId, long position) {
        if (position == Link.START) {
            return "-1";
        }
        StreamState stream = position == 0 ? null : engine.streams().find(path);
        return stream != null && stream.id() == streamId
                ? offsets.render(stream, position)
                : offsets.render(streamId, path, position);
    }

    /** Describes a subscription to a client that has reached the server at {@code baseUrl}. */
    ObjectNode describe(Subscription subscription, String baseUrl) {
        SubscriptionState s = subscription.state();
        ObjectNode json = Json.MAPPER.createObjectNode();
        json.put("id", s.id()).put("subscription_id", s.id());
        json.put("type", s.isWebhook() ? "webhook" : "pull-wake");
        json.put("pattern", s.config().pattern());
        ArrayNode streams = json.putArray("streams");
        for (Link link : subscription.links()) {
            describe(streams.addObject(), link);
        }
        switch (s.config().target()) {
            case Webhook hook -> {
                ObjectNode webhook = json.putObject("webhook").put("url", hook.url());
                webhook.putObject("signing")
                        .put("alg", "ed25519")
                        .put("kid", keys.keyId())
                        .put("jwks_url", base(baseUrl) + "__ds/jwks.json");
                json.putNull("wake_stream");
            }
            case PullWake pull -> json.putNull("webhook").put("wake_stream", pull.wakeStream());
        }
        json.put("lease_ttl_ms", s.config().leaseMillis());
        json.put("created_at", MILLISECONDS.format(Instant.ofEpochMilli(s.createdAt())));
        json.put("status", s.attempts() > 0 ? "failed" : "active");
        json.put("description", s.config().description());
        return json;
    }

    private ObjectNode describe(ObjectNode json, Link link) {
        return json.put("path", link.path())
                .put("link_type", link.explicit() ? "explicit" : "glob")
                .put("acked_offset", offset(link.path(), link.streamId(), link.acked()));
    }

    /** Describes streams in the form of a wake. */
    ArrayNode describe(List<Standing> standings) {
        ArrayNode streams = Json.MAPPER.createArrayNode();
        for (Standing standing : standings) {
            StreamTail tail = standing.tail();
            describe(streams.addObject(), standing.link())
                    .put("tail_offset", offset(tail.path(), tail.streamId(), tail.position()))
                    .put("has_pending", standing.isPending());
        }
        return streams;
    }

    /** The body of a webhook. */
    byte[] webhook(SubscriptionState s, Wake wake, List<Standing> standings, String token) {
        ObjectNode json = Json.MAPPER.createObjectNode();
        json.put("subscription_id", s.id()).put("wake_id", wake.id()).put("generation", s.generation());
        json.set("streams", describe(standings));
        String id = Urls.escaped(s.id());
        json.put("callback_url", base(s.baseUrl()) + "__ds/subscriptions/" + id + "/callback");
        json.put("callback_token", token);
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** The event in a wake stream. It is the same for the same wake, however often it is made. */
    static byte[] wakeEvent(SubscriptionState s, Wake wake) {
        return Json.MAPPER
                .createObjectNode()
                .put("type", "wake")
                .put("subscription_id", s.id())
                .put("stream", wake.stream())
                .put("generation", s.generation())
                .put("ts", wake.since())
                .toString()
                .getBytes(StandardCharsets.UTF_8);
    }

    private String base(String baseUrl) {
        return (callbackUrl == null ? baseUrl : callbackUrl) + StreamsDoor.PREFIX;
    }
}
