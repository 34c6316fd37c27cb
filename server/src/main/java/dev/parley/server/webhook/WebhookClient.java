package dev.parley.server.webhook;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.Http1ClientConfig;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientConfig;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future.State;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Calls webhooks, at the address that was checked, without following redirects. */
public final class WebhookClient implements AutoCloseable {
    /** The greatest size of an answer. A larger one counts as one without content. */
    public static final int MAX_ANSWER_BYTES = 64 << 10;

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(10);
    private static final int MAX_CONNECTIONS_PER_HOST = 32;

    /** The same of answers that come piece by piece: those that nobody hears of for a while keep no other from being read. */
    private static final int MAX_STREAMS_PER_HOST = 1_024;

    private static final int RESOLVERS = 4;

    private final Vertx vertx;

    @GuardedBy("this")
    private @Nullable HttpClient client;

    /** For answers that come piece by piece, which are not always read to their end. */
    @GuardedBy("this")
    private @Nullable HttpClient streams;

    /** Threads for looking up names, which blocks its thread, and even the carrier of a virtual thread. */
    private final ExecutorService resolvers = Executors.newFixedThreadPool(
            RESOLVERS,
            Thread.ofPlatform().daemon().name("parley-webhook-dns-", 0).factory());

    /** A client on the event loops of {@code vertx}. */
    public WebhookClient(Vertx vertx) {
        this.vertx = vertx;
    }

    /** The HTTP client. It is created when it is first needed, which is never on many servers. */
    private synchronized HttpClient client() {
        if (client == null) {
            client = vertx.createHttpClient(
                    new HttpClientConfig()
                            .setVersions(HttpVersion.HTTP_1_1)
                            .setConnectTimeout(CONNECT_TIMEOUT)
                            .setHttp1Config(new Http1ClientConfig().setKeepAliveTimeout(KEEP_ALIVE)),
                    new PoolOptions().setHttp1MaxSize(MAX_CONNECTIONS_PER_HOST));
        }
        return client;
    }

    private synchronized HttpClient streams() {
        if (streams == null) {
            streams = vertx.createHttpClient(
                    new HttpClientConfig()
                            .setVersions(HttpVersion.HTTP_1_1)
                            .setConnectTimeout(CONNECT_TIMEOUT)
                            .setHttp1Config(new Http1ClientConfig().setKeepAlive(false)),
                    new PoolOptions().setHttp1MaxSize(MAX_STREAMS_PER_HOST));
        }
        return streams;
    }

    /**
     * The answer of a webhook.
     *
     * @param body null if it was too long
     */
    public record Answer(int status, @Nullable Buffer body) {}

    /**
     * Posts {@code body} and waits for the answer.
     *
     * @param headers further headers of the request
     */
    public Answer post(WebhookUrl url, byte[] body, Map<String, String> headers, String signature, Duration timeout)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        InetAddress address = await(resolvers.submit(url::resolve), deadline);
        RequestOptions options = options(url, address, headers, signature);
        Exchange exchange = new Exchange();
        CompletableFuture<Answer> answer = client().request(options)
                .compose(request -> exchange.send(request, body))
                .toCompletionStage()
                .toCompletableFuture();
        try {
            return await(answer, deadline);
        } finally {
            if (answer.state() != State.SUCCESS) {
                exchange.abandon();
            }
        }
    }

    /** Posts {@code body}, and returns at once what its answer is read from. */
    public StreamedAnswer open(WebhookUrl url, byte[] body, Map<String, String> headers, String signature) {
        StreamedAnswer answer = new StreamedAnswer();
        try {
            var _ = resolvers.submit(() -> {
                try {
                    answer.send(streams(), options(url, url.resolve(), headers, signature), body);
                } catch (IOException | RuntimeException e) {
                    answer.failed(e);
                }
            });
        } catch (RejectedExecutionException e) {
            answer.failed(e);
        }
        return answer;
    }

    private static RequestOptions options(
            WebhookUrl url, InetAddress address, Map<String, String> headers, String signature) {
        RequestOptions options = new RequestOptions();
        headers.forEach(options::putHeader);
        return options.setMethod(HttpMethod.POST)
                .setServer(SocketAddress.inetSocketAddress(url.port(), address.getHostAddress()))
                .setHost(url.uri().getHost())
                .setPort(url.port())
                .setSsl(url.isTls())
                .setURI(url.target())
                .setFollowRedirects(false)
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .putHeader(HttpHeaders.USER_AGENT, "Parley")
                .putHeader("Webhook-Signature", signature);
    }

    private static <T> T await(java.util.concurrent.Future<T> future, long deadlineNanos)
            throws IOException, InterruptedException {
        try {
            return future.get(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            future.cancel(true);
            throw new IOException("no answer in time", e);
        } catch (CancellationException e) {
            throw new IOException("given up", e);
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(e.getCause()), e);
        }
    }

    /** A request that may be given up at any time, even before it has a connection. */
    private static final class Exchange {
        private final AtomicReference<@Nullable HttpClientRequest> sent = new AtomicReference<>();
        private volatile boolean abandoned;

        Future<Answer> send(HttpClientRequest request, byte[] body) {
            sent.set(request);
            if (abandoned) {
                var _ = request.reset();
                return Future.failedFuture("given up");
            }
            return request.send(Buffer.buffer(body)).compose(this::read);
        }

        private Future<Answer> read(HttpClientResponse response) {
            Promise<Answer> answer = Promise.promise();
            Buffer body = Buffer.buffer();
            response.exceptionHandler(answer::tryFail);
            response.endHandler(end -> answer.tryComplete(new Answer(response.statusCode(), body)));
            response.handler(part -> {
                if (body.length() + part.length() > MAX_ANSWER_BYTES) {
                    answer.tryComplete(new Answer(response.statusCode(), null));
                    abandon();
                } else {
                    body.appendBuffer(part);
                }
            });
            return answer.future();
        }

        void abandon() {
            abandoned = true;
            HttpClientRequest request = sent.get();
            if (request != null) {
                var _ = request.reset();
            }
        }
    }

    @Override
    public synchronized void close() {
        for (Runnable waiting : resolvers.shutdownNow()) {
            ((java.util.concurrent.Future<?>) waiting).cancel(false);
        }
        if (client != null) {
            var _ = client.close();
        }
        if (streams != null) {
            var _ = streams.close();
        }
    }
}
