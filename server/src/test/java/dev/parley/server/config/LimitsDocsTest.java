package dev.parley.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.memory.Memory;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Holds the limits that are not settings, as the documentation has them, against the constants of the code. A row that is
 * new there needs its constants here, and a limit that is new in the code needs a row, or a reason here why it has none.
 */
class LimitsDocsTest {

    private static final Path PAGE = Path.of("..", "docs", "configuration.md");
    private static final String TITLE = "## Limits that are not settings\n";
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (.+?) \\| (.+?) \\|$");

    private static final Map<String, Long> UNITS = Map.of(
            "KiB", 1L << 10,
            "MiB", 1L << 20,
            "ms", 1L,
            "s", 1_000L,
            "minutes", 60_000L,
            "hour", 3_600_000L,
            "day", 86_400_000L,
            "days", 86_400_000L,
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
        row("characters of a key's name", "server.auth.ApiKey.MAX_NAME_CHARS", "server.apps.Namespace.MAX_ID_CHARS");
        row("token requests whose nonce", "server.auth.TokenRequests.MAX_NONCES");
        row(
                "characters of a nonce",
                "server.auth.TokenRequests.MIN_NONCE_CHARS",
                "server.auth.TokenRequests.MAX_NONCE_CHARS");
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
        row("bytes of appends that end inside a character", "engine.stream.Utf8.MAX_HELD_BYTES");
        row(
                "entries of a stream that are kept in memory",
                "engine.delivery.Topic.MAX_RECENT_ENTRIES",
                "engine.delivery.Topic.MAX_RECENT_BYTES");
        row(
                "entries of a session that are kept in memory",
                "engine.delivery.Delivery.MAX_RECENT_ENTRIES",
                "engine.delivery.SessionTopic.MAX_RECENT_BYTES");
        row("entries of all streams and sessions", HEAP_PER_WINDOWS);
        row("part of `limits.arriving-bytes`, `limits.response-bytes`", "engine.memory.OwnerShares.PURSE_PER_REST");
        row(
                "part of `limits.connections`, and of `limits.connection-bytes`",
                "engine.memory.OwnerShares.PURSE_PER_REST");
        row("part of them that one principal of an app", "engine.memory.OwnerShares.PURSE_PER_PRINCIPAL");
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
        row("memory that counts there for a request in HTTP/1.1", "server.http.WaitingRequests.REQUEST_BYTES");
        row("part of `limits.arriving-bytes` that all arriving heads", "server.http.ArrivingHead.PURSE_PER_HEADS");
        row("size up to which the body of a request", "server.http.RequestBody.FREE_BYTES");
        row("size up to which a body is small", "server.http.RequestBody.SMALL_BYTES");
        row(
                "body of a REST request with valid",
                "server.rest.RestDoor.MAX_BODY_BYTES",
                "server.session.SessionDoor.MAX_BODY_BYTES",
                "server.request.RequestHandler.MAX_ANONYMOUS_BODY_BYTES",
                "server.streams.subscription.SubscriptionRoutes.MAX_BODY_BYTES");
        row(
                "time for which a request waits for room",
                "server.http.Answers.PATIENCE_NANOS",
                "server.http.Answers.GRACE_NANOS",
                "server.http.Answers.LEAST_BYTES_PER_SECOND",
                "server.http.Answers.GIVE_WAY_NANOS");
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
        row(
                "`streams.sse-keepalive` intervals",
                "server.streams.SseRead.STUCK_TIMES",
                "server.streams.SseRead.LEAST_BYTES_PER_SECOND");
        row(
                "subscriptions; streams linked to one",
                "server.streams.subscription.SubscriptionManagement.MAX_SUBSCRIPTIONS",
                "engine.subscription.SubscriptionMachine.MAX_LINKS",
                "server.streams.subscription.SubscriptionManagement.MAX_LINKED_CHARS");
        row("requests about subscriptions that wait", "server.streams.subscription.RequestWorkers.MAX_WAITING");
        row(
                "characters of a subscription's id",
                "server.streams.subscription.SubscriptionRoutes.MAX_ID",
                "server.streams.subscription.SubscriptionRequests.MAX_DESCRIPTION",
                "server.streams.subscription.SubscriptionRequests.MAX_WORKER",
                "server.webhook.WebhookUrl.MAX_LENGTH",
                "server.streams.subscription.SubscriptionRequests.MAX_WAKE_ID",
                "server.streams.subscription.WakeTokens.MAX_CHARS");
        row(
                "lease of a wake",
                "server.streams.subscription.SubscriptionRequests.MIN_LEASE_MILLIS",
                "server.streams.subscription.SubscriptionRequests.MAX_LEASE_MILLIS");
        row(
                "concurrent webhook calls",
                "server.streams.subscription.Deliveries.MAX_CALLS",
                "server.webhook.WebhookClient.MAX_CONNECTIONS_PER_HOST",
                "server.streams.subscription.Deliveries.MAX_CALL",
                "server.webhook.WebhookClient.MAX_ANSWER_BYTES");
        row(
                "pause after a failed webhook call",
                "server.webhook.Chance.MIN_BACKOFF",
                "server.webhook.Chance.MAX_BACKOFF");
        row(
                "agents that a session names",
                "engine.session.wake.WakeMachine.MAX_AGENTS",
                "server.wake.AgentSpecs.MAX_ID_CHARS",
                "server.wake.AgentSpecs.MAX_NAME_CHARS",
                "server.wake.AgentSpecs.MAX_PATTERNS",
                "server.wake.AgentSpecs.MAX_HEADERS",
                "server.wake.AgentSpecs.MAX_SECRET_BYTES");
        row(
                "agents that a namespace names",
                "engine.registry.RegistryMachine.MAX_AGENTS",
                "engine.registry.RegistryMachine.MAX_AGENT_BYTES",
                "engine.registry.RegistryMachine.MAX_NAMESPACES");
        row(
                "`debounceMs` of an agent",
                "server.wake.AgentSpecs.MAX_DEBOUNCE_MILLIS",
                "engine.session.Wake.MAX_DEBOUNCES");
        row(
                "mentions in an input that count",
                "server.channel.Mentions.MAX_MENTIONS",
                "server.channel.Mentions.MAX_MENTION_CHARS");
        row(
                "attempts after which an agent's wake is given up",
                "engine.session.Wake.MAX_ATTEMPTS",
                "engine.session.Wake.MAX_AGE_MILLIS",
                "engine.session.Wake.MAX_UNWATCHED_MILLIS",
                "engine.session.Wake.MIN_BACKOFF_MILLIS",
                "engine.session.Wake.MAX_BACKOFF_MILLIS",
                "engine.session.Wake.MAX_INPUTS");
        row(
                "characters of the `inputEventId` with which an agent is woken",
                "server.session.AgentsResource.MAX_EVENT_ID_CHARS",
                "server.session.WakesResource.MAX_WORKER_CHARS");
        row("messages with which agents wake each other", "engine.session.wake.WakeMachine.MAX_TURNS");
        row(
                "concurrent calls of agents",
                "server.wake.WakeCalls.MAX_CALLS",
                "server.wake.WakeCalls.MAX_CALL",
                "server.wake.WakeCalls.ACCEPTED_LEASE");
        row(
                "agents that answer with server-sent events at once",
                "server.wake.WakeCalls.MAX_ANSWERS",
                "server.wake.AgentAnswers.MAX_ANSWER",
                "server.wake.AgentAnswers.MAX_ANSWER_BYTES",
                "server.wake.DataLines.MAX_LINE_BYTES",
                "server.wake.RunWriter.MAX_SAID_BYTES",
                "server.wake.RunWriter.MAX_MESSAGES",
                "server.wake.AnswerChunks.MAX_CALLS",
                "server.wake.AgentAnswers.MAX_REASON_CHARS",
                "server.wake.RunWriter.MAX_ROOM_WAIT");
        row(
                "messages that such an agent is called with",
                "server.wake.Prompts.MAX_MESSAGES",
                "server.wake.Prompts.MAX_BYTES",
                "server.wake.Prompts.MAX_READ",
                "server.wake.Prompts.MAX_AT_A_TIME");
        row(
                "notifications of a session that wait",
                "engine.session.notify.NotifyMachine.MAX_PENDING",
                "engine.session.Notification.MAX_ATTEMPTS",
                "engine.session.notify.NotifyMachine.MAX_PEOPLE");
        row(
                "concurrent calls of applications",
                "server.notify.NotifyCalls.MAX_CALLS",
                "server.notify.NotifyCalls.MAX_CALL");
        row(
                "lease of a claimed wake of an agent",
                "server.session.WakesResource.MIN_LEASE_MILLIS",
                "server.session.WakesResource.MAX_LEASE_MILLIS",
                "server.session.WakeClaims.MAX_WAITING",
                "server.session.WakeClaims.MAX_WAIT_MILLIS",
                "server.session.WakeClaims.MAX_LOOKED",
                "server.session.WakesResource.MAX_RETRY_MILLIS");
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
        row("nesting of a WebSocket message", "server.wire.WireFormat.MAX_DEPTH", "server.wire.WireFormat.MAX_PARTS");
        row(
                "characters of a channel's name",
                "server.channel.ChannelName.MAX_CHARS",
                "server.channel.MessageFilter.MAX_CHARS");
        row(
                "messages, operations on shared objects in one request",
                "server.channel.Publishing.MAX_MESSAGES",
                "server.channel.ObjectPublishing.MAX_OPERATIONS");
        row("messages per second that clients are told", "server.realtime.Site.MAX_INBOUND_RATE");
        row("requests of a connection that are remembered", "engine.session.remembered.Remembered.KEPT_REQUESTS");
        row(
                "bytes that are read from a WebSocket",
                "server.realtime.Intake.CLOSING_BYTES",
                "server.realtime.Outbox.CLOSE_TIMEOUT_MILLIS");
        row("pongs that wait to be sent");
        row(
                "concurrent reads of the store for streams",
                "server.loop.StoreReads.THREADS",
                "server.loop.StoreReads.MAX_WAITING",
                "server.request.RequestsInProgress.MAX_READS");
        row("concurrent REST requests", "server.request.RequestsInProgress.MAX_IN_PROGRESS");
        row(
                "conversations that the session door",
                "server.session.Conversations.MAX_AT_A_TIME",
                "server.session.Conversations.MAX_MESSAGES");
        row("sessions at which one request", "server.session.SessionsResource.MAX_EXAMINED");
        row(
                "streams in one answer to a request for a list of streams",
                "server.streams.ListStreams.MAX_LISTED",
                "engine.stream.Streams.MAX_EXAMINED");
        row("participants of a session", "engine.session.log.IndexTx.MAX_PARTICIPANTS");
        row(
                "removals by retention of which",
                "engine.session.log.Removed.MAX_REMOVALS",
                "engine.session.log.Removed.MAX_SERIALS");
        row(
                "labels of a session",
                "server.session.Labels.MAX_LABELS",
                "server.session.Labels.MAX_KEY_CHARS",
                "server.session.Labels.MAX_VALUE_CHARS",
                "server.session.Labels.MAX_ASKED");
        row(
                "characters of an id in a request to the session door",
                "server.session.InputsResource.MAX_ID_CHARS",
                "server.session.ConversationResource.MAX_SELECTED",
                "server.session.ExportResource.MAX_VERSIONS");
        row(
                "forks that the session door makes",
                "server.session.ForkResource.MAX_AT_A_TIME",
                "server.session.ForkResource.MAX_MESSAGES",
                "engine.session.Origin.MAX_ANCESTORS");
        row(
                "characters of a device's id",
                "server.channel.Devices.MAX_ID_CHARS",
                "server.session.DevicesResource.MAX_NAME_CHARS",
                "server.channel.Devices.STAY");
        row(
                "entries of one page of a REST list",
                "server.request.Request.MAX_LIMIT",
                "server.request.Request.DEFAULT_LIMIT");
        row(
                "publishes in one batch request",
                "server.rest.BatchResource.MAX_SPECS",
                "server.rest.BatchResource.MAX_CHANNELS");
        row(
                "keys in the path to a shared object",
                "server.rest.ObjectPath.MAX_SEGMENTS",
                "server.rest.ObjectPath.MAX_FOUND");
        row(
                "maps and values in one tree of shared objects",
                "server.wire.ObjectTree.MAX_NODES",
                "server.wire.ObjectTree.MAX_DEPTH",
                "server.wire.ObjectTree.MAX_BYTES");
        row("requests of one channel that wait", "server.reading.SessionReader.MAX_WAITING");
        row(
                "messages that `rewind` delivers",
                "server.realtime.AttachParams$Rewind.MAX_MESSAGES",
                "server.realtime.AttachPoint.REWIND_BYTES");
        row(
                "appends that are merged into one version",
                "server.realtime.Appends.MAX_PARTS",
                "server.realtime.Appends.MAX_BYTES");
        row("time for which a client may ask", "server.realtime.Appends.MAX_WINDOW_MILLIS");
        String objects = "engine.session.ObjectLimits";
        row("shared objects of a session", objects + "#objects", objects + "#keys", objects + "#bytes");
        row(
                "value of a shared object",
                objects + "#valueBytes",
                objects + ".MAX_KEY_LENGTH",
                "engine.session.object.ObjectIds.MAX_LENGTH");
        row("time for which clients' own ids of operations", "engine.session.object.ObjectTx.KEPT_IDS_MILLIS");
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
        row("characters of the id of a run", "server.channel.RunNotes.MAX_ID_CHARS");
        row("cancels of a session that are kept", "engine.session.run.RunMachine.MAX_CANCELS");
        row("days after which the control of a session", "server.channel.Controlling.MAX_DAYS");
        row("changes of the control of one session", "engine.session.control.ControlMachine.MAX_CHANGES");
        row(
                "bits of an RSA key",
                "server.auth.IdentityProvider.MIN_RSA_BITS",
                "server.auth.ProviderKeys.MAX_BYTES",
                "server.auth.IdentityProvider.LEAST_INTERVAL",
                "server.auth.ProviderKeys.MAX_AGE");
        row("roles of one token", "server.auth.Principal.MAX_ROLES", "server.auth.Principal.MAX_ROLE_CHARS");
        row(
                "sessions that have a timeline",
                "server.timeline.Timelines.MAX_SESSIONS",
                "server.timeline.Timelines.MAX_VISITS",
                "server.timeline.Timelines.MAX_EVENTS",
                "server.timeline.Timelines.MAX_FOLLOWED",
                "server.timeline.Timelines.MAX_DETAIL_CHARS");
        row(
                "open requests of a session",
                "engine.session.request.RequestMachine.MAX_OPEN",
                "engine.session.request.RequestMachine.MAX_CLOSED",
                "engine.session.request.RequestMachine.MAX_QUORUM");
        row(
                "size of the arguments that are kept with a request",
                "engine.session.request.RequestMachine.MAX_ARGUMENT_BYTES",
                "engine.session.request.RequestMachine.MAX_CALLS");
        row(
                "characters of a request's title",
                "server.channel.Requesting.MAX_TITLE_CHARS",
                "server.channel.Requesting.MAX_CLIENTS",
                "server.channel.RunNotes.MAX_COMMENT_CHARS",
                "server.channel.Requesting.MAX_DAYS");
        row("requests at which one look into the inbox", "engine.session.request.Requests.MAX_EXAMINED");
        row("sessions in which the requests of one lost connection", "server.realtime.Footprints.MAX_SESSIONS");
    }

