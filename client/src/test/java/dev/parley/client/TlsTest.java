package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A client and a server that speak TLS. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TlsTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private final TlsIdentity identity;
    private final TestServer server;
    private final String key;

    TlsTest(@TempDir Path folder) throws Exception {
        identity = TlsIdentity.make(folder);
        server = TestServer.start("tls.cert=" + identity.cert(), "tls.key=" + identity.key());
        key = server.newKey(trusting().build());
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private HttpClient.Builder trusting() {
        return HttpClient.newBuilder().sslContext(identity.trustingContext());
    }

    private ClientOptions.Builder options(HttpClient http) {
        return TestServer.options(server.uri(), key).httpClient(http);
    }

    /** Uses all doors. */
    private static void use(ParleyClient client, String name) {
        Session session = client.session(name);
        List<String> texts = new CopyOnWriteArrayList<>();
        session.onMessage(message -> texts.add(String.valueOf(message.text())));
        session.attach();
        session.publish("n", "a");
        session.publish("n", "x".repeat(60_000));
        await().atMost(LONG).until(() -> texts.size() == 2);
        assertThat(session.history(HistoryQuery.FORWARDS).items())
                .extracting(Message::text)
                .containsExactlyElementsOf(texts);
        Stream stream = client.stream(name);
        stream.create(StreamOptions.TEXT);
        stream.append(StreamOptions.TEXT.contentType(), Stream.bytes("one "));
        StreamReader reader = stream.follow(Stream.START);
        StringBuilder read = new StringBuilder();
        stream.producer("p").append("two");
        while (read.length() < 7) {
            Chunk chunk = reader.next();
            assertThat(chunk).isNotNull();
            read.append(chunk.text());
        }
        assertThat(read).hasToString("one two");
    }

    @Test
    void everythingGoesOverTls() {
        assertThat(server.uri()).hasScheme("https");
        try (ParleyClient client = ParleyClient.of(options(trusting().build()).build())) {
            use(client, "tls");
        }
    }

    @Test
    void everythingGoesThroughAProxy() throws Exception {
        try (var proxy = new TunnelProxy()) {
            HttpClient http = trusting().proxy(proxy.selector()).build();
            try (ParleyClient client = ParleyClient.of(options(http).build())) {
                use(client, "proxied");
            }
            // The WebSocket has a tunnel of its own.
            assertThat(proxy.targets()).hasSizeGreaterThanOrEqualTo(2).containsOnly("127.0.0.1:" + server.port());
        }
    }

    @Test
    void aCertificateThatIsNotTrustedIsAnErrorThatSaysSo() {
        HttpClient distrusting = HttpClient.newHttpClient();
        try (ParleyClient client =
                ParleyClient.of(options(distrusting).requestTimeout(LONG).build())) {
            Stream stream = client.stream("untrusted");
            for (Runnable request : List.<Runnable>of(
                    () -> client.session("untrusted").history(),
                    stream::info,
                    () -> stream.append(StreamOptions.TEXT.contentType(), Stream.bytes("x")),
                    () -> stream.follow(Stream.START).next())) {
                assertThatThrownBy(request::run)
                        .isInstanceOfSatisfying(
                                ParleyException.Unreachable.class,
                                e -> assertThat(e.retryHelps()).isFalse())
                        .hasMessageContaining("certification path");
            }
        }
        // A connection is tried again, as somebody may renew the certificate. Who waits for it is told why there is
        // none.
        try (ParleyClient client = ParleyClient.of(
                options(distrusting).requestTimeout(Duration.ofMillis(300)).build())) {
            for (Runnable request : List.<Runnable>of(
                    () -> client.connection().connect(),
                    () -> client.session("untrusted").attach(),
                    () -> client.session("untrusted").publish("n", "a"))) {
                await().atMost(LONG)
                        .untilAsserted(() -> assertThatThrownBy(request::run)
                                .isInstanceOf(ParleyException.TimedOut.class)
                                .hasMessageContaining("certification path"));
            }
            assertThat(client.connection().failure()).isInstanceOf(ParleyException.Unreachable.class);
        }
    }
}
