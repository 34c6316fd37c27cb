package dev.parley.server.http;

import dev.parley.engine.CommandTooLargeException;
import dev.parley.engine.EngineStoppedException;
import dev.parley.engine.OverloadedException;
import dev.parley.engine.StorageFullException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A request that is answered with an error. The message tells the client what to do about it. */
public final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private static final Logger LOG = LoggerFactory.getLogger(RefusedException.class);

    private final int status;
    private final String code;

    public RefusedException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    public static RefusedException badRequest(String code, String message) {
        return new RefusedException(400, code, message);
    }

    /** An error for requests that may succeed a little later. */
    public static RefusedException unavailable(String code, String message) {
        return new RefusedException(503, code, message);
    }

    /** The error for a command or a read that was not accepted. */
    public static RefusedException because(@Nullable Throwable engineFailure) {
        return switch (engineFailure) {
            case OverloadedException e -> unavailable("OVERLOADED", "Too many commands are waiting; try again soon.");
            case RejectedExecutionException e ->
                unavailable("OVERLOADED", "Too many reads are waiting; try again soon.");
            case EngineStoppedException e -> unavailable("STOPPED", "The server is stopping; try again.");
            case StorageFullException e -> new RefusedException(507, "STORAGE_FULL", String.valueOf(e.getMessage()));
            case CommandTooLargeException e ->
                new RefusedException(
                        413, "BODY_TOO_LARGE", "The body is larger than a record of the journal may be; divide it.");
            case null, default -> {
                LOG.error("The engine failed a command", engineFailure);
                yield new RefusedException(500, "INTERNAL_ERROR", "The server failed to answer; its log says more.");
            }
        };
    }

    public int status() {
        return status;
    }

    public String code() {
        return code;
    }

    /** Answers {@code request} with this error. */
    public void answer(HttpServerRequest request) {
        if (status == 503 || status == 507) {
            request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        }
        Replies.error(request, status, code, String.valueOf(getMessage()));
    }
}
