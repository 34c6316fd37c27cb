package dev.parley.server.request;

import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Share;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.Peer;
import dev.parley.server.channel.Refusals;
import dev.parley.server.http.Gzip;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request and its answer. Used on the event loop of the request, except for the work that the request asks for, which is
 * done on a virtual thread.
 */
final class Exchange {
    /** The bytes that an answer takes beside its body, by estimate. */
    private static final int HEAD_BYTES = 512;

    /** A part of the encoding of messages that a client has encrypted. */
    private static final String ENCRYPTED = "cipher+";

    /** The methods that answer with stored data. */
    private static final Set<String> READS = Set.of("GET", "HEAD");

    private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

    private final Resources resources;
    private final AnswerForm form;
    private final RequestsInProgress progress;
    private final HttpServerRequest request;
    private final Context loop;

    /** Null as long as the request does not count as one in progress. */
    private RequestsInProgress.@Nullable Permit permit;

    Exchange(Resources resources, AnswerForm form, RequestsInProgress progress, HttpServerRequest request) {
        this.resources = resources;
        this.form = form;
        this.progress = progress;
        this.request = request;
        this.loop = Vertx.currentContext();
    }

    /** From now on, the request does not count as one in progress. */
    private void leave() {
        if (permit != null) {
            permit.close();
            permit = null;
        }
    }

    /**
     * Does what the request asks for, now that it has arrived, unless too many requests are in progress.
     *
     * @param share the memory that its answer may take
     */
    void start(Request read, Share share) {
        RequestsInProgress.Permit entered = progress.enter();
        permit = entered;
        answer(() -> {
            if (progress.isDraining()) {
                refuse(read, ErrorInfo.STOPPING);
            } else if (entered.tooMany()) {
                refuse(read, ErrorInfo.TOO_MANY_REQUESTS);
            } else {
                Thread.ofVirtual()
                        .name("request")
                        .start(() -> Peer.call(request.remoteAddress(), () -> work(read, share)));
            }
        });
    }

    /** Does {@code step}. If it fails, there will be no answer, so the request is no longer in progress. */
    private void answer(Runnable step) {
        boolean good = false;
        try {
            step.run();
            good = true;
        } finally {
            if (!good) {
                leave();
            }
        }
    }

    /** Does what the request asks for, and answers; blocks. */
    private void work(Request read, Share share) {
        Runnable answering = () -> refuse(read, ErrorInfo.INTERNAL);
        try {
            answering = READS.contains(read.method()) ? inTurn(read, share) : answered(read, share);
        } catch (WireException e) {
            answering = () -> refuse(read, e.error());
        } catch (AccessRefusedException e) {
            answering = () -> refuse(read, Refusals.of(e.refused()));
        } catch (IOException | RuntimeException | Error e) {
            LOG.atError()
                    .setCause(e)
                    .addKeyValue("method", request.method())
                    .addKeyValue("path", request.path())
                    .log("A request failed");
        } finally {
            // Whatever was thrown, the answer ends the request.
            Runnable last = answering;
            loop.runOnContext(ready -> answer(last));
        }
    }

    /** Answers a request whose answer may be large, when it is its turn. */
    private Runnable inTurn(Request read, Share share) throws WireException, AccessRefusedException, IOException {
        try (var _ = progress.read()) {
            return answered(read, share);
        }
    }

    /** Returns what sends the answer, if there is room for the answer. */
    private Runnable answered(Request read, Share share) throws WireException, AccessRefusedException, IOException {
        AnswerForm.Written answer = form.write(read, resources.answer(read, request));
        Gzip.Packed body = pack(answer.body());
        Reservation held = share.reserve(HEAD_BYTES + body.bytes().length);
        if (held == null) {
            throw new WireException(ErrorInfo.NO_ROOM);
        }
        return () -> {
            boolean good = false;
            try {
                if (!request.response().closed() && !request.response().ended()) {
                    body.describe(request);
                }
                send(answer, Buffer.buffer(body.bytes()), held::close);
                good = true;
            } finally {
                if (!good) {
                    held.close();
                }
            }
        };
    }

    /** Compresses lists for clients that accept it, except encrypted ones, which would not get smaller. */
    private Gzip.Packed pack(byte[] body) {
        return request.method().equals(HttpMethod.GET) && Gzip.isAccepted(request) && !isEncrypted(body)
                ? Gzip.pack(body)
                : new Gzip.Packed(body, false);
    }

    private static boolean isEncrypted(byte[] body) {
        return new String(body, StandardCharsets.ISO_8859_1).contains(ENCRYPTED);
    }

    /**
     * Answers with a refusal.
     *
     * @param read null if the request could not be read
     */
    void refuse(@Nullable Request read, ErrorInfo error) {
        HttpServerResponse response = request.response();
        if (!response.ended() && !response.closed()) {
            if (error.statusCode() == 401) {
                response.putHeader("WWW-Authenticate", Access.Refused.CHALLENGE);
            } else if (error.statusCode() == 429 || error.statusCode() >= 503) {
                response.putHeader(HttpHeaders.RETRY_AFTER, "1");
            }
        }
        AnswerForm.Written refusal = form.refuse(read, error);
        send(refusal, Buffer.buffer(refusal.body()), () -> {});
    }

    /**
     * Sends an answer.
     *
     * @param body the bytes of the answer, in the encoding in which they go out
     * @param over runs when the client has accepted the answer, or never will
     */
    private void send(AnswerForm.Written answer, Buffer body, Runnable over) {
        boolean sending = false;
        try {
            sending = sends(answer, body, over);
        } finally {
            leave();
            if (!sending) {
                over.run();
            }
        }
    }

    private boolean sends(AnswerForm.Written answer, Buffer body, Runnable over) {
        HttpServerResponse response = request.response();
        if (response.ended() || response.closed()) {
            return false;
        }
        response.setStatusCode(answer.status())
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .putHeader("X-Content-Type-Options", "nosniff");
        answer.headers().forEach(response::putHeader);
        if (!answer.links().isEmpty()) {
            // One header for each link, because ably-java does not split lists.
            response.putHeader("Link", answer.links());
        }
        if (body.length() > 0 && answer.contentType() != null) {
            response.putHeader(HttpHeaders.CONTENT_TYPE, answer.contentType());
        }
        Future<Void> sent;
        if (request.method().equals(HttpMethod.HEAD)) {
            response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length()));
            sent = response.end();
        } else {
            sent = response.end(body);
        }
        sent.onComplete(taken -> over.run());
        return true;
    }
}
