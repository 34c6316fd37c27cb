package dev.parley.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Requests over HTTP: with credentials, and sent again where that does no harm. */
final class Http {
    private static final String JSON = "application/json";

    private final ClientOptions options;
    private final Auth auth;

    Http(ClientOptions options, Auth auth) {
        this.options = options;
        this.auth = auth;
    }

    /**
     * A request.
     *
     * @param path encoded, with a slash at its beginning
     * @param query encoded; empty for none
     * @param body null for none
     * @param repeatable whether it has one effect although it is sent several times
     */
    record Call(
            String method,
            String path,
            String query,
            Map<String, String> headers,
            byte @Nullable [] body,
            boolean repeatable) {
        static Call get(String path, String query) {
            return new Call("GET", path, query, Map.of(), null, true);
        }

        static Call json(String method, String path, JsonNode body, boolean repeatable) {
            return new Call(
                    method, path, "", Map.of("Content-Type", JSON), Wire.MAPPER.writeValueAsBytes(body), repeatable);
        }
    }

    /** Sends a request to a door of sessions and returns the body of the answer; blocks. */
    JsonNode call(Call call) {
        return json(exchange(call));
    }

    /** Sends a request to a door of sessions; the future completes with the body of the answer. */
    CompletableFuture<JsonNode> callAsync(Call call) {
        return send(call, options.requestTimeout()).thenApply(response -> json(accepted(response)));
    }

    private HttpResponse<byte[]> exchange(Call call) {
        return accepted(await(send(call, options.requestTimeout()), options.requestTimeout()));
    }

    private static HttpResponse<byte[]> accepted(HttpResponse<byte[]> response) {
        if (response.statusCode() >= 300) {
            throw error(response);
        }
        return response;
    }

    /** Reads a page of a list of a door of sessions; blocks. */
    <T> Page<T> page(String path, String query, Function<JsonNode, T> element) {
        HttpResponse<byte[]> response = exchange(Call.get(path, query));
        List<T> items = new ArrayList<>();
        for (JsonNode node : json(response)) {
            items.add(element.apply(node));
        }
        return new Page<>(items, nextQuery(response), next -> page(path, next, element));
    }

    /**
     * Reads a page of a list of the session door; blocks.
     *
     * @param field the field of the answer that has the list
     */
    <T> Page<T> list(String path, String query, String field, Function<JsonNode, T> element) {
        return list(path, query, "", field, element);
    }

    private <T> Page<T> list(String path, String query, String cursor, String field, Function<JsonNode, T> element) {
        String of =
                cursor.isEmpty() ? query : (query.isEmpty() ? "" : query + "&") + "cursor=" + ConnectUri.encode(cursor);
        JsonNode answer = call(Call.get(path, of));
        return new Page<>(
                answer.path(field).valueStream().map(element).toList(),
                Wire.text(answer, "next"),
                next -> list(path, query, next, field, element));
    }

    private static @Nullable String nextQuery(HttpResponse<?> response) {
        for (String link : response.headers().allValues("Link")) {
            int start = link.indexOf('?');
            int end = link.indexOf('>');
            if (link.contains("rel=\"next\"") && start >= 0 && start < end) {
                return link.substring(start + 1, end);
            }
        }
        return null;
    }

    private static JsonNode json(HttpResponse<byte[]> response) {
        try {
            return Wire.MAPPER.readTree(response.body());
        } catch (JacksonException e) {
            throw new ParleyException.Unreachable("The answer is no JSON.", e);
        }
    }

    /** What an answer with a status of 400 or more says. */
    static ParleyException error(HttpResponse<byte[]> response) {
        int status = response.statusCode();
        JsonNode error;
        try {
            JsonNode body = Wire.MAPPER.readTree(response.body());
            error = body.path("error");
            if (error.isString() && body.path("code").isNumber()) {
                // As the session door says it.
                error = Wire.object()
                        .put("code", body.path("code").intValue())
                        .put("statusCode", status)
                        .put("message", error.stringValue());
            }
        } catch (JacksonException e) {
            // Some proxy has answered, or the body is empty.
            error = Wire.object();
        }
        if (error.path("code").isNumber()) {
            return Wire.error(error);
        }
        String reason = Wire.text(error, "code");
        String message = Wire.text(error, "message");
        return Wire.error(
                status * 100,
                status,
                reason == null ? Integer.toString(status) : reason,
                message == null ? "The answer has the status " + status + "." : message);
    }

