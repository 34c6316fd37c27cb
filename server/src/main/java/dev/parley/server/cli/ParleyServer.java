package dev.parley.server.cli;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.session.Agent;
import dev.parley.server.apps.Apps;
import dev.parley.server.apps.RegistryFiles;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.IdentityProvider;
import dev.parley.server.auth.Revocations;
import dev.parley.server.auth.RootKey;
import dev.parley.server.auth.SecretSeal;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.config.Config;
import dev.parley.server.config.ConfigException;
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.housekeeping.Housekeeping;
import dev.parley.server.housekeeping.Retention;
import dev.parley.server.http.AcceptGate;
import dev.parley.server.http.Answers;
import dev.parley.server.http.DirectMemory;
import dev.parley.server.http.HttpFront;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.notify.NotifyCalls;
import dev.parley.server.notify.NotifySpecs;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.ops.EngineMeters;
import dev.parley.server.ops.Health;
import dev.parley.server.ops.MemoryMeters;
import dev.parley.server.ops.Metrics;
import dev.parley.server.realtime.RealtimeDoor;
import dev.parley.server.request.Publisher;
import dev.parley.server.rest.RestDoor;
import dev.parley.server.session.SessionDoor;
import dev.parley.server.streams.StreamsDoor;
import dev.parley.server.streams.subscription.SubscriptionService;
import dev.parley.server.time.NodeClock;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wake.AgentAnswers;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.wake.WakeCalls;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import dev.parley.server.webhook.WebhookUrl;
import io.netty.channel.unix.Errors.NativeIoException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A whole server: the only place where its parts are created, and closed again in the right order. */
final class ParleyServer {

    /** The file in the data folder that says that the folder was restored from a backup. */
    private static final String RESTORED = "restored";

    /** The time that the drain timeout does not include, for closing sockets that were told to close. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    /** How long a clock that has jumped ahead is in doubt. */
    private static final Duration CLOCK_HOLD = Duration.ofHours(1);

    private static final Logger LOG = LoggerFactory.getLogger(ParleyServer.class);

    private final Config config;
    private final boolean loopback;
    private final boolean open;
    private final Health health = new Health();
    private final Metrics metrics = new Metrics();
    private final Memory memory;
    private final Shares shares;
    private final Engine engine;

    /** The clock for grace periods and lifetimes. Tokens are checked against the wall clock. */
    private final NodeClock clock;

    private final RootKey rootKey;
    private final URI uri;

    /** Stops the parts that have started, the last one first. */
    private final Deque<Closing> closings = new ArrayDeque<>();

    private record Closing(String part, Action action) {

        interface Action {
            void run() throws Exception;
        }
    }

    /** Starts a server. Blocks until it serves requests. */
    static ParleyServer start(Config config) throws InterruptedException {
        return start(config, NodeClock.system(CLOCK_HOLD));
    }

    /** Starts a server with another clock. Blocks until it serves requests. */
    static ParleyServer start(Config config, NodeClock clock) throws InterruptedException {
        return new ParleyServer(config, clock);
    }