    /** Constants with such a name bound something. */
    private static final Pattern LIMIT = Pattern.compile("(MAX|MIN|LEAST|KEPT|FREE|LISTED|PATIENCE)_.*");

    private static final Set<Class<?>> NUMBERS = Set.of(int.class, long.class, double.class, Duration.class);
    private static final Pattern CLASS_FILE = Pattern.compile("dev/parley/((?:engine|server)/.+)\\.class");

    /** Limits without a row. None of them refuses, cuts or forgets what a client has sent. */
    private static final Set<String> NOT_FOR_CLIENTS = new TreeSet<>();

    private static void notForClients(@SuppressWarnings("unused") String reason, String... constants) {
        NOT_FOR_CLIENTS.addAll(List.of(constants));
    }

    static {
        notForClients(
                "how much is done at a time, or how long before something else has its turn; the rest follows",
                "engine.Committer.MAX_GROUP_BYTES",
                "engine.Pipeline.MAX_TAKEN_BYTES",
                "engine.Pipeline.MAX_UNAPPLIED",
                "engine.Purging.MAX_SESSIONS",
                "engine.Recovery.MAX_BATCH",
                "engine.Recovery.MAX_BATCH_BYTES",
                "engine.registry.RegistryMachine.MAX_FORGOTTEN",
                "engine.session.machine.SessionMachine.MAX_TRIMMED",
                "engine.session.object.ObjectFold.MAX_DELETED",
                "engine.subscription.Upkeep.MAX_NOTICED",
                "engine.subscription.Upkeep.MAX_PENDING",
                "server.loop.Audience.MAX_REST_MILLIS",
                "server.loop.Audience.MAX_TURN_NANOS",
                "server.realtime.Outbox.MAX_READING",
                "server.streams.SessionRead.MAX_REST_MILLIS",
                "server.webhook.DueCalls.MAX_REST",
                // Agents that answer are fewer than that.
                "server.webhook.WebhookClient.MAX_STREAMS_PER_HOST",
                "server.streams.subscription.Dispatcher.MAX_SLEEP_MILLIS");
        notForClients(
                "attempts at a read or a fork that meets a change, after which the client is told to try again",
                "engine.Forks.MAX_TRIES",
                "server.streams.CatchUp.MAX_ATTEMPTS",
                "server.streams.LiveRead.MAX_ATTEMPTS");
        notForClients(
                "what is remembered to save work; without it, the work is done again",
                "server.channel.RunNotes.MAX_GROWING",
                "server.realtime.AttachmentGroup.MAX_ENCODED",
                "server.streams.SessionPlace.MAX_IDS_CHARS",
                "server.streams.subscription.News.MAX_STREAMS");
        notForClients(
                "nodes, restored backups and older versions, which come from who runs the server",
                "engine.Submitters.MAX_NODES",
                "engine.identity.Identities.MAX_REMEMBERED",
                "engine.life.Lives.MAX_ENDED",
                "engine.life.Lives.MAX_NODES",
                "server.config.Config$Webhooks.MAX_HOST_CHARS",
                "server.realtime.Upgrade.MAX_MESSAGES");
        notForClients(
                "the bounds of a setting's default, which the table of settings has",
                "server.config.Config$Engine.MAX_DEFAULT_CACHE_BYTES",
                "server.config.Config$Engine.MAX_DEFAULT_MEMTABLE_BYTES",
                "server.config.Config$Engine.MIN_DEFAULT_MEMTABLE_BYTES");
        notForClients(
                "what the server writes into a log line or an answer",
                "server.auth.RefusalLog.MAX_RESOURCE_CHARS",
                "server.http.Gzip.LEAST_BYTES",
                "server.rest.RestForm.MAX_ERROR_HEADER_CHARS",
                "server.streams.CatchUp.MAX_CACHE_SECONDS",
                "server.streams.CatchUp.MAX_STALE_SECONDS",
                "server.streams.Cursors.MAX_JITTER_SECONDS");
        notForClients(
                "the greatest values of a number format or a clock; nothing beyond them has a meaning",
                "server.rest.Range.MAX_MILLIS",
                "server.streams.AppendToStream.MAX_PRODUCER_DIGITS",
                "server.streams.Cursors.MAX_DIGITS",
                "server.wire.JsonWriter.MAX_WHOLE");
        notForClients(
                "the commands that ask a server: how patient they are, and what they show",
                "server.cli.remote.Doctor.MAX_APART",
                "server.cli.remote.Remote.MAX_SHOWN",
                "server.cli.remote.Tail.MAX_FAILURES");
        notForClients(
                "the engine's own check of what the server has refused before, at the bound that a row has",
                "engine.session.annotation.AnnotationMachine.MAX_COUNT");
    }

