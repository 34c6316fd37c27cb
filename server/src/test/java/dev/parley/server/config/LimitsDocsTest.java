package dev.parley.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.memory.Memory;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Holds the limits that are not settings, as the documentation has them, against the constants of the code. A row that is
 * new there needs its constants here.
 */
class LimitsDocsTest {

    private static final Path PAGE = Path.of("..", "docs", "configuration.md");
    private static final String TITLE = "## Limits that are not settings\n";
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (.+?) \\| (.+?) \\|$");

    private static final Map<String, Long> UNITS = Map.of(
            "KiB", 1L << 10,
            "MiB", 1L << 20,
            "s", 1_000L,
            "minutes", 60_000L,
            "hour", 3_600_000L,
            "day", 86_400_000L,
            "years", 365 * 86_400_000L);
    private static final Map<String, Long> WORDS = Map.of(
            "an hour", 3_600_000L, "an eighth", 8L, "three quarters of each", 4L, "half of each", 2L, "half of it", 2L);
    private static final Pattern NUMBER = Pattern.compile(
            "(?<word>an hour|an eighth|three quarters of each|half of each|half of it)|(?<power>2\\^53 - 1)|(?<number>\\d[\\d,]*\\d|\\d)(?: (?<unit>"
                    + String.join("|", UNITS.keySet().stream().sorted().toList()) + ")\\b)?");

    private static final String HEAP_PER_WINDOWS = "the heap by the purse of windows";

    /** Rows by their first words, with the constants in the order in which the row has their values. */
    private static final Map<String, List<String>> ROWS = new LinkedHashMap<>();

    private static void row(String beginning, String... constants) {
        ROWS.put(beginning, List.of(constants));
    }

