package dev.parley.server.realtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.Futures;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ClientWebSocket;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client that writes and reads the frames of the protocol, in JSON, without knowing more of it. */
final class RealtimeClient {
    // The actions of frames.
    static final int ACK = 1;
    static final int NACK = 2;
    static final int CONNECTED = 4;
    static final int DISCONNECTED = 6;
    static final int CLOSED = 8;
    static final int ERROR = 9;
    static final int ATTACHED = 11;
    static final int DETACHED = 13;
    static final int PRESENCE = 14;
    static final int MESSAGE = 15;
    static final int SYNC = 16;
    static final int AUTH = 17;
    static final int ANNOTATION = 21;

    private static final JsonMapper JSON = JsonMapper.shared();

    /** Kept, because its sockets end when it is collected. */
    private final WebSocketClient client;

    private final WebSocket socket;
    private final BlockingQueue<JsonNode> frames = new LinkedBlockingQueue<>();
    private final CountDownLatch closed = new CountDownLatch(1);

    /** {@code authorization}: the header, if it is not empty. */
    RealtimeClient(Vertx vertx, int port, String query, String authorization) {
        client = vertx.createWebSocketClient(new WebSocketClientOptions().setMaxFrameSize(1 << 20));
        var options =
                new WebSocketConnectOptions().setPort(port).setHost("127.0.0.1").setURI("/?v=6&" + query);
        if (!authorization.isEmpty()) {
            options.putHeader("Authorization", authorization);
        }
        // Who listens only once the socket is open may miss what the server says first.
        ClientWebSocket opening = client.webSocket();
        opening.textMessageHandler(text -> frames.add(JSON.readTree(text)));
        opening.closeHandler(gone -> closed.countDown());
        socket = Futures.await(opening.connect(options));
    }

    void send(String frame) {
        socket.writeTextMessage(frame.replace('\'', '"'));
    }

    void sendBytes(byte[] bytes) {
        socket.writeBinaryMessage(Buffer.buffer(bytes));
    }

    /** Enters the presence set of a channel, and waits for the acknowledgement. */
    void enter(String channel, int msgSerial) throws InterruptedException {
        send("{'action':14,'channel':'%s','msgSerial':%d,'presence':[{'action':2}]}".formatted(channel, msgSerial));
        next(ACK);
    }

    /** Stops reading, so that what the server sends accumulates. */
    void pause() {
        socket.pause();
    }

    void resume() {
        socket.resume();
    }

    /** The next frame, whatever it is. */
    JsonNode next() throws InterruptedException {
        JsonNode frame = frames.poll(20, TimeUnit.SECONDS);
        assertThat(frame).as("a frame from the server").isNotNull();
        return frame;
    }

    /** The next frame with this action; others before it are skipped. */
    JsonNode next(int action) throws InterruptedException {
        while (true) {
            JsonNode frame = next();
            if (frame.path("action").intValue() == action) {
                return frame;
            }
        }
    }

    String connectionId(JsonNode connected) {
        return connected.path("connectionId").stringValue();
    }

    void awaitClosed() throws InterruptedException {
        assertThat(closed.await(20, TimeUnit.SECONDS))
                .as("the socket is closed")
                .isTrue();
    }

    /** Cuts the connection without a word. */
    void cut() {
        socket.close();
    }
}
