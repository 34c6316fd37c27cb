package dev.parley.server.streams.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.util.Base64URL;
import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.streams.subscription.TestServer.Answer;
import dev.parley.server.streams.subscription.WebhookReceiver.Call;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

final class SubscriptionServiceTest {

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private static void createWebhook(TestServer server, String id, String url, long lease) {
        Answer created = server.send("PUT", "subscriptions/" + id, """
                {"type":"webhook","pattern":"events/*","webhook":{"url":"%s"},"lease_ttl_ms":%d}""".formatted(url, lease));
        assertThat(created.status()).isEqualTo(201);
    }

    private static void createPullWake(TestServer server, String id, long lease) {
        Answer created = server.send("PUT", "subscriptions/" + id, """
                {"type":"pull-wake","pattern":"events/*","wake_stream":"wakes","lease_ttl_ms":%d}""".formatted(lease));
        assertThat(created.status()).isEqualTo(201);
    }

    /** The wake of a new subscription {@code pool}, which a worker has claimed after a message in {@code path}. */
    private static JsonNode claimedWake(TestServer server, String path) throws Exception {
        server.createStream("wakes");
        createPullWake(server, "pool", 600_000);
        server.append(path, "1");
        await().until(() -> server.messages("wakes").size() == 1);
        return claim(server, "pool", "one").json();
    }

    private static Answer claim(TestServer server, String id, String worker) {
        return server.send("POST", "subscriptions/" + id + "/claim", "{\"worker\":\"" + worker + "\"}");
    }

    private static Answer report(TestServer server, String path, JsonNode wake, String token, String more) {
        return server.send(
                "POST",
                path,
                "Bearer " + token,
                "{\"wake_id\":\"%s\",\"generation\":%d%s}"
                        .formatted(
                                wake.path("wake_id").asString(),
                                wake.path("generation").asLong(),
                                more));
    }

    private static SubscriptionState state(TestServer server, String id) {
        return Objects.requireNonNull(server.engine.subscriptions().find(id)).state();
    }