    private ParleyServer(Config config, NodeClock clock) throws InterruptedException {
        this.clock = clock;
        this.config = config;
        this.memory = config.memory(Runtime.getRuntime().maxMemory());
        this.shares = new Shares(memory, config.server().trustedNetworks());
        this.loopback = isLoopback(config.server().host());
        this.open = config.isOpen();
        if (open && !loopback && !config.auth().insecureNoAuth()) {
            throw new ConfigException("Without keys Parley only listens on this machine, but server.host is "
                    + config.server().host() + ". Configure auth.keys, or give --insecure-no-auth"
                    + " if everybody who reaches the port may read and write everything.");
        }
        if (config.auth().visitorsApp() != null && !loopback) {
            throw new ConfigException("With auth.visitors-app, Parley only listens on this machine, but server.host is "
                    + config.server().host() + ": everybody who reaches the port could do everything in that app.");
        }
        checkReadable("tls.cert", config.tls().cert());
        checkReadable("tls.key", config.tls().key());
        closings.push(new Closing("metrics", metrics::close));
        MemoryMeters.bind(memory, metrics.registry());
        MemoryMeters.bind(
                "direct", DirectMemory::held, DirectMemory.capacity(), DirectMemory.refused(), metrics.registry());
        try {
            Vertx vertx = vertx();
            closings.push(new Closing("event loops", () -> await(vertx.close(), CLOSE_TIMEOUT)));
            var front = new HttpFront(vertx, config, memory, health, metrics);
            // Before the engine has recovered its data, so that health checks are answered meanwhile.
            Future<Integer> listening = front.start();
            // The result is used below. Here, the start of the listening only has to be complete before anything is
            // closed.
            closings.push(new Closing(
                    "listening", () -> await(listening.otherwiseEmpty().mapEmpty(), CLOSE_TIMEOUT)));
            this.engine = openEngine();
            closings.push(new Closing("engine", engine::close));
            refuseStreamsOfSessions(engine);
            EngineMeters.bind(engine, metrics.registry());
            long heap = Runtime.getRuntime().maxMemory();
            MemoryMeters.bind(
                    "caches",
                    engine::storeBytes,
                    config.engine().cacheBytesOrDefault(heap) + config.engine().memtableBytesOrDefault(heap),
                    metrics.registry());
            clock.compareWith(engine.notedTime());
            clock.bind(metrics.registry());
            this.rootKey = readRootKey();
            var seal = SecretSeal.with(rootKey.key());
            this.uri = uri(port(listening));
            LOG.info(
                    "Parley {} serves the data folder {} at {}",
                    Main.Version.number(),
                    config.data().dir().toAbsolutePath().normalize(),
                    uri);
            registerWhatFilesHave(seal);
            Apps apps = apps(seal);
            var revocations = new Revocations(engine, config.auth().tokenLifetime(), Clock.systemUTC());
            var retention = new Retention(engine, apps, config.audit().retention(), clock.forDeletion());
            var housekeeping = Housekeeping.start(
                    engine,
                    retention,
                    revocations,
                    clock,
                    config.engine().checkpointInterval(),
                    health,
                    metrics.registry());
            closings.push(new Closing("housekeeping", () -> {
                housekeeping.stop();
                // The checkpoint at the end stores the time.
                engine.noteTime(clock.deletionMillis());
            }));
            IdentityProvider provider = config.identity().open();
            if (provider != null) {
                closings.push(new Closing("keys of the identity provider", provider::close));
            }
            var gate = new Gate(
                    apps,
                    provider,
                    open,
                    config.auth().tokenLifetime(),
                    revocations,
                    Clock.systemUTC(),
                    metrics.registry());
            var address = new PublicAddress(
                    config.server().publicUrl(), config.server().trustedNetworks());
            var answers = new Answers(vertx);
            var reads = new StoreReads(metrics.registry());
            closings.push(new Closing("reads of the store", reads::close));
            var loops = new EventLoops(reads);
            var webhookKeys = new WebhookKeys(config.data().dir());
            var subscriptions = subscriptions(vertx, reads, shares, answers, gate, address, webhookKeys);
            closings.push(new Closing("subscriptions", subscriptions::close));
            var agents = new AgentSpecs(
                    seal,
                    loopback,
                    new WebhookUrl.Inside(
                            Set.copyOf(config.webhooks().hostsInside()),
                            config.webhooks().networksInside()));
            var timelines = new Timelines();
            var limits = new AgentAnswers.Limits(
                    config.realtime().messageBytes(),
                    Math.max(config.realtime().messageBytes(), config.realtime().grownBytes()),
                    config.limits().chunkBytes(),
                    config.webhooks().agentSilence());
            for (Agent.Way way : List.of(Agent.Way.CALLED, Agent.Way.STREAMED)) {
                var wakes = WakeCalls.start(
                        way,
                        engine,
                        agents,
                        webhookKeys,
                        new WebhookClient(vertx),
                        clock,
                        health,
                        timelines,
                        limits,
                        metrics.registry());
                closings.push(new Closing("wakes", wakes::stop));
            }
            var notify = new NotifySpecs(agents);
            var notifications = NotifyCalls.start(
                    engine,
                    notify,
                    webhookKeys,
                    new WebhookClient(vertx),
                    clock,
                    health,
                    timelines,
                    metrics.registry());
            closings.push(new Closing("notifications", notifications::stop));
            ConnectionKeys connectionKeys = connectionKeys();
            Occupancy occupancy = new Occupancy();
            var commands = new ChannelCommands(
                    gate,
                    apps,
                    config.realtime().messageBytes(),
                    config.realtime().grownBytes());
            var publisher = new Publisher(engine, commands, connectionKeys, clock);
            var streams = new StreamsDoor(
                    engine,
                    loops,
                    config,
                    memory,
                    shares,
                    answers,
                    gate,
                    loopback && open,
                    address,
                    subscriptions.routes(),
                    clock,
                    metrics.registry());
            var sessions = new SessionDoor(engine, config, shares, gate, publisher, occupancy, timelines, apps, agents);
            front.open(
                    List.of(
                            streams,
                            streams.alias(),
                            new RestDoor(
                                    engine,
                                    config,
                                    shares,
                                    gate,
                                    apps,
                                    publisher,
                                    occupancy,
                                    rootKey.key(),
                                    loopback && open,
                                    clock),
                            sessions,
                            sessions.description(),
                            sessions.inbox(),
                            sessions.namespaces(),
                            sessions.claims()),
                    new RealtimeDoor(
                            vertx,
                            engine,
                            loops,
                            gate,
                            apps,
                            revocations,
                            connectionKeys,
                            occupancy,
                            timelines,
                            config.realtime(),
                            memory,
                            shares,
                            clock,
                            metrics.registry()));
            closings.push(new Closing("doors", () -> {
                health.become(Health.State.DRAINING);
                await(front.stop(), config.server().drainTimeout().plus(CLOSE_TIMEOUT));
            }));
            var _ = failure().thenAccept(cause -> health.become(Health.State.FAILED));
            health.become(Health.State.READY);
        } catch (RuntimeException | Error | InterruptedException e) {
            stop();
            throw e;
        }
    }

