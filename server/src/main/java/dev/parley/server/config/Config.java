package dev.parley.server.config;

import static dev.parley.server.config.Setting.Unit.BYTES;
import static dev.parley.server.config.Setting.Unit.MILLISECONDS;

import dev.parley.engine.memory.Memory;
import dev.parley.server.apps.Namespace;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.IdentityProvider;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All settings of a server, checked. This is the one table of settings: a component with {@link Setting} is read from
 * the configuration file, the environment and the command line, and documented, without another line of code.
 */
public record Config(
        Server server,
        Data data,
        Tls tls,
        Auth auth,
        Identity identity,
        Cors cors,
        Streams streams,
        Webhooks webhooks,
        Sessions sessions,
        Realtime realtime,
        Runs runs,
        Audit audit,
        Limits limits,
        Engine engine,
        Log log,
        Metrics metrics) {

    /** The size that a command may have in the journal besides the body of its request. */
    private static final int RECORD_OVERHEAD_BYTES = 1 << 20;

    public Config {
        if (auth.insecureNoAuth() && identity.jwksUrl() != null) {
            throw new ConfigException("auth.insecure-no-auth contradicts identity.jwks-url: with an identity provider"
                    + " configured, everybody needs a token or a key");
        }
        long least = 2L * recordBytes(limits) + RECORD_OVERHEAD_BYTES;
        if (engine.segmentBytes() < least) {
            throw new ConfigException("engine.segment-bytes must be at least %d for limits.body-bytes of %d, not %d"
                    .formatted(least, limits.bodyBytes(), engine.segmentBytes()));
        }
    }

    private static int recordBytes(Limits limits) {
        return limits.bodyBytes() + RECORD_OVERHEAD_BYTES;
    }

    /** The largest record of the journal. */
    public int maxRecordBytes() {
        return recordBytes(limits);
    }

    /** Whether nothing is configured with which a client could show who it is. */
    public boolean isOpen() {
        return auth.keys().isEmpty() && identity.jwksUrl() == null;
    }

    public record Server(
            @Setting(value = "127.0.0.1", doc = "Address or host name to listen on.")
            String host,

            @Setting(value = "4437", max = 65_535, doc = "Port to listen on; `0` takes a free one.")
            int port,

            @Setting(
                    value = "0",
                    max = 1_024,
                    doc = "Number of threads that serve connections. `0` means one for every two processors; the"
                            + " engine uses the others.")
            int eventLoops,

            @Setting(
                    doc = "Scheme, host and port at which clients reach this server, for the URLs that it gives to"
                            + " them. Without it, the server uses the address of the request.")
            @Nullable
            URI publicUrl,

            @Setting(
                    doc = "Addresses, or networks such as `10.0.0.0/8`, of proxies whose `X-Forwarded-Proto` and"
                            + " `X-Forwarded-Host` are used when `server.public-url` is not set, and which may use all"
                            + " the room for connections and for arriving headers.")
            List<String> trustedProxies,

            @Setting(
                    doc = "Further host names under which a streams door without keys answers, in addition to those"
                            + " of this machine and of `server.public-url`; see"
                            + " [security](security.md#open-doors-and-web-pages).")
            List<String> allowedHosts,

            @Setting(
                    value = "10000",
                    max = 600_000,
                    unit = MILLISECONDS,
                    doc = "How long a shutdown waits for requests and live reads to end.")
            Duration drainTimeout) {

        public Server {
            for (String proxy : trustedProxies) {
                try {
                    Network.parse(proxy);
                } catch (IllegalArgumentException e) {
                    throw new ConfigException("server.trusted-proxies: '" + proxy
                            + "' is no address and no network, such as 10.0.0.1 or 10.0.0.0/8");
                }
            }
        }

        public List<Network> trustedNetworks() {
            return trustedProxies.stream().map(Network::parse).toList();
        }

        public int eventLoopCount() {
            return eventLoops == 0 ? Math.max(1, Runtime.getRuntime().availableProcessors() / 2) : eventLoops;
        }
    }

    public record Data(
            @Setting(
                    value = "parley-data",
                    doc = "Folder in which the server keeps all its data; it is created if it does not exist.")
            Path dir) {}

    public record Tls(
            @Setting(doc = "PEM file with the certificate chain; together with `tls.key` it turns TLS on.") @Nullable
            Path cert,

            @Setting(doc = "PEM file with the private key (PKCS #8) of the certificate.") @Nullable
            Path key,

            @Setting(
                    value = "10000",
                    min = 10,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc =
                            "How often the server looks whether the two files have changed. New connections get a renewed certificate.")
            Duration reloadInterval) {

        public Tls {
            if ((cert == null) != (key == null)) {
                throw new ConfigException("tls.cert and tls.key belong together: set both or neither");
            }
        }

        public boolean enabled() {
            return cert != null;
        }
    }

    public record Auth(
            @Setting(
                    doc = "API keys with their capabilities, see [security](security.md). On the command line or in"
                            + " the environment: YAML, or one bare key that may do everything.")
            List<ApiKey> keys,

            @Setting(
                    value = "false",
                    doc = "Whether everybody is served without a key, even beyond this machine. For networks in"
                            + " which everybody is trusted, or behind a proxy that checks access.")
            boolean insecureNoAuth,

            @Setting(
                    value = "86400000",
                    min = 1_000,
                    unit = MILLISECONDS,
                    doc = "Longest lifetime of a token, and how far ahead its expiry may lie.")
            Duration tokenLifetime,

            @Setting(
                    value = "false",
                    doc = "Whether apps can be created and removed over HTTP, see [security](security.md#apps).")
            boolean adminApi,

            @Setting(
                    doc =
                            "App whose sessions the session door and the streams of sessions serve without a key, for clients"
                                    + " that send none. Only while `server.host` is of this machine; see"
                                    + " [security](security.md#sessions-without-a-key).")
            @Nullable
            String visitorsApp) {

        public Auth {
            if (visitorsApp != null && !ApiKey.isApp(visitorsApp)) {
                throw new ConfigException(
                        "auth.visitors-app: '" + visitorsApp + "' is no app: letters, digits, '-' and '_'");
            }
            if (insecureNoAuth && !keys.isEmpty()) {
                throw new ConfigException(
                        "auth.insecure-no-auth contradicts auth.keys: with keys configured, everybody needs one");
            }
            long names = keys.stream().map(ApiKey::name).distinct().count();
            if (names != keys.size()) {
                throw new ConfigException("auth.keys has two keys of the same name");
            }
        }
    }

    public record Identity(
            @Setting(
                    doc =
                            "URL at which an identity provider publishes its keys (JWKS). Its tokens, signed with RS256 or ES256,"
                                    + " then give access, see [security](security.md#tokens-of-an-identity-provider).")
            @Nullable
            String jwksUrl,

            @Setting(doc = "Issuer (`iss`) of the tokens.") @Nullable
            String issuer,

            @Setting(doc = "What the audience (`aud`) of the tokens has to contain.") @Nullable
            String audience,

            @Setting(doc = "App whose sessions the tokens give access to.") @Nullable
            String app,

            @Setting(doc = "What the tokens may do at most, as the capability of a key: JSON or YAML.") @Nullable
            String capability,

            @Setting(value = "sub", doc = "Claim with the client id.")
            String clientIdClaim,

            @Setting(
                    value = "parley-capability",
                    doc = "Claim that may narrow what a token may do. A token without it may do everything in"
                            + " `identity.capability`.")
            String capabilityClaim,

            @Setting(value = "parley-roles", doc = "Claim with the roles of the bearer.")
            String rolesClaim,

            @Setting(
                    value = "300000",
                    min = 5_000,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc =
                            "How often the keys are fetched. A token that names an unknown key makes the server fetch them at"
                                    + " once, at most every 5 seconds.")
            Duration refreshInterval) {

        public Identity {
            for (String other : Arrays.asList(issuer, audience, app, capability)) {
                if ((jwksUrl == null) != (other == null)) {
                    throw new ConfigException("identity.jwks-url, identity.issuer, identity.audience, identity.app and"
                            + " identity.capability belong together: set all or none");
                }
            }
            if (jwksUrl != null
                    && !jwksUrl.matches("https://[^/]+/.*|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d+)?/.*")) {
                throw new ConfigException(
                        "identity.jwks-url: '" + jwksUrl + "' is no https URL, nor an http URL of this machine");
            }
            if (app != null && !ApiKey.isApp(app)) {
                throw new ConfigException("identity.app: '" + app + "' is no app: letters, digits, '-' and '_'");
            }
            if (capability != null) {
                parse(capability);
            }
        }

        private static Capabilities parse(String capability) {
            try {
                return Capabilities.parse(capability);
            } catch (IllegalArgumentException e) {
                throw new ConfigException("identity.capability: " + e.getMessage());
            }
        }

        /** The provider, or null if there is none. */
        public @Nullable IdentityProvider open() {
            if (jwksUrl == null || issuer == null || audience == null || app == null || capability == null) {
                return null;
            }
            return new IdentityProvider(
                    URI.create(jwksUrl),
                    refreshInterval,
                    new IdentityProvider.Terms(
                            issuer, audience, app, parse(capability), clientIdClaim, capabilityClaim, rolesClaim));
        }
    }

    public record Cors(
            @Setting(
                    doc = "Web origins whose pages may use the server; `*` means all. If the list is empty, all"
                            + " origins are allowed, except where streams are open to everybody on this machine: there,"
                            + " only pages of this machine are.")
            List<String> origins,

            @Setting(doc = "Request headers that pages may send in addition to those that the protocols need.")
            List<String> headers) {

        public Cors {
            for (String header : headers) {
                if (!header.matches("[!#$%&'*+.^_`|~\\w-]+")) {
                    throw new ConfigException("cors.headers: '" + header + "' is no name of a header");
                }
            }
        }
    }

    public record Streams(
            @Setting(
                    value = "20000",
                    min = 1,
                    max = 600_000,
                    unit = MILLISECONDS,
                    doc = "How long a long-poll waits for news. Keep it below the timeout of proxies in front of"
                            + " the server, which is often 30000 or 60000.")
            Duration longPollTimeout,

            @Setting(
                    value = "60000",
                    min = 1,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc = "Time after which an SSE response ends, so that proxies and caches can collapse readers."
                            + " The response may end up to a fifth earlier.")
            Duration sseMaxAge,

            @Setting(
                    value = "15000",
                    min = 100,
                    max = 3_600_000,
                    unit = MILLISECONDS,
                    doc = "Time after which a quiet SSE response gets a comment, so that no proxy takes it for"
                            + " idle. The comment may come up to a fifth earlier.")
            Duration sseKeepalive) {}

    public record Webhooks(
            @Setting(
                    doc = "Scheme, host and port at which workers reach this server, for the links in webhooks."
                            + " Without it, the server uses `server.public-url`, or the address that the client used"
                            + " when it created the subscription.")
            @Nullable
            URI callbackUrl,

            @Setting(
                    doc =
                            "Names of hosts, addresses, and networks such as 10.0.0.0/8, at which agents, and applications that"
                                    + " are told of something, may be called although they are not in the public internet, also by"
                                    + " plain HTTP; see"
                                    + " [security](security.md#agents-that-are-called).")
            List<String> agentsInside,

            @Setting(
                    value = "60000",
                    min = 100,
                    max = 3_600_000,
                    unit = MILLISECONDS,
                    doc =
                            "How long an agent that answers with server-sent events may send nothing; its run then ends with an"
                                    + " error. See [sessions](sessions.md#agents-that-answer-with-what-they-say).")
            Duration agentSilence) {

        /** The longest name of a host. */
        private static final int MAX_HOST_CHARS = 253;

        public Webhooks {
            for (String inside : agentsInside) {
                if (!isNetwork(inside) && !isHost(inside)) {
                    throw new ConfigException(
                            "webhooks.agents-inside: '" + inside
                                    + "' is no name of a host, no address and no network, such as agent.internal or 10.0.0.0/8");
                }
            }
        }

        private static boolean isHost(String text) {
            return text.length() <= MAX_HOST_CHARS && text.matches("[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*");
        }

        private static boolean isNetwork(String text) {
            try {
                Network.parse(text);
                return true;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }

        /** The hosts among them, in lower case. */
        public List<String> hostsInside() {
            return agentsInside.stream()
                    .filter(inside -> !isNetwork(inside))
                    .map(name -> name.toLowerCase(Locale.ROOT))
                    .toList();
        }

        /** The networks among them. */
        public List<Network> networksInside() {
            return agentsInside.stream()
                    .filter(Webhooks::isNetwork)
                    .map(Network::parse)
                    .toList();
        }
    }

    public record Sessions(
            @Setting(
                    doc = "Rules for sessions, by the part of their names before the first colon; see"
                            + " [security](security.md#namespaces). On the command line or in the environment: YAML.")
            List<Namespace> namespaces) {

        public Sessions {
            if (namespaces.stream().map(Namespace::id).distinct().count() != namespaces.size()) {
                throw new ConfigException("sessions.namespaces has two namespaces of the same id");
            }
        }
    }

    public record Realtime(
            @Setting(
                    value = "65536",
                    min = 1_024,
                    max = 16_777_216,
                    unit = BYTES,
                    doc = "Largest message, and largest sum of the messages that are published together.")
            int messageBytes,

            @Setting(
                    value = "4194304",
                    min = 1_024,
                    max = 67_108_864,
                    unit = BYTES,
                    doc =
                            "Size to which a message may grow by appends, at least `realtime.message-bytes`. Appends"
                                    + " are accepted until the message has this size. A reader of such a message reads it whole.")
            int grownBytes,

            @Setting(
                    value = "524288",
                    min = 4_096,
                    max = 67_108_864,
                    unit = BYTES,
                    doc = "Largest WebSocket message. A message takes more than its own size in it, because of JSON"
                            + " and base64.")
            int frameBytes,

            @Setting(
                    value = "2000",
                    min = 1,
                    max = 1_000_000,
                    doc = "Channels to which one connection may be attached.")
            int channelsPerConnection,

            @Setting(
                    value = "1000000",
                    min = 1,
                    max = 100_000_000,
                    doc = "Channels to which all connections together may be attached.")
            int attachments,

            @Setting(
                    value = "15000",
                    min = 0,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc = "How long the presence members of a lost connection stay, so that the connection can come"
                            + " back.")
            Duration presenceGrace,

            @Setting(
                    value = "60000",
                    min = 0,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc = "How long the agent of a run may be gone before the server ends the run.")
            Duration runGrace,

            @Setting(
                    value = "5000",
                    min = 0,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc = "How long the agent may remain gone after its presence member has left because of the"
                            + " lost connection. The server ends the run then, if that is earlier.")
            Duration runGraceAfterLeave,

            @Setting(
                    value = "15000",
                    min = 1_000,
                    max = 1_800_000,
                    unit = MILLISECONDS,
                    doc = "Interval in which a client hears from the server, unless the client asks for another"
                            + " one. A client that sends nothing for twice the interval is lost.")
            Duration heartbeatInterval,

            @Setting(
                    value = "30000",
                    min = 1_000,
                    max = 3_600_000,
                    unit = MILLISECONDS,
                    doc = "How long a client may read more slowly than the server sends; after that it is"
                            + " disconnected.")
            Duration slowTimeout) {

        /**
         * How many times larger than allowed a message may be and is still read, so that only its request is refused.
         */
        private static final int READABLE_PER_FRAME = 16;

        /** The size up to which a WebSocket message is read. A larger one ends the connection. */
        public int readableFrameBytes() {
            return (int) Math.min(Integer.MAX_VALUE / 2, (long) READABLE_PER_FRAME * frameBytes);
        }

        public Realtime {
            if (frameBytes < 2L * messageBytes) {
                throw new ConfigException(
                        "realtime.frame-bytes must be at least twice realtime.message-bytes, %d, not %d"
                                .formatted(messageBytes, frameBytes));
            }
        }
    }

    public record Runs(
            @Setting(
                    value = "120000",
                    min = 100,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc = "An agent that is connected and says nothing for this time in the middle of a run is"
                            + " stalled; see [sessions](sessions.md#agents-that-say-nothing).")
            Duration stallAfter) {}

    public record Audit(
            @Setting(
                    value = "31536000000",
                    min = 120_000,
                    max = 315_360_000_000L,
                    unit = MILLISECONDS,
                    doc = "How long decisions of requests and changes of the control of sessions are kept, at least as"
                            + " long as messages; see [sessions](sessions.md#what-is-kept-for-auditors).")
            Duration retention) {}

    public record Limits(
            @Setting(value = "16777216", min = 1_024, max = 536_870_912, unit = BYTES, doc = "Largest request body.")
            int bodyBytes,

            @Setting(
                    value = "1048576",
                    min = 1_024,
                    max = 1_073_741_824,
                    unit = BYTES,
                    doc = "Largest catch-up response. A single larger message is an exception.")
            int chunkBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory for all whole responses that clients have not yet accepted; further requests are"
                            + " refused with 503. `0` means an eighth of the heap.")
            long responseBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory for requests that have arrived in part; further ones are refused with 503 or not"
                            + " read. `0` means an eighth of the heap.")
            long arrivingBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory for data that live readers have been given and their sockets have not accepted. A"
                            + " slow reader gets no more data while it is used up. `0` means an eighth of the heap.")
            long backlogBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc =
                            "Memory of open connections as such, of open requests in HTTP/2 and of large heads, by estimate; more are closed, or refused."
                                    + " `0` means a sixteenth of the heap.")
            long connectionBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory of all subscriptions and their links to streams; more are refused with 409."
                            + " `0` means a thirty-second of the heap.")
            long subscriptionBytes,

            @Setting(
                    value = "16384",
                    min = 1_024,
                    max = 1_048_576,
                    unit = BYTES,
                    doc = "Greatest sum of a request's header fields.")
            int headerBytes,

            @Setting(value = "8192", min = 256, max = 65_536, unit = BYTES, doc = "Longest request line.")
            int urlBytes,

            @Setting(
                    value = "100000",
                    min = 1,
                    max = 10_000_000,
                    doc = "Connections open at once; further ones are closed.")
            int connections,

            @Setting(value = "100000", min = 1, max = 10_000_000, doc = "Live reads (long-poll, SSE) open at once.")
            int liveReaders,

            @Setting(
                    value = "30000",
                    min = 100,
                    max = 3_600_000,
                    unit = MILLISECONDS,
                    doc = "Time within which the headers of a request must arrive, and how long its body may bring"
                            + " nothing. Also how long a client may leave sent bytes unacknowledged.")
            Duration requestTimeout,

            @Setting(
                    value = "4",
                    max = 1_000_000,
                    unit = BYTES,
                    doc = "Lowest average rate, in bytes per second, of a body over each `limits.request-timeout`.")
            int bodyRate,

            @Setting(
                    value = "75000",
                    min = 100,
                    max = 3_600_000,
                    unit = MILLISECONDS,
                    doc = "How long a connection may stay open between requests.")
            Duration idleTimeout) {}

    public record Engine(
            @Setting(
                    value = "1",
                    min = 1,
                    max = 256,
                    doc = "Number of threads that apply commands; fixed when the data folder is first used.")
            int shards,

            @Setting(
                    value = "67108864",
                    min = 1_048_576,
                    max = Integer.MAX_VALUE,
                    unit = BYTES,
                    doc = "Size of a journal file. The largest request body must fit in it twice, with 3 MiB to"
                            + " spare.")
            long segmentBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory outside the heap in which the store caches data that it has read. `0` means as"
                            + " much as an eighth of the heap, at most 256 MiB.")
            long cacheBytes,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory outside the heap for data that the store has not yet written to its files. While"
                            + " data is being written, the store uses somewhat more. `0` means as much as an eighth of"
                            + " the heap, at least 32 MiB and at most 256 MiB.")
            long memtableBytes,

            @Setting(value = "100000", min = 1, max = 100_000_000, doc = "Streams whose state is kept in memory.")
            int cachedStreams,

            @Setting(
                    value = "100000",
                    min = 1,
                    max = 10_000_000,
                    doc = "Commands that may wait for the disk; further ones are refused with 503.")
            int waitingCommands,

            @Setting(
                    value = "0",
                    unit = BYTES,
                    doc = "Memory for the waiting commands; further ones are refused with 503. `0` means an eighth"
                            + " of the heap.")
            long waitingBytes,

            @Setting(
                    value = "67108864",
                    unit = BYTES,
                    doc = "Free disk space, in addition to what a journal file and the unwritten part of the store"
                            + " need, below which every request that would store something is refused.")
            long minFreeBytes,

            @Setting(
                    value = "30000",
                    min = 100,
                    max = 86_400_000,
                    unit = MILLISECONDS,
                    doc = "How often the store is written to disk. A restart replays the commands after the last"
                            + " checkpoint.")
            Duration checkpointInterval) {

        private static final int HEAP_PER_CACHE = 8;
        private static final long MAX_DEFAULT_CACHE_BYTES = 256L << 20;
        private static final int HEAP_PER_MEMTABLES = 8;
        private static final long MIN_DEFAULT_MEMTABLE_BYTES = 32L << 20;
        private static final long MAX_DEFAULT_MEMTABLE_BYTES = 256L << 20;

        /** The memory for data that the store caches, in a process whose heap can grow to {@code heapBytes}. */
        public long cacheBytesOrDefault(long heapBytes) {
            return cacheBytes == 0 ? Math.min(MAX_DEFAULT_CACHE_BYTES, heapBytes / HEAP_PER_CACHE) : cacheBytes;
        }

        /** The memory for data that the store has not written yet, in such a process. */
        public long memtableBytesOrDefault(long heapBytes) {
            return memtableBytes == 0
                    ? Math.clamp(heapBytes / HEAP_PER_MEMTABLES, MIN_DEFAULT_MEMTABLE_BYTES, MAX_DEFAULT_MEMTABLE_BYTES)
                    : memtableBytes;
        }
    }

    public record Log(
            @Setting(value = "text", doc = "Format of log lines on standard error.")
            Format format,

            @Setting(value = "info", doc = "Lowest level that is logged; `debug` has a line for each request.")
            Level level) {

        public enum Format {
            TEXT,
            JSON
        }

        public enum Level {
            ERROR,
            WARN,
            INFO,
            DEBUG,
            TRACE
        }
    }

    public record Metrics(
            @Setting(value = "true", doc = "Whether `/metrics` answers, in the Prometheus text format.")
            boolean enabled) {}

    /** The memory for clients as the settings divide it, in a heap of {@code heapBytes}. */
    public Memory memory(long heapBytes) {
        return new Memory(
                heapBytes,
                Map.of(
                        Memory.Kind.CONNECTIONS, limits.connectionBytes(),
                        Memory.Kind.ARRIVING, limits.arrivingBytes(),
                        Memory.Kind.ANSWERS, limits.responseBytes(),
                        Memory.Kind.BACKLOGS, limits.backlogBytes(),
                        Memory.Kind.COMMANDS, engine.waitingBytes(),
                        Memory.Kind.SUBSCRIPTIONS, limits.subscriptionBytes()));
    }

    /** The configuration with all defaults. */
    public static Config defaults() {
        return new ConfigLoader().load();
    }

    static String kebab(String camelCase) {
        return camelCase.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }
}
