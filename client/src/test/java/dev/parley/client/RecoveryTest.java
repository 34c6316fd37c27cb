package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Crashes of the server and cuts of the network lose, double and reorder nothing. PARLEY_TEST_FULL=1: the long form. */
class RecoveryTest {
    private static final boolean FULL = "1".equals(System.getenv("PARLEY_TEST_FULL"));
    private static final int MESSAGES_EACH = FULL ? 5_000 : 1_000;
    private static final int TOKENS = FULL ? 5_000 : 500;
    private static final int CRASHES = FULL ? 5 : 3;
    private static final int CUTS = FULL ? 60 : 12;
    private static final Duration PATIENCE = Duration.ofMinutes(FULL ? 15 : 4);

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final TestServer server = TestServer.start();

    RecoveryTest() throws IOException {}

    @AfterEach
    void end() {
        threads.shutdownNow();
        server.close();
    }

    /** One of the clients: it publishes numbers and tokens, and notes what it is delivered. */
    private static final class Peer implements AutoCloseable {
        final String name;
        final CuttingProxy proxy;
        final ParleyClient client;
        final Session session;
        final List<Message> received = new CopyOnWriteArrayList<>();
        final Map<String, String> grown = new ConcurrentHashMap<>();
        final Map<Integer, String> acknowledged = new ConcurrentHashMap<>();
        final AtomicInteger tokens = new AtomicInteger();

        Peer(String name, TestServer server, String key) throws IOException {
            this.name = name;
            this.proxy = new CuttingProxy(server);
            this.client = ParleyClient.of(TestServer.options(proxy.uri(), key)
                    .clientId(name)
                    .requestTimeout(PATIENCE)
                    .build());
            this.session = client.session("exchange");
            session.onMessage(this::take);
            session.attach();
        }

        private void take(Message message) {
            if ("number".equals(message.name())) {
                received.add(message);
            } else if (message.action() == Message.Action.APPEND) {
                grown.merge(message.serial(), String.valueOf(message.text()), String::concat);
            } else {
                grown.put(message.serial(), String.valueOf(message.text()));
            }
        }

        void publishAll() {
            List<CompletableFuture<?>> last = new ArrayList<>();
            for (int i = 0; i < MESSAGES_EACH; i++) {
                int n = i;
                last.add(session.publishAsync(NewMessage.of("number", name + ":" + n))
                        .thenAccept(serials -> acknowledged.put(n, serials.get(0))));
                if (last.size() == 50) {
                    CompletableFuture.allOf(last.toArray(CompletableFuture[]::new))
                            .join();
                    last.clear();
                }
            }
            CompletableFuture.allOf(last.toArray(CompletableFuture[]::new)).join();
        }

        /** Streams tokens into one message, as an agent does. Returns its serial. */
        String stream() {
            String serial = session.publish("answer", "");
            List<CompletableFuture<?>> last = new ArrayList<>();
            for (int i = 0; i < TOKENS; i++) {
                last.add(session.appendAsync(serial, NewMessage.of(null, i + " "))
                        .thenRun(tokens::incrementAndGet));
                if (last.size() == 20) {
                    CompletableFuture.allOf(last.toArray(CompletableFuture[]::new))
                            .join();
                    last.clear();
                }
            }
            CompletableFuture.allOf(last.toArray(CompletableFuture[]::new)).join();
            return serial;
        }

        int progress() {
            return acknowledged.size() + tokens.get();
        }

        @Override
        public void close() throws IOException {
            client.close();
            proxy.close();
        }
    }

    @Test
    void crashesAndCutsLoseDoubleAndReorderNothing() throws Exception {
        long seed = Long.getLong("parley.seed", System.nanoTime());
        Random random = new Random(seed);
        String key = server.newKey();
        try (Peer left = new Peer("left", server, key);
                Peer right = new Peer("right", server, key)) {
            List<Peer> peers = List.of(left, right);
            Future<String> leftAnswer = threads.submit(left::stream);
            Future<String> rightAnswer = threads.submit(right::stream);
            List<Future<?>> publishing = peers.stream()
                    .<Future<?>>map(peer -> threads.submit(peer::publishAll))
                    .toList();

            int all = 2 * (MESSAGES_EACH + TOKENS);
            List<Integer> crashes = random.ints(CRASHES, 1, all).boxed().toList();
            List<Integer> faults = new ArrayList<>(crashes);
            random.ints(CUTS, 1, all).forEach(faults::add);
            for (int fault : faults.stream().sorted().toList()) {
                await("progress after seed " + seed)
                        .atMost(PATIENCE)
                        .pollInterval(Duration.ofMillis(2))
                        .until(() -> left.progress() + right.progress() >= fault);
                if (crashes.contains(fault)) {
                    server.kill();
                    server.restart();
                } else {
                    peers.get(random.nextInt(2)).proxy.cut();
                }
            }
            for (Future<?> publisher : publishing) {
                publisher.get();
            }
            List<String> answers = List.of(leftAnswer.get(), rightAnswer.get());

            String tokens = IntStream.range(0, TOKENS).mapToObj(i -> i + " ").reduce("", String::concat);
            for (Peer peer : peers) {
                await("all messages at " + peer.name + " after seed " + seed)
                        .atMost(PATIENCE)
                        .until(() -> peer.received.size() >= 2 * MESSAGES_EACH
                                && answers.stream().allMatch(serial -> tokens.equals(peer.grown.get(serial))));
                for (Peer from : peers) {
                    List<Message> theirs = peer.received.stream()
                            .filter(message -> from.name.equals(message.clientId()))
                            .toList();
                    assertThat(theirs)
                            .as("what %s has of %s after seed %s", peer.name, from.name, seed)
                            .extracting(Message::text)
                            .containsExactlyElementsOf(IntStream.range(0, MESSAGES_EACH)
                                    .mapToObj(n -> from.name + ":" + n)
                                    .toList());
                    for (int n = 0; n < MESSAGES_EACH; n++) {
                        assertThat(theirs.get(n).serial()).isEqualTo(from.acknowledged.get(n));
                    }
                }
            }
            for (String answer : answers) {
                assertThat(left.session.message(answer).text()).isEqualTo(tokens);
            }
            assertThat(right.received).extracting(Message::serial).isEqualTo(serials(left.received));
            assertThat(serials(stored(left.session))).isEqualTo(serials(left.received));
        }
    }

