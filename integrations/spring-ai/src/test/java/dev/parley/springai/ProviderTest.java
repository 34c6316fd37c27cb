package dev.parley.springai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import dev.parley.client.ParleyClient;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Sent;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.ai.anthropic.AnthropicChatModel;
import org.springframework.ai.anthropic.AnthropicChatOptions;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;
import org.springframework.core.io.support.SpringFactoriesLoader;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A model of Spring AI as it is, and what its provider is sent. */
@ExtendWith(SharedServer.class)
class ProviderTest {
    private static final List<String> CALLS = List.of("""
            {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],
            "stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}""", """
            {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""", """
            {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"I have to look."}}""", """
            {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"signed"}}""", """
            {"type":"content_block_stop","index":0}""", """
            {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"c","name":"look","input":{}}}""", """
            {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}""", """
            {"type":"content_block_stop","index":1}""", """
            {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9}}""", """
            {"type":"message_stop"}""");

    private static final List<String> SAYS = List.of(CALLS.get(0), """
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""", """
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It rains."}}""", CALLS.get(4), """
            {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}""", CALLS.get(9));

    private final TestServer server;
    private final List<JsonNode> requests = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);

    ProviderTest(TestServer server) {
        this.server = server;
    }

    private static void send(HttpExchange exchange, String event) throws IOException {
        String type = JsonMapper.shared().readTree(event).path("type").asString();
        OutputStream body = exchange.getResponseBody();
        body.write(("event: " + type + "\ndata: " + event.replace('\n', ' ') + "\n\n").getBytes(UTF_8));
        body.flush();
    }

    /** Answers the first request with a call, and others with a text. */
    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            begin(exchange);
            for (String event : requests.size() == 1 ? CALLS : SAYS) {
                send(exchange, event);
            }
        }
    }

    /** Goes on until nobody reads any more. */
    private void answerForEver(HttpExchange exchange) throws IOException {
        try (exchange) {
            begin(exchange);
            send(exchange, SAYS.get(0));
            send(exchange, SAYS.get(1));
            while (true) {
                send(exchange, SAYS.get(2));
                // As fast as a model, not as fast as it can.
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
            }
        } catch (IOException e) {
            closed.countDown();
            throw e;
        }
    }

    private void begin(HttpExchange exchange) throws IOException {
        requests.add(JsonMapper.shared().readTree(exchange.getRequestBody()));
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
    }

    private static HttpServer provider(HttpHandler handler) throws IOException {
        HttpServer provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/", handler);
        provider.start();
        return provider;
    }

    private static AnthropicChatModel model(HttpServer provider) {
        return AnthropicChatModel.builder()
                .options(AnthropicChatOptions.builder()
                        .baseUrl("http://127.0.0.1:" + provider.getAddress().getPort())
                        .apiKey("none")
                        .thinkingEnabled(1024)
                        .maxTokens(2048)
                        .build())
                .build();
    }

    private ParleyClient client(String key, String clientId) {
        return ParleyClient.of(
                TestServer.options(server.uri(), key).clientId(clientId).build());
    }

    /** A tool. */
    static class Window {
        @Tool(description = "Looks out")
        String look() {
            return "rain";
        }
    }

    @Test
    void anthropicIsSentItsSignedThoughtsAgain() throws Exception {
        HttpServer provider = provider(this::answer);
        String key = server.newKey();
        try (ParleyClient there = client(key, "agent");
                AgentSession agent = AgentSession.open(there, "s");
                ParleyClient here = client(key, "ann");
                ClientSession ann = ClientSession.open(here, "s")) {
            agent.serve(
                    SpringAiAgent.builder(model(provider)).tools(new Window()).build());
            Node.Run run =
                    ann.awaitRun(ann.send("How is it?"), Duration.ofSeconds(30)).orElseThrow();
            assertThat(run.status()).as("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
            assertThat(run.messages().get(0).parts())
                    .filteredOn(Part.Reasoning.class::isInstance)
                    .extracting(part -> ((Part.Reasoning) part).text())
                    .containsExactly("I have to look.");
            assertThat(run.messages().get(1).text()).isEqualTo("It rains.");
        } finally {
            provider.stop(0);
        }
        JsonNode sent = requests.get(1).get("messages");
        assertThat(Objects.requireNonNull(sent.get(1)).get("content"))
                .containsExactly(
                        JsonMapper.shared()
                                .readTree(
                                        "{\"thinking\":\"I have to look.\",\"signature\":\"signed\",\"type\":\"thinking\"}"),
                        JsonMapper.shared()
                                .readTree("{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"look\",\"input\":{}}"));
        assertThat(sent.at("/2/content/0/type").asString()).isEqualTo("tool_result");
        assertThat(requests.get(0).at("/tools/0/name").asString()).isEqualTo("look");
    }

    @Test
    void aCancelReachesTheProvider() throws Exception {
        HttpServer provider = provider(this::answerForEver);
        String key = server.newKey();
        // Only the cancel itself ends the run.
        AgentOptions patient = AgentOptions.DEFAULT.withCancelGrace(Duration.ofHours(1));
        try (ParleyClient there = client(key, "agent");
                AgentSession agent = AgentSession.open(there, "s", patient);
                ParleyClient here = client(key, "ann");
                ClientSession ann = ClientSession.open(here, "s")) {
            agent.serve(SpringAiAgent.builder(model(provider)).build());
            Sent sent = ann.send("How is it?");
            await().atMost(Duration.ofSeconds(30)).until(() -> ann.messages().size() == 2);
            ann.cancel(sent);
            Node.Run run = ann.awaitRun(sent, Duration.ofSeconds(30)).orElseThrow();
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(closed.await(30, TimeUnit.SECONDS)).isTrue();
        } finally {
            provider.stop(0);
        }
    }

    @Test
    void aNativeImageKeepsWhatIsMadeAgain() {
        var hints = new RuntimeHints();
        SpringFactoriesLoader.forResourceLocation("META-INF/spring/aot.factories")
                .load(RuntimeHintsRegistrar.class)
                .stream()
                .filter(ProviderHints.class::isInstance)
                .forEach(registrar -> registrar.registerHints(hints, getClass().getClassLoader()));
        assertThat(RuntimeHintsPredicates.reflection()
                        .onType(TypeReference.of(ProviderProperties.SIGNED_TYPE))
                        .test(hints))
                .isTrue();
    }
}