    static {
        row("streams open at once on one HTTP/2 connection", "server.http.HttpFront.MAX_HTTP2_STREAMS");
        row(
                "open streams that the client of one HTTP/2 connection may reset",
                "server.http.HttpFront.MAX_HTTP2_RESETS",
                "server.http.HttpFront.HTTP2_RESET_WINDOW");
        row("characters of a token", "server.auth.Tokens.MAX_TOKEN_CHARS");
        row("verified tokens", "server.auth.Tokens.MAX_VERIFIED");
        row("resource patterns", "server.auth.Capabilities.MAX_PATTERNS");
        row("characters of a client id", "server.auth.Tokens.MAX_CLIENT_ID_CHARS");
        row("characters of a revocation key", "server.auth.Tokens.MAX_CLIENT_ID_CHARS");
        row("bytes of a key's secret", "server.auth.ApiKey.MIN_SECRET_BYTES", "server.auth.ApiKey.MAX_SECRET_BYTES");
        row("token requests whose nonce", "server.auth.TokenRequests.MAX_NONCES");
        row(
                "revocations in force",
                "engine.registry.RegistryMachine.MAX_REVOCATIONS",
                "server.rest.KeysResource.MAX_TARGETS");
        row(
                "apps created through the admin API",
                "engine.registry.RegistryMachine.MAX_APPS",
                "server.apps.AppSpec.MAX_PARTS");
        row("log lines per second about refused requests", "server.auth.RefusalLog.MAX_LINES_PER_SECOND");
        row(
                "annotations in one request",
                "server.channel.Annotating.MAX_ANNOTATIONS",
                "server.channel.Annotating.MAX_PER_MESSAGE",
                "engine.session.annotation.AnnotationMachine.MAX_NAMES");
        row(
                "characters of an annotation's type, name, id",
                "server.channel.Annotating.MAX_NAME_CHARS",
                "server.channel.Annotating.MAX_NAME_CHARS",
                "server.channel.Publishing.MAX_ID_CHARS",
                "server.wire.InboundAnnotation.MAX_COUNT");
        row(
                "clients listed in one summary",
                "engine.session.annotation.Annotations.LISTED_CLIENTS",
                "engine.session.annotation.Annotations.LISTED_CLIENTS_OF_ALL");
        row("characters of a stream path", "server.streams.StreamPaths.MAX_LENGTH");
        row("characters of Content-Type", "server.streams.Exchange.MAX_STORED_HEADER");
        row("Producer-Epoch", "server.streams.AppendToStream.MAX_PRODUCER_NUMBER");
        row("Stream-TTL", "server.streams.CreateStream.MAX_TTL_SECONDS");
        row("nesting of a JSON message", "server.streams.JsonMessages.MAX_DEPTH");
        row(
                "forks that share one stream's data",
                "engine.stream.StreamMachine.MAX_FORKS",
                "engine.stream.StreamMachine.MAX_LINEAGE");
        row(
                "entries of a stream that are kept in memory",
                "engine.delivery.Topic.MAX_RECENT_ENTRIES",
                "engine.delivery.Topic.MAX_RECENT_BYTES");
        row(
                "entries of a session that are kept in memory",
                "engine.delivery.Delivery.MAX_RECENT_ENTRIES",
                "engine.delivery.SessionTopic.MAX_RECENT_BYTES");
        row("entries of all streams and sessions", HEAP_PER_WINDOWS);
        row("part of `limits.arriving-bytes`, `limits.response-bytes`", "server.http.Shares.PURSE_PER_REST");
        row("part of `limits.connections`, and of `limits.connection-bytes`", "server.http.Shares.PURSE_PER_REST");
        row("part of them that one principal of an app", "server.http.Shares.PURSE_PER_PRINCIPAL");
        row("part of them that one connection", "engine.memory.Memory.PURSE_PER_CONNECTION");
        row("open files of the process", "server.http.AcceptGate.RESERVED_FILES");
        row(
                "memory that counts in `limits.connection-bytes` for an open connection",
                "server.http.AcceptGate.CONNECTION_BYTES",
                "server.http.AcceptGate.TLS_CONNECTION_BYTES");
        row("memory that counts there for an open request in HTTP/2", "server.http.Connections.STREAM_BYTES");
        row("size up to which the head of an open request", "server.http.Connections.FREE_HEAD_BYTES");
        row("part of `limits.connection-bytes` that all open requests", "server.http.OpenRequests.PURSE_PER_REQUESTS");
        row("header fields of a request", "server.http.RequestCheck.MAX_FIELDS");
        row("size up to which the arriving head of a request", "server.http.ArrivingHead.FREE_BYTES");
        row("memory that counts there for a header field", "server.http.ArrivingHead.FIELD_BYTES");
        row("part of `limits.arriving-bytes` that all arriving heads", "server.http.ArrivingHead.PURSE_PER_HEADS");
        row("size up to which the body of a request", "server.http.RequestBody.FREE_BYTES");
        row("size up to which a body is small", "server.http.RequestBody.SMALL_BYTES");
        row(
                "memory that counts in `limits.subscription-bytes`",
                "engine.subscription.SubscriptionState.BYTES",
                "engine.subscription.Link.BYTES");
        row("values, names and brackets in a request", "server.streams.subscription.Json.MAX_PARTS");
        row("callers that wait for room in one purse", "engine.memory.Room.MAX_WAITING");
        row("payload of one SSE event", "server.streams.SseRead.BATCH_BYTES");
        row(
                "bytes that wait in the socket of an SSE reader",
                "server.streams.SseRead.QUEUE_BYTES",
                "server.loop.SocketRoom.UNSENT_BYTES");
        row("`streams.sse-keepalive` intervals", "server.streams.SseRead.STUCK_TIMES");
        row(
                "subscriptions; streams linked to one",
                "server.streams.subscription.SubscriptionManagement.MAX_SUBSCRIPTIONS",
                "engine.subscription.SubscriptionMachine.MAX_LINKS");
        row(
                "characters of a subscription's id",
                "server.streams.subscription.SubscriptionRoutes.MAX_ID",
                "server.streams.subscription.SubscriptionRequests.MAX_DESCRIPTION",
                "server.streams.subscription.SubscriptionRequests.MAX_WORKER",
                "server.streams.subscription.WebhookUrl.MAX_LENGTH");
        row(
                "lease of a wake",
                "server.streams.subscription.SubscriptionRequests.MIN_LEASE_MILLIS",
                "server.streams.subscription.SubscriptionRequests.MAX_LEASE_MILLIS");
        row(
                "concurrent webhook calls",
                "server.streams.subscription.Deliveries.MAX_CALLS",
                "server.streams.subscription.WebhookClient.MAX_ANSWER_BYTES");
        row(
                "unanswered requests of a realtime connection",
                "server.realtime.Backpressure.MAX_UNACKNOWLEDGED",
                "server.realtime.Backpressure.MAX_UNACKNOWLEDGED_BYTES");
        row("bytes that wait in the socket of a realtime connection", "server.realtime.Outbox.QUEUE_BYTES");
        row(
                "bytes that a realtime connection may receive, and send",
                "server.realtime.Intake.FREE_BYTES",
                "server.realtime.Outbox.FREE_BYTES");
        row(
                "size up to which a WebSocket message that is too large",
                "server.config.Config$Realtime.READABLE_PER_FRAME");
        row("time within which a WebSocket message", "server.realtime.Connection.MAX_ARRIVING_MILLIS");
        row(
                "bytes that are read from a WebSocket",
                "server.realtime.Intake.CLOSING_BYTES",
                "server.realtime.Outbox.CLOSE_TIMEOUT_MILLIS");
        row("pongs that wait to be sent");
        row(
                "concurrent reads of the store for streams",
                "server.loop.StoreReads.THREADS",
                "server.loop.StoreReads.MAX_WAITING",
                "server.rest.RequestsInProgress.MAX_READS");
        row("concurrent REST requests", "server.rest.RequestsInProgress.MAX_IN_PROGRESS");
        row("requests of one channel that wait", "server.reading.SessionReader.MAX_WAITING");
        row(
                "messages that `rewind` delivers",
                "server.realtime.AttachParams$Rewind.MAX_MESSAGES",
                "server.realtime.AttachPoint.REWIND_BYTES");
        row(
                "appends that are merged into one version",
                "server.realtime.Appends.MAX_PARTS",
                "server.realtime.Appends.MAX_BYTES");
        String objects = "engine.session.ObjectLimits";
        row("shared objects of a session", objects + "#objects", objects + "#keys", objects + "#bytes");
        row("value of a shared object", objects + "#valueBytes", objects + ".MAX_KEY_LENGTH");
        row("time for which removed keys and objects are kept", objects + "#graceMillis");
        row("lost connections whose members", "server.realtime.Footprints.MAX_LOST");
        row(
                "connection parameters `heartbeatInterval`",
                "server.realtime.Site.MIN_HEARTBEAT_MILLIS",
                "server.realtime.Site.MAX_HEARTBEAT_MILLIS",
                "server.realtime.Site.MAX_REMAIN_MILLIS");
        row("time after which `parley.agent-away` is published", "server.realtime.Footprints.AWAY_AFTER_MILLIS");
        row(
                "runs of a session whose agents are watched",
                "engine.session.run.RunMachine.MAX_RUNS",
                "engine.session.run.RunMachine.MAX_STREAMING");
        row("sessions in which the requests of one lost connection", "server.realtime.Footprints.MAX_SESSIONS");
    }

