package dev.parley.server.streams.subscription;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A worker's end of webhooks. */
final class WebhookReceiver implements AutoCloseable {
    /** What has come in. */
    final List<Call> calls = new CopyOnWriteArrayList<>();

    private final HttpServer server;
    private volatile int status = 200;
    private volatile String answer = "";
    private volatile @Nullable String location;

    /** A webhook as it came. */
    record Call(byte[] raw, String signature, JsonNode body) {}

    WebhookReceiver() throws IOException {
        this(0);
    }

    WebhookReceiver(int port) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/", exchange -> {
            byte[] raw = exchange.getRequestBody().readAllBytes();
            calls.add(new Call(
                    raw,
                    String.valueOf(exchange.getRequestHeaders().getFirst("Webhook-Signature")),
                    TestServer.JSON.readTree(raw)));
            if (location != null) {
                exchange.getResponseHeaders().set("Location", location);
            }
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
    }

    /** From now on calls are answered like this. */
    void answer(int newStatus, String newAnswer) {
        status = newStatus;
        answer = newAnswer;
    }

    void redirectTo(String url) {
        location = url;
        status = 307;
    }

    int port() {
        return server.getAddress().getPort();
    }

    String url() {
        return "http://127.0.0.1:" + port() + "/hook";
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