    /**
     * Sends a request. The answer may have any status.
     *
     * @param within for how long a request that may be repeated is tried
     */
    CompletableFuture<HttpResponse<byte[]>> send(Call call, Duration within) {
        var attempts = new Attempts(call, within);
        attempts.next();
        return attempts.answer;
    }

    /** The attempts to get an answer to one request. */
    private final class Attempts {
        private final Call call;
        private final Duration within;
        private final long startedNanos = System.nanoTime();
        private final Backoff backoff = new Backoff(options.minBackoff(), options.maxBackoff());
        private final CompletableFuture<HttpResponse<byte[]>> answer = new CompletableFuture<>();
        private boolean renewed;

        Attempts(Call call, Duration within) {
            this.call = call;
            this.within = within;
        }

        void next() {
            var unused = auth.header()
                    .thenCompose(header ->
                            options.httpClient().sendAsync(request(call, header, within), BodyHandlers.ofByteArray()))
                    .whenComplete(this::done);
        }

        private void done(@Nullable HttpResponse<byte[]> response, @Nullable Throwable failure) {
            if (answer.isDone()) {
                // Nobody waits any more.
                return;
            }
            if (response == null) {
                Throwable cause = unwrap(failure);
                boolean mayPass = cause instanceof IOException && !ParleyException.Unreachable.isDistrust(cause);
                if (mayPass && call.repeatable() && again()) {
                    return;
                }
                answer.completeExceptionally(cause instanceof IOException ? failed(cause) : cause);
                return;
            }
            int status = response.statusCode();
            if (status == 401 && !renewed && auth.canRenew() && Wire.isTokenError(error(response))) {
                renewed = true;
                auth.renew();
                next();
            } else if (!(mayPass(status) && call.repeatable() && again())) {
                answer.complete(response);
            }
        }

        private ParleyException failed(Throwable cause) {
            boolean sent = !(cause instanceof ConnectException
                    || cause instanceof HttpConnectTimeoutException
                    || cause instanceof SSLHandshakeException);
            return sent && !call.repeatable()
                    ? new ParleyException.OutcomeUnknown("The request was sent, and the answer has not come: " + cause)
                    : new ParleyException.Unreachable("The server cannot be reached: " + cause, cause);
        }

        private boolean again() {
            long pause = backoff.nextMillis();
            long over = System.nanoTime() - startedNanos + TimeUnit.MILLISECONDS.toNanos(pause);
            if (over >= within.toNanos()) {
                return false;
            }
            var unused = ClientThreads.after(pause, this::next);
            return true;
        }
    }

    /** Whether an answer with this status may be another one a little later. */
    private static boolean mayPass(int status) {
        return status == 429 || (status >= 502 && status <= 504);
    }

    private HttpRequest request(Call call, @Nullable String authorization, Duration timeout) {
        URI uri = ConnectUri.below(options.server(), call.path(), call.query());
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .method(
                        call.method(),
                        call.body() == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(call.body()))
                .timeout(timeout);
        if (uri.getScheme().equals("http")) {
            // Without TLS, HTTP/2 would have to be negotiated with each connection, and brings nothing here.
            request.version(HttpClient.Version.HTTP_1_1);
        }
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        if (options.clientId() != null) {
            request.header("X-Ably-ClientId", Auth.base64(options.clientId()));
        }
        call.headers().forEach(request::header);
        return request.build();
    }

    // Waiting for futures

    /** Waits for an answer, and throws what it has failed with. */
    static <T> T await(CompletableFuture<T> answer, Duration timeout) {
        LinkLock.mayWait();
        try {
            return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw asException(e.getCause() == null ? e : e.getCause());
        } catch (TimeoutException e) {
            throw new ParleyException.TimedOut("The server has not answered within " + timeout + ".", null);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    static RuntimeException asException(Throwable failure) {
        Throwable cause = unwrap(failure);
        return cause instanceof RuntimeException known
                ? known
                : new ParleyException.Unreachable("The request has failed: " + cause, cause);
    }

    /** What a future has really failed with. */
    static Throwable unwrap(@Nullable Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause == null ? new IllegalStateException("There is neither an answer nor a failure.") : cause;
    }

    /** What a thread throws that was interrupted; its flag is set again. */
    static ParleyException.Interrupted interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new ParleyException.Interrupted(cause);
    }
}