    @Test
    void theDocumentedLimitsAreThoseOfTheCode() throws Exception {
        List<String> unknown = new ArrayList<>();
        Map<String, List<String>> left = new LinkedHashMap<>(ROWS);
        for (Map.Entry<String, String> row : documented().entrySet()) {
            String known = ROWS.keySet().stream()
                    .filter(beginning -> row.getKey().startsWith(beginning))
                    .findFirst()
                    .orElse(null);
            if (known == null) {
                unknown.add(row.getKey());
                continue;
            }
            List<Long> values = new ArrayList<>();
            for (String constant : Objects.requireNonNull(left.remove(known))) {
                values.add(valueOf(constant));
            }
            assertThat(numbersIn(row.getValue()))
                    .as("the limit in docs/configuration.md, '%s', and %s", row.getKey(), ROWS.get(known))
                    .isEqualTo(values);
        }
        assertThat(unknown)
                .as("documented limits that no constant is known for")
                .isEmpty();
        assertThat(left.keySet()).as("limits that are documented no more").isEmpty();
    }

    private static Map<String, String> documented() throws IOException {
        String page = Files.readString(PAGE);
        assertThat(page).contains(TITLE);
        Map<String, String> rows = new LinkedHashMap<>();
        Matcher row = ROW.matcher(page.substring(page.indexOf(TITLE)));
        while (row.find()) {
            if (!row.group(1).equals("what")) {
                rows.put(row.group(1), row.group(2));
            }
        }
        return rows;
    }

    private static List<Long> numbersIn(String text) {
        List<Long> numbers = new ArrayList<>();
        Matcher found = NUMBER.matcher(text);
        while (found.find()) {
            if (found.group("word") != null) {
                numbers.add(WORDS.get(found.group("word")));
            } else if (found.group("power") != null) {
                numbers.add((1L << 53) - 1);
            } else {
                long number = Long.parseLong(found.group("number").replace(",", ""));
                String unit = found.group("unit");
                numbers.add(unit == null ? number : number * Objects.requireNonNull(UNITS.get(unit)));
            }
        }
        return numbers;
    }

    /** {@code package.Class.CONSTANT}, or {@code package.Class#part} of its constant DEFAULT. Times in milliseconds. */
    private static long valueOf(String name) throws ReflectiveOperationException {
        if (name.equals(HEAP_PER_WINDOWS)) {
            long heap = 1L << 30;
            return heap / Memory.Kind.WINDOWS.defaultBytes(heap);
        }
        int hash = name.indexOf('#');
        Object value;
        if (hash >= 0) {
            Class<?> type = Class.forName("dev.parley." + name.substring(0, hash));
            Method part = type.getMethod(name.substring(hash + 1));
            value = part.invoke(constant(type, "DEFAULT"));
        } else {
            int dot = name.lastIndexOf('.');
            value = constant(Class.forName("dev.parley." + name.substring(0, dot)), name.substring(dot + 1));
        }
        return switch (value) {
            case Duration time -> time.toMillis();
            case Number number when name.endsWith("_SECONDS") -> number.longValue() * 1_000;
            default -> ((Number) value).longValue();
        };
    }

    private static Object constant(Class<?> type, String name) throws ReflectiveOperationException {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return Objects.requireNonNull(field.get(null));
    }
}