    @Test
    void everyLimitOfTheCodeIsDocumentedOrNotForClients() throws Exception {
        Set<String> documented = new TreeSet<>();
        ROWS.values().forEach(documented::addAll);
        Set<String> missing = limitsInTheCode();
        assertThat(missing).as("limits that were excepted, and are no more").containsAll(NOT_FOR_CLIENTS);
        assertThat(documented)
                .as("limits that are documented although they are excepted")
                .doesNotContainAnyElementsOf(NOT_FOR_CLIENTS);
        missing.removeAll(documented);
        missing.removeAll(NOT_FOR_CLIENTS);
        assertThat(missing)
                .as("limits without a row in docs/configuration.md: add one, or say here why no client meets them")
                .isEmpty();
    }

    private static Set<String> limitsInTheCode() throws Exception {
        Set<String> names = new TreeSet<>();
        for (Class<?> ofModule : List.of(Memory.class, Config.class)) {
            Path place = Path.of(
                    ofModule.getProtectionDomain().getCodeSource().getLocation().toURI());
            if (Files.isDirectory(place)) {
                names.addAll(limitsIn(place));
            } else {
                try (FileSystem jar = FileSystems.newFileSystem(place)) {
                    names.addAll(limitsIn(jar.getPath("/")));
                }
            }
        }
        return names;
    }

    private static Set<String> limitsIn(Path root) throws Exception {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Matcher found = CLASS_FILE.matcher(root.relativize(file).toString());
                if (!found.matches()) {
                    continue;
                }
                String type = found.group(1).replace('/', '.');
                for (Field field : Class.forName("dev.parley." + type, false, LimitsDocsTest.class.getClassLoader())
                        .getDeclaredFields()) {
                    if (isLimit(field)) {
                        names.add(type + "." + field.getName());
                    }
                }
            }
        }
        return names;
    }

    private static boolean isLimit(Field field) {
        return Modifier.isStatic(field.getModifiers())
                && Modifier.isFinal(field.getModifiers())
                && NUMBERS.contains(field.getType())
                && LIMIT.matcher(field.getName()).matches();
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
            case Number number when name.endsWith("_NANOS") -> TimeUnit.NANOSECONDS.toMillis(number.longValue());
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
