package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AcceptGateTest {
    private static final int SECONDS = 20;
    private static final int OPEN_FOR_NOW_MILLIS = 100;

    private final Vertx vertx =
            Vertx.builder().withTransport(new AcceptGate(2).transport()).build();
    private int port;

    @AfterEach
    void close() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void socketsThatSayNothingCountBeforeTheirHandshake(@TempDir Path folder) throws Exception {
        var identity = TlsIdentity.make(folder);
        port = vertx.createHttpServer(new HttpServerOptions()
                        .setSsl(true)
                        .setKeyCertOptions(new PemKeyCertOptions()
                                .addCertPath(identity.cert().toString())
                                .addKeyPath(identity.key().toString())))
                .requestHandler(request -> request.response().end())
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(SECONDS, TimeUnit.SECONDS)
                .actualPort();
        try (Socket first = connect();
                Socket second = connect();
                Socket third = connect()) {
            await().until(() -> isClosed(third));
            assertThat(isClosed(first)).isFalse();
            assertThat(isClosed(second)).isFalse();
            first.shutdownOutput();
            await().until(() -> {
                try (Socket next = connect()) {
                    return !isClosed(next);
                }
            });
        }
    }

    @Test
    void connectionsLeaveFilesToTheStore() {
        assertThat(AcceptGate.roomIn(20_000)).isEqualTo(20_000 - AcceptGate.RESERVED_FILES);
        assertThat(AcceptGate.roomIn(1_024)).isEqualTo(512);
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), port);
    }

    private static boolean isClosed(Socket socket) throws IOException {
        socket.setSoTimeout(OPEN_FOR_NOW_MILLIS);
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (SocketException e) {
            return true;
        }
    }
}
