package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.Connection.State;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A client connects, comes back, shows new tokens and gives up where that is right. */
@ExtendWith(SharedServer.class)
class ConnectionTest {
    private final TestServer server;

    ConnectionTest(TestServer server) {
        this.server = server;
    }

    @Test
    void aBadKeyFailsForGood() {
        var options =
                TestServer.options(server.uri(), "no.such:" + "x".repeat(40)).build();
        try (ParleyClient client = ParleyClient.of(options)) {
            assertThatThrownBy(() -> client.connection().connect()).isInstanceOf(ParleyException.AccessDenied.class);
            assertThat(client.connection().state()).isEqualTo(State.FAILED);
            assertThatThrownBy(() -> client.session("s").publish("a", "b"))
                    .isInstanceOf(ParleyException.AccessDenied.class);
            assertThatThrownBy(() -> client.session("s").history()).isInstanceOf(ParleyException.AccessDenied.class);
        }
    }

    @Test
    void aServerThatIsNotThereIsTriedAgain() throws Exception {
        int free;
        try (ServerSocket socket = new ServerSocket(0)) {
            free = socket.getLocalPort();
        }
        var options = TestServer.options(URI.create("http://127.0.0.1:" + free), "a.b:" + "x".repeat(40))
                .requestTimeout(Duration.ofMillis(300))
                .build();
        try (ParleyClient client = ParleyClient.of(options)) {
            assertThatThrownBy(() -> client.connection().connect()).isInstanceOf(ParleyException.TimedOut.class);
            assertThat(client.connection().state()).isIn(State.DISCONNECTED, State.CONNECTING);
            assertThat(client.connection().failure()).isInstanceOf(ParleyException.Unreachable.class);
            assertThatThrownBy(() -> client.session("s").history())
                    .isInstanceOfSatisfying(
                            ParleyException.class,
                            e -> assertThat(e.statusCode()).isZero());
        }
    }

    @Test
    void tokensAreRenewedAndTheConnectionGoesOn() throws Exception {
        String key = server.newKey();
        var fetched = new AtomicInteger();
        try (ParleyClient issuer =
                ParleyClient.of(TestServer.options(server.uri(), key).build())) {
            Credentials tokens = Credentials.tokens(() -> {
                fetched.incrementAndGet();
                return issuer.requestToken("ada", Duration.ofSeconds(2), null);
            });
            var options =
                    ClientOptions.builder(server.uri()).credentials(tokens).build();
            try (ParleyClient client = ParleyClient.of(options)) {
                Session session = client.session("renewed");
                List<String> texts = new CopyOnWriteArrayList<>();
                session.onMessage(message -> texts.add(String.valueOf(message.text())));
                session.attach();
                String id = client.connection().id();
                AtomicInteger published = new AtomicInteger();
                await().atMost(Duration.ofMinutes(1)).until(() -> {
                    session.publish("n", Integer.toString(published.getAndIncrement()));
                    return fetched.get() >= 3;
                });
                await().until(() -> texts.size() == published.get());
                assertThat(texts).doesNotHaveDuplicates();
                assertThat(client.connection().id()).isEqualTo(id);
                assertThat(client.connection().clientId()).isEqualTo("ada");
                assertThat(session.history(HistoryQuery.FORWARDS.withLimit(1)).items())
                        .hasSize(1);
            }
        }
    }

    @Test
    void aTokenIsReplacedBeforeItExpiresWithoutLosingTheConnection() throws Exception {
        String key = server.newKey();
        var fetched = new AtomicInteger();
        try (ParleyClient issuer =
                ParleyClient.of(TestServer.options(server.uri(), key).build())) {
            // The server asks for another one when this one has 30 s left.
            Credentials tokens = Credentials.tokens(() -> {
                Duration lifetime = fetched.incrementAndGet() == 1 ? Duration.ofSeconds(31) : Duration.ofHours(1);
                return issuer.requestToken("ada", lifetime, null);
            });
            var options =
                    ClientOptions.builder(server.uri()).credentials(tokens).build();
            try (ParleyClient client = ParleyClient.of(options)) {
                List<State> states = new CopyOnWriteArrayList<>();
                client.connection().connect();
                client.connection().onChange(states::add);
                await().atMost(Duration.ofMinutes(1)).until(() -> fetched.get() == 2);
                client.session("renewed").publish("n", "a");
                assertThat(states).doesNotContain(State.DISCONNECTED);
                assertThat(client.connection().state()).isEqualTo(State.CONNECTED);
            }
        }
    }

