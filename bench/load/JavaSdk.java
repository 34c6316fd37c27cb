import dev.parley.client.ClientOptions;
import dev.parley.client.Connection;
import dev.parley.client.Credentials;
import dev.parley.client.Message;
import dev.parley.client.NewMessage;
import dev.parley.client.ParleyClient;
import dev.parley.client.Session;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Output;
import dev.parley.client.agent.Run;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The load of the workload java-sdk: what an agent does that uses the Java client. It prints what load/ prints: events, and
 * then a result, as lines of JSON.
 */
final class JavaSdk {
    /** Tokens of one answer, after which the next one begins: who streams must wait for the acknowledgements then. */
    private static final int ANSWER_TOKENS = 2_000;

    private static final String TOKEN = "token, ";
    private static final int ATTACHING_THREADS = 64;
    private static final long BEAT_NANOS = 10_000_000;
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;

    private final Map<String, String> options;

    private JavaSdk(Map<String, String> options) {
        this.options = options;
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            options.put(args[i].substring(2), args[i + 1]);
        }
        var load = new JavaSdk(options);
        switch (args[0]) {
            case "tokens" -> load.tokens();
            case "latency" -> load.latency();
            case "sessions" -> load.sessions();
            case "reconnect" -> load.reconnect();
            default -> throw new IllegalArgumentException(args[0]);
        }
        // The client's threads are no reason to stay.
        System.exit(0);
    }

    private int number(String option) {
        return Integer.parseInt(options.get(option));
    }

    private ParleyClient connect(String clientId) {
        ParleyClient client = ParleyClient.of(ClientOptions.builder(URI.create(options.get("url")))
                .credentials(Credentials.key(options.get("key")))
                .clientId(clientId)
                .build());
        client.connection().connect();
        return client;
    }

    private static void say(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }

    // A run

    /** A run in a session, which a person has asked for and does not watch. */
    private Run run(AgentSession agent, String channel) {
        try (ParleyClient client = connect("person");
                ClientSession person = ClientSession.open(client, channel)) {
            return agent.run(person.send("Go on.").invocation());
        }
    }

    // Tokens of one connection

    /** Writes one answer, and returns when all of it is durable. */
    private interface Answering {
        void answer(int tokens) throws Exception;
    }

    private void tokens() throws Exception {
        String writer = options.get("writer");
        String channel = options.get("path");
        try (ParleyClient client = connect("agent")) {
            if (writer.equals("run")) {
                AgentSession agent = AgentSession.open(client, channel);
                try (Run run = run(agent, channel)) {
                    stream(tokens -> {
                        try (Output output = run.output()) {
                            for (int i = 0; i < tokens; i++) {
                                output.text(TOKEN);
                            }
                        }
                    });
                }
            } else {
                Session session = client.session(channel);
                if (writer.equals("append-attached")) {
                    session.attach();
                }
                stream(tokens -> append(session, tokens));
            }
        }
    }

    private static void append(Session session, int tokens) {
        String serial = session.publish("answer", "");
        ArrayDeque<CompletableFuture<?>> sent = new ArrayDeque<>();
        for (int i = 0; i < tokens; i++) {
            while (!sent.isEmpty() && sent.peek().isDone()) {
                sent.remove().join();
            }
            sent.add(session.appendAsync(serial, NewMessage.of(null, TOKEN)));
        }
        sent.forEach(CompletableFuture::join);
    }

    private void stream(Answering writer) throws Exception {
        write(writer, number("warmup"));
        say("{\"event\":\"measuring\"}");
        double cpu = cpuSeconds();
        long began = System.nanoTime();
        long tokens = write(writer, number("seconds"));
        double seconds = (System.nanoTime() - began) / NANOS_PER_SECOND;
        say("{\"event\":\"measured\"}");
        say(
                "{\"event\":\"result\",\"tokens\":%d,\"seconds\":%.6f,\"generator_cpu_seconds\":%.3f}",
                tokens,
                seconds,
                cpuSeconds() - cpu);
    }

    private static long write(Answering writer, int seconds) throws Exception {
        long end = System.nanoTime() + (long) (seconds * NANOS_PER_SECOND);
        long tokens = 0;
        while (System.nanoTime() < end) {
            writer.answer(ANSWER_TOKENS);
            tokens += ANSWER_TOKENS;
        }
        return tokens;
    }

    private static double cpuSeconds() {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getProcessCpuTime() / NANOS_PER_SECOND;
    }

    // What the SDK adds

    /** Tokens of one kind: when each was written, and when the viewer had it. Each token is its number, in as many characters. */
    private static final class Tokens {
        private static final int CHARACTERS = 8;

        private final long[] written;
        private final long[] seen;
        private final StringBuilder rest = new StringBuilder();
        private final AtomicInteger arrived = new AtomicInteger();

        Tokens(int count) {
            written = new long[count];
            seen = new long[count];
        }

        String write(int number) {
            written[number] = System.nanoTime();
            return String.format("%7d ", number);
        }

        /** Changes of the one message that the tokens are in. */
        void take(Message message) {
            String text = message.text();
            long now = System.nanoTime();
            if (text != null && message.action() == Message.Action.APPEND) {
                rest.append(text);
            } else if (text != null && message.action() == Message.Action.UPDATE) {
                // All of it, to a viewer that has come after the message was begun.
                rest.setLength(0);
                rest.append(text, Math.min(text.length(), arrived.get() * CHARACTERS), text.length());
            } else {
                return;
            }
            int at = 0;
            for (; at + CHARACTERS <= rest.length(); at += CHARACTERS) {
                int number = Integer.parseInt(rest.substring(at, at + CHARACTERS).trim());
                if (number != arrived.get()) {
                    throw new IllegalStateException("token " + number + " has come instead of " + arrived);
                }
                seen[number] = now;
                arrived.incrementAndGet();
            }
            rest.delete(0, at);
        }

        double millis(int number) {
            return (seen[number] - written[number]) / NANOS_PER_MILLI;
        }
    }

    /** Writes tokens of both kinds in turn, at one rate; a viewer with a connection of its own takes the time. */
    private void latency() throws Exception {
        String bareName = options.get("path") + "-append";
        String runName = options.get("path") + "-run";
        int rate = number("rate");
        int first = rate * number("warmup");
        int count = first + rate * number("seconds");
        var bare = new Tokens(count);
        var written = new Tokens(count);
        double cpu = 0;
        try (ParleyClient client = connect("agent");
                ParleyClient viewer = connect("viewer")) {
            Session session = client.session(bareName);
            String serial = session.publish("answer", "");
            AgentSession agent = AgentSession.open(client, runName);
            try (Run run = run(agent, runName)) {
                watch(viewer, bareName, bare);
                watch(viewer, runName, written);
                List<CompletableFuture<?>> sent = new ArrayList<>();
                try (Output output = run.output()) {
                    // The answer begins before the first token is timed.
                    output.text("");
                    long tick = (long) (NANOS_PER_SECOND / rate / 2);
                    long next = System.nanoTime();
                    for (int i = 0; i < count; i++) {
                        if (i == first) {
                            say("{\"event\":\"measuring\"}");
                            cpu = cpuSeconds();
                        }
                        // Neither of them always comes first.
                        for (int turn = 0; turn < 2; turn++) {
                            next += tick;
                            waitUntil(next);
                            if ((turn + i) % 2 == 0) {
                                sent.add(session.appendAsync(
                                        serial, NewMessage.of(null, bare.write(i))));
                            } else {
                                output.text(written.write(i));
                            }
                        }
                    }
                    cpu = cpuSeconds() - cpu;
                    say("{\"event\":\"measured\"}");
                }
                sent.forEach(CompletableFuture::join);
                awaitAll(bare, count);
                awaitAll(written, count);
            }
        }
        double[] bareMillis = new double[count - first];
        double[] runMillis = new double[count - first];
        double[] added = new double[count - first];
        for (int i = first; i < count; i++) {
            bareMillis[i - first] = bare.millis(i);
            runMillis[i - first] = written.millis(i);
            added[i - first] = runMillis[i - first] - bareMillis[i - first];
        }
        say(
                "{\"event\":\"result\",\"tokens\":%d,\"seconds\":%d,\"generator_cpu_seconds\":%.3f,\"append_ms\":%s,\"run_ms\":%s,\"added_ms\":%s}",
                count - first,
                number("seconds"),
                cpu,
                percentiles(bareMillis),
                percentiles(runMillis),
                percentiles(added));
    }

    private static void watch(ParleyClient viewer, String channel, Tokens tokens) {
        Session session = viewer.session(channel);
        session.onMessage(tokens::take);
        session.attach();
    }

    private static void waitUntil(long nanos) {
        for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static void awaitAll(Tokens tokens, int count) throws InterruptedException {
        long deadline = System.nanoTime() + (long) (30 * NANOS_PER_SECOND);
        while (tokens.arrived.get() < count) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("the viewer has " + tokens.arrived + " of " + count + " tokens");
            }
            Thread.sleep(5);
        }
    }

    private static String percentiles(double[] values) {
        Arrays.sort(values);
        return String.format(
                Locale.ROOT,
                "{\"p50\":%.4f,\"p99\":%.4f}",
                values[values.length / 2],
                values[(int) (values.length * 0.99)]);
    }

    // A server that comes back

    /**
     * One client publishes, each message when the last one is acknowledged, and another is attached. Whenever the publisher was cut
     * off, this says on the clock of the machine when its first publish after that was acknowledged, and delivered to the other.
     */
    private void reconnect() throws Exception {
        String channel = options.get("path");
        int restarts = number("restarts");
        var lostAt = new AtomicLong();
        Map<String, CompletableFuture<Long>> delivered = new ConcurrentHashMap<>();
        try (ParleyClient publisher = connect("publisher");
                ParleyClient viewer = connect("viewer")) {
            publisher.connection().onChange(state -> {
                if (state != Connection.State.CONNECTED) {
                    lostAt.compareAndSet(0, System.nanoTime());
                }
            });
            Session watched = viewer.session(channel);
            watched.onMessage(message -> delivered
                    .computeIfAbsent(String.valueOf(message.text()), text -> new CompletableFuture<>())
                    .complete(System.nanoTime()));
            watched.attach();
            Session session = publisher.session(channel);
            session.publish("beat", "first");
            say("{\"event\":\"live\"}");
            int back = 0;
            for (int i = 0; back < restarts; i++) {
                String text = Integer.toString(i);
                session.publish("beat", text);
                long acknowledged = System.nanoTime();
                long seen = delivered
                        .computeIfAbsent(text, unused -> new CompletableFuture<>())
                        .get(60, TimeUnit.SECONDS);
                delivered.remove(text);
                long lost = lostAt.get();
                if (lost != 0 && acknowledged > lost) {
                    lostAt.set(0);
                    back++;
                    say("{\"event\":\"back\",\"acknowledged\":%d,\"delivered\":%d}", acknowledged, seen);
                }
                LockSupport.parkNanos(BEAT_NANOS);
            }
        }
        say("{\"event\":\"result\",\"restarts\":%d}", restarts);
    }

    // Idle sessions

    private void sessions() throws Exception {
        int count = number("count");
        String kind = options.get("kind");
        ExecutorService attaching = Executors.newFixedThreadPool(ATTACHING_THREADS);
        List<Object> kept = new ArrayList<>();
        try (ParleyClient client = connect("agent")) {
            // What every client needs, whatever it has attached.
            kept.add(open(client, kind, options.get("path") + "-first"));
            long before = heapBytes();
            long began = System.nanoTime();
            List<Future<Object>> opened = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                String channel = options.get("path") + '-' + i;
                opened.add(attaching.submit(() -> open(client, kind, channel)));
            }
            for (Future<Object> one : opened) {
                kept.add(one.get());
            }
            double seconds = (System.nanoTime() - began) / NANOS_PER_SECOND;
            attaching.shutdown();
            opened = List.of();
            long after = heapBytes();
            say(
                    "{\"event\":\"result\",\"sessions\":%d,\"seconds\":%.3f,\"before_bytes\":%d,\"heap_bytes\":%d,\"threads\":%d}",
                    kept.size() - 1,
                    seconds,
                    before,
                    after,
                    ManagementFactory.getThreadMXBean().getThreadCount());
        }
    }

    private static Object open(ParleyClient client, String kind, String channel) {
        return switch (kind) {
            case "agent" -> AgentSession.open(client, channel);
            case "person" -> ClientSession.open(client, channel);
            default -> {
                Session session = client.session(channel);
                session.attach();
                yield session;
            }
        };
    }

    /** What is in use when the garbage is gone. */
    private static long heapBytes() throws InterruptedException {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(200);
            least = Math.min(
                    least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        return least;
    }
}