    private static boolean isSigned(Call call, JsonNode publishedKeys) throws Exception {
        Matcher header = Pattern.compile("t=(\\d+),kid=(ds_[^,]+),ed25519=([A-Za-z0-9_-]+)")
                .matcher(call.signature());
        assertThat(header.matches()).as(call.signature()).isTrue();
        byte[] raw = JWKSet.parse(publishedKeys.toString())
                .getKeyByKeyId(header.group(2))
                .toOctetKeyPair()
                .getDecodedX();
        // The fixed head of an encoded Ed25519 key, and the key.
        byte[] encoded = HexFormat.of()
                .parseHex("302a300506032b6570032100" + HexFormat.of().formatHex(raw));
        Signature signature = Signature.getInstance("Ed25519");
        signature.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)));
        signature.update((header.group(1) + ".").getBytes(StandardCharsets.US_ASCII));
        signature.update(call.raw());
        return signature.verify(new Base64URL(header.group(3)).decode());
    }

    @Test
    void aWebhookThatIsDoneAcksWhatItWasShown() throws Exception {
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            receiver.answer(200, "{\"done\":true}");
            server.append("events/old", "0");
            createWebhook(server, "hook", receiver.url(), 30_000);
            server.append("events/new", "1");
            await().until(() -> server.cursor("hook", "events/new").equals(server.offset("events/new", 1)));
            assertThat(server.cursor("hook", "events/old")).isEqualTo(server.offset("events/old", 1));

            Call call = receiver.calls.getFirst();
            assertThat(isSigned(call, server.send("GET", "jwks.json", "").json()))
                    .isTrue();
            assertThat(call.body().path("callback_url").asString())
                    .isEqualTo(server.url("__ds/subscriptions/hook/callback"));
            JsonNode stream = call.body().path("streams").get(0);
            assertThat(stream.path("path").asString()).isEqualTo("events/new");
            assertThat(stream.path("acked_offset").asString()).isEqualTo("-1");
            assertThat(stream.path("has_pending").asBoolean()).isTrue();

            server.append("events/new", "2");
            await().until(() -> server.cursor("hook", "events/new").equals(server.offset("events/new", 2)));
            assertThat(receiver.calls).hasSize(2);
            assertThat(state(server, "hook").wake()).isNull();
        }
    }

    @Test
    void aCallbackAcksAndWhatIsLeftIsDeliveredAgain() throws Exception {
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            createWebhook(server, "hook", receiver.url(), 30_000);
            server.append("events/a", "1");
            await().until(() -> !receiver.calls.isEmpty());
            server.append("events/a", "2");

            JsonNode wake = receiver.calls.getFirst().body();
            String path = wake.path("callback_url").asString();
            String token = wake.path("callback_token").asString();
            String ack = ",\"done\":true,\"acks\":[{\"stream\":\"events/a\",\"offset\":\"%s\"}]";
            assertThat(report(server, path, wake, "x." + token, "").status()).isEqualTo(401);
            assertThat(report(server, path, wake, token, ack.formatted(server.offset("events/a", 3)))
                            .error())
                    .isEqualTo("INVALID_OFFSET");
            Answer done = report(server, path, wake, token, ack.formatted(server.offset("events/a", 1)));
            assertThat(done.status()).isEqualTo(200);
            assertThat(done.json().path("next_wake").asBoolean()).isTrue();
            assertThat(report(server, path, wake, token, ack.formatted(server.offset("events/a", 2)))
                            .error())
                    .isEqualTo("FENCED");
            assertThat(server.cursor("hook", "events/a")).isEqualTo(server.offset("events/a", 1));

            await().until(() -> receiver.calls.size() == 2);
            assertThat(receiver.calls.getLast().body().path("generation").asLong())
                    .isEqualTo(2);
        }
    }

    @Test
    void aWakeThatNobodyFinishesIsFollowedByAnother() throws Exception {
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            createWebhook(server, "hook", receiver.url(), 1_000);
            server.append("events/a", "1");
            await().until(() -> receiver.calls.size() >= 2);
            List<Call> calls = receiver.calls;
            assertThat(calls.get(1).body().path("generation").asLong()).isEqualTo(2);
            assertThat(calls.get(1).body().path("wake_id"))
                    .isNotEqualTo(calls.get(0).body().path("wake_id"));
        }
    }

    @Test
    void aRestartKeepsCursorLeaseAndTokens() throws Exception {
        String token;
        JsonNode wake;
        try (TestServer server = new TestServer(folder)) {
            server.createStream("wakes");
            createPullWake(server, "pool", 600_000);
            server.append("events/a", "1");
            server.append("events/a", "2");
            await().until(() -> server.messages("wakes").size() == 1);
            wake = claim(server, "pool", "one").json();
            token = wake.path("token").asString();
            Answer heartbeat = report(
                    server,
                    "subscriptions/pool/ack",
                    wake,
                    token,
                    ",\"acks\":[{\"stream\":\"events/a\",\"offset\":\"" + server.offset("events/a", 1) + "\"}]");
            assertThat(heartbeat.status()).isEqualTo(200);
        }
        try (TestServer server = new TestServer(folder)) {
            assertThat(server.cursor("pool", "events/a")).isEqualTo(server.offset("events/a", 1));
            Answer busy = claim(server, "pool", "two");
            assertThat(busy.error()).isEqualTo("ALREADY_CLAIMED");
            assertThat(busy.json().path("error").path("current_holder").asString())
                    .isEqualTo("one");
            String done = ",\"done\":true,\"acks\":[{\"stream\":\"events/a\",\"offset\":\""
                    + server.offset("events/a", 2) + "\"}]";
            assertThat(report(server, "subscriptions/pool/ack", wake, token, done)
                            .status())
                    .isEqualTo(200);
            assertThat(server.cursor("pool", "events/a")).isEqualTo(server.offset("events/a", 2));
            assertThat(server.messages("wakes")).hasSize(1);
        }
    }

    @Test
    void aRestartKeepsTheRetryScheduleAndTheSigningKey() throws Exception {
        SubscriptionState before;
        JsonNode keys;
        int port;
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            port = receiver.port();
            receiver.answer(500, "");
            createWebhook(server, "hook", receiver.url(), 600_000);
            server.append("events/a", "1");
            await().until(() ->
                    server.get("hook").json().path("status").asString().equals("failed"));
            before = state(server, "hook");
            keys = server.send("GET", "jwks.json", "").json();
        }
        try (WebhookReceiver receiver = new WebhookReceiver(port)) {
            receiver.answer(200, "{\"done\":true}");
            try (TestServer server = new TestServer(folder)) {
                assertThat(server.send("GET", "jwks.json", "").json()).isEqualTo(keys);
                await().until(() -> server.cursor("hook", "events/a").equals(server.offset("events/a", 1)));
                assertThat(server.get("hook").json().path("status").asString()).isEqualTo("active");
                Call call = receiver.calls.getFirst();
                assertThat(isSigned(call, keys)).isTrue();
                assertThat(call.body().path("wake_id").asString())
                        .isEqualTo(Objects.requireNonNull(before.wake()).id());
                long sentAt = Long.parseLong(call.signature().replaceAll("t=(\\d+),.*", "$1"));
                assertThat(sentAt).isGreaterThanOrEqualTo(before.nextAttemptAt() / 1000);
            }
        }
    }

    @Test
    void whatHappenedWhileTheDispatcherWasNotThereIsNotMissed() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            JsonNode wake = claimedWake(server, "events/gone");
            String ack = ",\"done\":true,\"acks\":[{\"stream\":\"events/gone\",\"offset\":\""
                    + server.offset("events/gone", 1) + "\"}]";
            String token = wake.path("token").asString();
            assertThat(report(server, "subscriptions/pool/ack", wake, token, ack)
                            .status())
                    .isEqualTo(200);
            server.engine.subscriptions().watch(dev.parley.engine.subscription.Subscriptions.Watcher.NOBODY);
            server.append("events/unseen", "1");
            server.deleteStream("events/gone");
        }
        try (TestServer server = new TestServer(folder)) {
            await().until(() -> server.messages("wakes").size() == 2);
            assertThat(server.messages("wakes").getLast().path("stream").asString())
                    .isEqualTo("events/unseen");
            await().until(() -> server.cursor("pool", "events/gone").isEmpty());
        }
    }

    /** Breaks where a step asks for the time: for all of them, for one subscription, for one delivery, for one scan. */
    @ParameterizedTest
    @ValueSource(strings = {"Dispatcher.run", "Deliveries.append", "Deliveries.call", "PatternScan.scan"})
    void aStepThatFailsIsTakenAgainAndKeepsNoOtherFromBeingTaken(String broken) throws Exception {
        FaultyClock clock = new FaultyClock();
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder, clock)) {
            server.createStream("wakes");
            server.append("events/a", "1");
            clock.broken = broken;
            createWebhook(server, "hook", receiver.url(), 600_000);
            createPullWake(server, "pool", 600_000);
            server.append("events/a", "2");
            await().until(() -> clock.failures.get() > 0);
            switch (broken) {
                case "Deliveries.append" -> await().until(() -> !receiver.calls.isEmpty());
                case "Deliveries.call" ->
                    await().until(() -> server.messages("wakes").size() == 1);
                default -> {}
            }
            if (!broken.equals("Deliveries.call")) {
                await().until(() -> server.health.failing().contains("subscriptions"));
            }
            clock.broken = "";
            await().until(() -> !receiver.calls.isEmpty());
            await().until(() -> server.messages("wakes").size() == 1);
            await().until(() -> server.health.failing().isEmpty());
        }
    }

    /** Throws what no clock should, but any code may, when it is asked by a certain method. */
    private static final class FaultyClock implements InstantSource {
        private final AtomicInteger failures = new AtomicInteger();
        private volatile String broken = "";

        @Override
        public Instant instant() {
            String where = broken;
            boolean asked = !where.isEmpty()
                    && StackWalker.getInstance()
                            .walk(frames ->
                                    frames.anyMatch(frame -> (frame.getClassName() + "." + frame.getMethodName())
                                            .endsWith("subscription." + where)));
            if (asked) {
                failures.incrementAndGet();
                throw new AssertionError("we pretend that " + where + " has a fault");
            }
            return Instant.now();
        }
    }

    @Test
    void streamsThatAreGoneAreForgottenTogether() throws Exception {
        int streams = 50;
        try (TestServer server = new TestServer(folder)) {
            for (int i = 0; i < streams; i++) {
                server.createStream("events/" + i);
            }
            createPullWake(server, "pool", 600_000);
        }
        // Deleted where no dispatcher is at work, so that the next start finds all of them gone at once.
        try (Engine engine = Engine.open(EngineOptions.in(folder))) {
            for (int i = 0; i < streams; i++) {
                TestServer.submit(engine, new Delete("events/" + i, System.currentTimeMillis()));
            }
            assertThat(Objects.requireNonNull(engine.subscriptions().find("pool"))
                            .state()
                            .links())
                    .isEqualTo(streams);
        }
        try (TestServer server = new TestServer(folder)) {
            await().until(() -> state(server, "pool").links() == 0);
            assertThat(server.engine.totals().commands()).isEqualTo(1);
        }
    }

    @Test
    void aMissingWakeStreamIsTriedAgain() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            createPullWake(server, "pool", 600_000);
            server.append("events/a", "1");
            await().until(() ->
                    server.get("pool").json().path("status").asString().equals("failed"));
            server.createStream("wakes");
            await().until(() -> server.messages("wakes").size() == 1);
            JsonNode event = server.messages("wakes").getFirst();
            assertThat(event.path("type").asString()).isEqualTo("wake");
            assertThat(event.path("subscription_id").asString()).isEqualTo("pool");
            assertThat(event.path("stream").asString()).isEqualTo("events/a");
            assertThat(event.path("generation").asLong()).isEqualTo(1);
            await().until(() ->
                    server.get("pool").json().path("status").asString().equals("active"));
        }
    }

    @Test
    void aReleasedWakeIsWrittenAgain() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            JsonNode wake = claimedWake(server, "events/a");
            String token = wake.path("token").asString();
            assertThat(report(server, "subscriptions/pool/release", wake, token, "")
                            .status())
                    .isEqualTo(204);
            assertThat(report(server, "subscriptions/pool/release", wake, token, "")
                            .error())
                    .isEqualTo("FENCED");
            await().until(() -> server.messages("wakes").size() == 2);
            assertThat(server.messages("wakes").getLast().path("generation").asLong())
                    .isEqualTo(2);
        }
    }

    @Test
    void aRecreatedSubscriptionStartsAnew() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            JsonNode wake = claimedWake(server, "events/a");
            assertThat(server.send("DELETE", "subscriptions/pool", "").status()).isEqualTo(204);
            String token = wake.path("token").asString();
            assertThat(report(server, "subscriptions/pool/ack", wake, token, "").error())
                    .isEqualTo("SUBSCRIPTION_NOT_FOUND");
            createPullWake(server, "pool", 600_000);
            assertThat(report(server, "subscriptions/pool/ack", wake, token, "").error())
                    .isEqualTo("TOKEN_INVALID");
            server.append("events/a", "2");
            await().until(() -> server.messages("wakes").size() == 2);
        }
    }

    @Test
    void redirectsAreNotFollowed() throws Exception {
        try (WebhookReceiver inside = new WebhookReceiver();
                WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            receiver.redirectTo(inside.url());
            createWebhook(server, "hook", receiver.url(), 600_000);
            server.append("events/a", "1");
            await().until(() ->
                    server.get("hook").json().path("status").asString().equals("failed"));
            assertThat(inside.calls).isEmpty();
        }
    }

    @Test
    void anEndlessAnswerCountsAsArrived() throws Exception {
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            receiver.answer(200, "{\"done\":true}" + " ".repeat(WebhookClient.MAX_ANSWER_BYTES));
            createWebhook(server, "hook", receiver.url(), 600_000);
            server.append("events/a", "1");
            await().until(() -> {
                SubscriptionState.Wake wake = state(server, "hook").wake();
                return wake != null && wake.delivered();
            });
            assertThat(server.cursor("hook", "events/a")).isEqualTo("-1");
        }
    }

    @Test
    void namedStreamsComeAndGo() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            server.append("manual/b", "1");
            String config = "{\"type\":\"pull-wake\",\"streams\":[\"/manual/a/\"],\"wake_stream\":\"wakes\"}";
            assertThat(server.send("PUT", "subscriptions/a%20b", config).status())
                    .isEqualTo(201);
            assertThat(server.send("PUT", "subscriptions/a%20b", config).status())
                    .isEqualTo(200);
            assertThat(server.send("PUT", "subscriptions/a%20b", config.replace("manual/a", "manual/c"))
                            .error())
                    .isEqualTo("SUBSCRIPTION_ALREADY_EXISTS");
            assertThat(server.send("POST", "subscriptions/a%20b/streams", "{\"streams\":[\"manual/b\"]}")
                            .status())
                    .isEqualTo(204);
            JsonNode got = server.get("a%20b").json();
            assertThat(got.path("id").asString()).isEqualTo("a b");
            assertThat(got.path("lease_ttl_ms").asLong()).isEqualTo(30_000);
            assertThat(server.cursor("a%20b", "manual/a")).isEqualTo("0000000000000000_0000000000000000");
            assertThat(server.cursor("a%20b", "manual/b")).isEqualTo(server.offset("manual/b", 1));
            assertThat(server.send("DELETE", "subscriptions/a%20b/streams/manual%2Fb", "")
                            .status())
                    .isEqualTo(204);
            assertThat(server.cursor("a%20b", "manual/b")).isEmpty();
        }
    }

    @Test
    void badRequestsAreRefused() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            String good =
                    "{\"type\":\"pull-wake\",\"pattern\":\"a/*\",\"wake_stream\":\"wakes\",\"lease_ttl_ms\":1000}";
            for (String bad : List.of(
                    "[]",
                    "{",
                    good.replace("pull-wake", "pigeon"),
                    good.replace("\"pattern\"", "\"patern\""),
                    good.replace("\"wakes\"", "7"),
                    good.replace("wakes", "__ds/wakes"),
                    good.replace("a/*", "a b"),
                    good.replace("1000", "999"),
                    good.replace("1000", "1000.5"),
                    good.replace("1000", "600001"),
                    good.replace("\"pattern\":\"a/*\"", "\"streams\":[\"wakes\"]"),
                    good.replace("\"pattern\":\"a/*\"", "\"streams\":[1]"),
                    good.replace("pull-wake", "webhook"))) {
                assertThat(server.send("PUT", "subscriptions/bad", bad).error())
                        .as(bad)
                        .isEqualTo("INVALID_REQUEST");
            }
            assertThat(server.get("bad").error()).isEqualTo("SUBSCRIPTION_NOT_FOUND");
            assertThat(server.send("PATCH", "subscriptions/bad", "{}").status()).isEqualTo(405);
            assertThat(server.send("GET", "elsewhere", "").status()).isEqualTo(404);
            assertThat(server.send("POST", "subscriptions/bad/ack", "{}").error())
                    .isEqualTo("TOKEN_INVALID");
            assertThat(server.statusWithoutBody(
                            "PUT", "subscriptions/bad", null, SubscriptionRoutes.MAX_BODY_BYTES + 1))
                    .isEqualTo(413);
        }
    }

    @Test
    void theBodyOfWhoIsNoWorkerIsNotWaitedFor() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            createPullWake(server, "pool", 600_000);
            for (String action : List.of("ack", "release")) {
                assertThat(server.statusWithoutBody(
                                "POST", "subscriptions/pool/" + action, "Bearer x", SubscriptionRoutes.MAX_BODY_BYTES))
                        .isEqualTo(401);
            }
        }
        try (WebhookReceiver receiver = new WebhookReceiver();
                TestServer server = new TestServer(folder)) {
            createWebhook(server, "hook", receiver.url(), 600_000);
            assertThat(server.statusWithoutBody(
                            "POST", "subscriptions/hook/callback", "Bearer x", SubscriptionRoutes.MAX_BODY_BYTES))
                    .isEqualTo(401);
        }
    }

    @Test
    void nobodySubscribesToWhatTheyMayNotRead() throws Exception {
        String secret = "0123456789abcdef0123456789abcdef";
        ApiKey key = ApiKey.parse(
                "app.worker:" + secret,
                Capabilities.parse(
                        "{\"__ds/subscriptions/team/*\":[\"subscribe\"],\"events/*\":[\"read\"],\"wakes\":[\"append\"]}"));
        try (TestServer server = new TestServer(folder, key)) {
            String body = "{\"type\":\"pull-wake\",\"pattern\":\"events/*\",\"wake_stream\":\"wakes\"}";
            String credentials = "Bearer app.worker:" + secret;
            assertThat(server.send("PUT", "subscriptions/team%2Fa", body).status())
                    .isEqualTo(401);
            assertThat(server.send("PUT", "subscriptions/other", credentials, body)
                            .status())
                    .isEqualTo(403);
            for (String forbidden : List.of(
                    body.replace("events/*", "**"),
                    // It covers the stream "events" as well, which is not below "events/".
                    body.replace("events/*", "events/**"),
                    body.replace("events/*", "events/**/**"),
                    body.replace("wakes", "events/a"),
                    body.replace("\"wake_stream\"", "\"streams\":[\"secret\"],\"wake_stream\""))) {
                assertThat(server.send("PUT", "subscriptions/team%2Fa", credentials, forbidden)
                                .status())
                        .as(forbidden)
                        .isEqualTo(403);
            }
            for (String allowed : List.of(body, body.replace("events/*", "events/a/**"))) {
                String id = "team%2F" + allowed.hashCode();
                assertThat(server.send("PUT", "subscriptions/" + id, credentials, allowed)
                                .status())
                        .as(allowed)
                        .isEqualTo(201);
            }
            assertThat(server.send("GET", "jwks.json", "").status()).isEqualTo(200);
        }
    }

    @Test
    void theKeysAreForTheServerOnly() throws Exception {
        try (TestServer server = new TestServer(folder)) {
            assertThat(server.send("GET", "jwks.json", "").json().toString()).doesNotContain("\"d\"", "\"oct\"");
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(folder.resolve(WebhookKeys.FILE_NAME))))
                    .isEqualTo("rw-------");
        }
    }
}