    @Test
    void aTokenThatExpiresWithoutAnotherFailsTheConnection() throws Exception {
        try (ParleyClient issuer = server.client()) {
            String token = issuer.requestToken("ada", Duration.ofSeconds(1), null);
            var options = ClientOptions.builder(server.uri())
                    .credentials(Credentials.token(token))
                    .build();
            try (ParleyClient client = ParleyClient.of(options)) {
                client.connection().connect();
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> client.connection().state() == State.FAILED);
                assertThat(client.connection().failure()).isInstanceOf(ParleyException.AccessDenied.class);
            }
        }
    }

    @Test
    void aNetworkThatFallsSilentIsNoticed() throws Exception {
        try (var proxy = new CuttingProxy(server)) {
            var options = TestServer.options(proxy.uri(), server.newKey())
                    .heartbeat(Duration.ofSeconds(5))
                    .idleMargin(Duration.ofMillis(500))
                    .build();
            try (ParleyClient client = ParleyClient.of(options)) {
                List<State> states = new CopyOnWriteArrayList<>();
                client.connection().onChange(states::add);
                Session session = client.session("silent");
                session.attach();
                proxy.fallSilent();
                await().atMost(Duration.ofMinutes(1))
                        .until(() -> client.connection().state() != State.CONNECTED);
                proxy.up();
                proxy.cut();
                session.publish("n", "a");
                assertThat(session.history().items()).hasSize(1);
                await().until(() -> states.contains(State.DISCONNECTED) || states.contains(State.CONNECTED));
            }
        }
    }

    @Test
    void continuationsCannotWaitButGoOn() throws Exception {
        try (var proxy = new CuttingProxy(server);
                ParleyClient client = ParleyClient.of(
                        TestServer.options(proxy.uri(), server.newKey()).build())) {
            Session session = client.session("continuations");
            proxy.down();
            var waiting = session.publishAsync(NewMessage.of("n", "a")).thenApply(serials -> session.publish("n", "b"));
            var goingOn = session.publishAsync(NewMessage.of("n", "c"))
                    .thenCompose(serials -> session.publishAsync(NewMessage.of("n", "d")));
            proxy.up();
            assertThat(goingOn.get()).hasSize(1);
            assertThatThrownBy(waiting::get).hasCauseInstanceOf(IllegalStateException.class);
            assertThat(session.history(HistoryQuery.FORWARDS).items())
                    .extracting(Message::text)
                    .containsExactly("a", "c", "d");
        }
    }

    @Test
    void closingWaitsForAcknowledgementsAndMakesMembersLeave() throws Exception {
        String key = server.newKey();
        try (ParleyClient observer =
                ParleyClient.of(TestServer.options(server.uri(), key).build())) {
            ParleyClient client = ParleyClient.of(
                    TestServer.options(server.uri(), key).clientId("leaver").build());
            Session session = client.session("closing");
            session.attach();
            session.presence().enter(Data.of("here"));
            CompletableFuture<List<String>> last = session.publishAsync(NewMessage.of("n", "last"));
            client.close();
            assertThat(last).isCompleted();
            assertThat(observer.session("closing").presence().get()).isEmpty();
            assertThat(observer.session("closing").history().items()).hasSize(1);
            assertThatThrownBy(() -> session.publish("n", "too late")).isInstanceOf(ParleyException.Closed.class);
            assertThat(client.connection().state()).isEqualTo(State.CLOSED);
        }
    }

    /** The threads for tokens are shared by all clients of the process. */
    @Test
    void aTokenSourceThatHangsIsNotCalledAgainAndItsTokenIsUsedWhenItComes() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        CompletableFuture<String> token = new CompletableFuture<>();
        Credentials tokens = Credentials.tokens(() -> {
            calls.incrementAndGet();
            return token.get();
        });
        var options = ClientOptions.builder(server.uri())
                .credentials(tokens)
                .connectTimeout(Duration.ofMillis(50))
                .build();
        try (ParleyClient client = ParleyClient.of(options);
                ParleyClient issuer = server.client()) {
            assertThatThrownBy(() -> client.session("s").history()).isInstanceOf(ParleyException.class);
            assertThatThrownBy(() -> client.session("s").history()).isInstanceOf(ParleyException.class);
            assertThat(calls).hasValue(1);
            token.complete(issuer.requestToken("late", null, null));
            await().untilAsserted(() ->
                    assertThat(client.session("s").history().items()).isEmpty());
            assertThat(calls).hasValue(1);
        }
    }

    @Test
    void aClientThatIsClosedSaysSoToWhoAttaches() throws Exception {
        ParleyClient client = server.client();
        client.close();
        assertThatThrownBy(() -> client.session("s").attach()).isInstanceOf(ParleyException.Closed.class);
    }
}