    private static List<String> serials(List<Message> messages) {
        return messages.stream().map(Message::serial).toList();
    }

    private static List<Message> stored(Session session) {
        List<Message> stored = new ArrayList<>();
        Page<Message> page = session.history(HistoryQuery.FORWARDS.withLimit(1_000));
        while (page != null) {
            stored.addAll(page.items());
            page = page.next();
        }
        stored.removeIf(message -> !"number".equals(message.name()));
        return stored;
    }

    @Test
    void aClientContinuesItsConnectionAfterACrashAndAGoodStop() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("restarts");
            List<String> texts = new CopyOnWriteArrayList<>();
            session.onMessage(message -> texts.add(String.valueOf(message.text())));
            session.attach();
            session.presence().enter(Data.of("here"));
            String id = client.connection().id();
            server.kill();
            CompletableFuture<List<String>> early = session.publishAsync(NewMessage.of("n", "while it is down"));
            assertThat(early).isNotDone();
            server.restart();
            early.get();
            server.stop();
            server.restart();
            session.publish("n", "after all");
            await().until(() -> texts.size() == 2);
            assertThat(texts).containsExactly("while it is down", "after all");
            assertThat(client.connection().id()).isEqualTo(id);
            assertThat(session.presence().get()).extracting(PresenceEvent::text).containsExactly("here");
        }
    }

    @Test
    void aConnectionThatCannotBeContinuedLeavesOnlyAppendsUncertain() throws Exception {
        String key = server.newKey();
        try (var proxy = new CuttingProxy(server);
                ParleyClient client =
                        ParleyClient.of(TestServer.options(proxy.uri(), key).build())) {
            Session session = client.session("forgotten");
            List<Message> messages = new CopyOnWriteArrayList<>();
            session.onMessage(messages::add);
            session.attach();
            session.presence().enter(Data.of("here"));
            String answer = session.publish("answer", "A");
            String id = client.connection().id();
            proxy.loseAnswers();
            var append = session.appendAsync(answer, NewMessage.of(null, "B"));
            var publish = session.publishAsync(NewMessage.of("n", "once"));
            try (ParleyClient direct =
                    ParleyClient.of(TestServer.options(server.uri(), key).build())) {
                Session observed = direct.session("forgotten");
                await().until(() -> observed.history().items().size() == 2);
            }
            server.kill();
            server.forgetConnections();
            server.restart();
            proxy.up();

            assertThat(publish.get()).hasSize(1);
            assertThatThrownBy(append::get).hasCauseInstanceOf(ParleyException.OutcomeUnknown.class);
            assertThat(client.connection().id()).isNotEqualTo(id);
            assertThat(session.history(HistoryQuery.FORWARDS).items())
                    .extracting(Message::text)
                    .containsExactly("AB", "once");
            session.publish("n", "after all");
            await().until(() -> messages.stream().anyMatch(message -> "after all".equals(message.text())));
            assertThat(messages.stream().filter(message -> "once".equals(message.text())))
                    .hasSize(1);
            await().until(() -> session.presence().get().stream()
                    .anyMatch(member ->
                            member.connectionId().equals(client.connection().id())));
        }
    }

    @Test
    void readersAndProducersOfStreamsGoOnAfterACrash() throws Exception {
        try (ParleyClient client =
                ParleyClient.of(ClientOptions.builder(server.uri()).build())) {
            Stream stream = client.stream("crash");
            stream.create(StreamOptions.TEXT);
            Producer producer = stream.producer("writer");
            Future<String> following = threads.submit(() -> {
                StringBuilder text = new StringBuilder();
                StreamReader reader = stream.follow(Stream.START);
                for (Chunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
                    text.append(chunk.text());
                }
                return text.toString();
            });
            var written = new AtomicInteger();
            Future<?> writing = threads.submit(() -> {
                for (int i = 0; i < 200; i++) {
                    producer.append(i + " ");
                    written.incrementAndGet();
                }
            });
            for (int crash : List.of(50, 120)) {
                await().atMost(PATIENCE).until(() -> written.get() >= crash);
                server.kill();
                server.restart();
            }
            writing.get();
            stream.close();
            assertThat(following.get())
                    .isEqualTo(IntStream.range(0, 200).mapToObj(i -> i + " ").reduce("", String::concat));
        }
    }
}