    /**
     * Checks that a file can be read, before there is anything to listen with: that failure would not say which file it
     * is about.
     */
    private static void checkReadable(String setting, @Nullable Path file) {
        if (file != null) {
            try {
                Files.readAllBytes(file);
            } catch (IOException e) {
                throw new ConfigException(setting + ": " + ConfigLoader.whyUnreadable(file, e));
            }
        }
    }

    private Vertx vertx() {
        var options = new VertxOptions()
                .setEventLoopPoolSize(config.server().eventLoopCount())
                // The server serves no files, so it needs no folder for them.
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false));
        return Vertx.builder()
                .with(options)
                .withTransport(AcceptGate.upTo(config.limits().connections())
                        .within(memory, shares, config.tls().enabled())
                        .transport())
                .build();
    }

    private Engine openEngine() {
        var settings = config.engine();
        var options = new EngineOptions(
                config.data().dir(),
                settings.shards(),
                settings.segmentBytes(),
                config.maxRecordBytes(),
                settings.cacheBytesOrDefault(Runtime.getRuntime().maxMemory()),
                settings.memtableBytesOrDefault(Runtime.getRuntime().maxMemory()),
                settings.cachedStreams(),
                settings.waitingCommands(),
                memory,
                settings.minFreeBytes(),
                config.runs().stallAfter().toMillis(),
                () -> !Context.isOnEventLoopThread());
        try {
            return renewedIfRestored(Engine.open(options), config.data().dir().resolve(RESTORED));
        } catch (IOException e) {
            throw new StartException("Parley cannot open its data: " + e.getMessage(), e);
        }
    }

    /** Refuses a data folder with streams that nobody could reach any more. */
    private static void refuseStreamsOfSessions(Engine engine) {
        String path = StreamsDoor.streamInPlaceOfSession(engine.streams());
        if (path != null) {
            throw new StartException(
                    "The data folder has streams below sessions/, such as " + path
                            + ". These names belong to sessions by now. Start the version of Parley that has written the folder,"
                            + " fork each of these streams to another name, and delete it; then start this version.",
                    null);
        }
    }

    /**
     * Gives the data folder a new identity if it was restored from a backup, which the operator marks with a file.
     * Nothing of the time after the backup is then taken for something of the restored data.
     */
    private static Engine renewedIfRestored(Engine engine, Path mark) throws IOException {
        if (Files.exists(mark)) {
            try {
                engine.identify();
                Files.delete(mark);
            } catch (IOException e) {
                engine.close();
                throw e;
            }
            LOG.warn(
                    "the data folder was restored from a backup: offsets and tags that were given out before are no longer"
                            + " valid");
        }
        return engine;
    }

    /**
     * Starts the subscriptions. Webhooks may use plain HTTP to this machine only if the server is not reachable from
     * elsewhere, as in development.
     */
    private SubscriptionService subscriptions(
            Vertx vertx,
            StoreReads reads,
            Shares shares,
            Answers answers,
            Gate gate,
            PublicAddress address,
            WebhookKeys keys) {
        URI callbackUrl = config.webhooks().callbackUrl() == null
                ? config.server().publicUrl()
                : config.webhooks().callbackUrl();
        try {
            return SubscriptionService.start(
                    vertx,
                    engine,
                    reads,
                    shares,
                    answers,
                    gate,
                    address,
                    keys,
                    callbackUrl == null ? null : callbackUrl.toString(),
                    loopback,
                    clock,
                    health,
                    metrics.registry());
        } catch (IOException e) {
            throw new StartException(
                    "The keys of webhooks cannot be stored in " + config.data().dir() + ": " + e.getMessage(), e);
        }
    }

    private RootKey readRootKey() {
        Path folder = config.data().dir();
        boolean hasSealed =
                engine.registry().apps().stream().anyMatch(app -> !app.keys().isEmpty());
        try {
            return RootKey.in(folder, hasSealed);
        } catch (IOException e) {
            throw new StartException("The root key cannot be used: " + e.getMessage(), e);
        }
    }

    private void registerWhatFilesHave(SecretSeal seal) {
        try {
            RegistryFiles.register(config.data().dir(), engine, seal, clock.instant());
        } catch (IOException e) {
            throw new StartException("Apps and revocations of an earlier version cannot be read: " + e.getMessage(), e);
        }
    }

    private Apps apps(SecretSeal seal) {
        var keys = new ArrayList<ApiKey>(config.auth().keys());
        // If the operator has copied the root key into the configuration, its capability there counts.
        if (keys.stream().noneMatch(key -> key.name().equals(rootKey.key().name()))) {
            keys.add(rootKey.key());
        }
        try {
            return new Apps(engine, seal, keys, config.sessions().namespaces());
        } catch (SecretSeal.BrokenSealException e) {
            throw new StartException(
                    "%s is not the root key of this data folder: %s. Restore it from the backup of this data folder."
                            .formatted(rootKey.file(), e.getMessage()),
                    e);
        }
    }

    private ConnectionKeys connectionKeys() {
        Path folder = config.data().dir();
        try {
            return ConnectionKeys.in(folder);
        } catch (IOException e) {
            throw new StartException(
                    "The keys of connections cannot be stored in " + folder + ": " + e.getMessage(), e);
        }
    }

    private int port(Future<Integer> listening) throws InterruptedException {
        try {
            return listening.toCompletionStage().toCompletableFuture().get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String message = String.valueOf(cause.getMessage());
            // The native transport adds the name of the system call and its error number at the beginning.
            message = message.substring(message.lastIndexOf(": ") + 1).strip();
            String where = config.server().host() + " port " + config.server().port();
            boolean address = cause instanceof SocketException || cause instanceof NativeIoException;
            if (config.tls().enabled() && !address) {
                throw new StartException(
                        "Parley cannot serve TLS with the files of tls.cert and tls.key: " + message
                                + ". PEM is expected: a certificate chain, and its private key as PKCS #8.",
                        cause);
            }
            throw new StartException(
                    "Parley cannot listen on " + where + ": " + message
                            + ". Choose another one with --host and --port.",
                    cause);
        }
    }

    private URI uri(int port) {
        String host = config.server().host();
        return URI.create("%s://%s:%d"
                .formatted(
                        config.tls().enabled() ? "https" : "http",
                        host.indexOf(':') < 0 ? host : "[" + host + "]",
                        port));
    }

    private static boolean isLoopback(String host) {
        try {
            for (InetAddress address : InetAddress.getAllByName(host)) {
                if (!address.isLoopbackAddress()) {
                    return false;
                }
            }
            return true;
        } catch (UnknownHostException e) {
            throw new ConfigException("server.host: the name '" + host + "' is not known");
        }
    }

    URI uri() {
        return uri;
    }

    RootKey rootKey() {
        return rootKey;
    }

    /** Whether the streams door requires no key. */
    boolean isOpen() {
        return open;
    }

    boolean isLoopback() {
        return loopback;
    }

    /**
     * Whether the admin API requires no key. This is only the case if the streams door is open, too, and only for this
     * machine.
     */
    boolean makesAppsForEverybody() {
        return config.auth().adminApi() && open && loopback;
    }

    /** Completes if the server cannot continue, and its process has to end. */
    CompletableFuture<Throwable> failure() {
        return engine.failure();
    }

    /** Accepts no more requests, lets those in progress end, makes a checkpoint and closes everything. */
    void stop() {
        boolean interrupted = false;
        while (!closings.isEmpty()) {
            Closing closing = closings.pop();
            try {
                closing.action().run();
            } catch (Exception e) {
                // The other parts have to be stopped nevertheless.
                interrupted |= e instanceof InterruptedException;
                LOG.atError()
                        .setCause(e)
                        .addKeyValue("part", closing.part())
                        .log("A part of the server did not stop properly");
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void await(Future<Void> end, Duration timeout)
            throws InterruptedException, ExecutionException, TimeoutException {
        end.toCompletionStage().toCompletableFuture().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }
}
