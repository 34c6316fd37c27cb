package dev.parley.server.rest;

import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Share;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.Peer;
import dev.parley.server.channel.Refusals;
import dev.parley.server.http.Gzip;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
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
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request and its answer. Used on the event loop of the request, except for the work that the request asks for, which is
 * done on a virtual thread.
 */
final class RestExchange {
    /** The bytes that an answer takes beside its body, by estimate. */
    private static final int HEAD_BYTES = 512;

    private static final int MAX_ERROR_HEADER_CHARS = 512;

    /** A part of the encoding of messages that a client has encrypted. */
    private static final String ENCRYPTED = "cipher+";

    /** The methods that answer with stored data. */
    private static final Set<String> READS = Set.of("GET", "HEAD");

    private static final Logger LOG = LoggerFactory.getLogger(RestExchange.class);

    private final Routes routes;
    private final RequestsInProgress progress;
    private final HttpServerRequest request;
    private final Context loop;

    /** Whether the request counts as one in progress. */
    private boolean counted;

    RestExchange(Routes routes, RequestsInProgress progress, HttpServerRequest request) {
        this.routes = routes;
        this.progress = progress;
        this.request = request;
        this.loop = Vertx.currentContext();
    }

    /** From now on, the request does not count as one in progress. */
    private void leave() {
        if (counted) {
            counted = false;
            progress.leave();
        }
    }

    /**
     * Does what the request asks for, now that it has arrived, unless too many requests are in progress.
     *
     * @param share the memory that its answer may take
     */
    void start(RestRequest read, Share share) {
        counted = true;
        boolean full = progress.enter();
        answer(() -> {
            if (progress.isDraining()) {
                refuse(read.accepted(), ErrorInfo.STOPPING);
            } else if (full) {
                refuse(read.accepted(), ErrorInfo.TOO_MANY_REQUESTS);
            } else {
                Thread.ofVirtual()
                        .name("rest")
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
    private void work(RestRequest read, Share share) {
        WireFormat format = read.accepted();
        Runnable answering = () -> refuse(format, ErrorInfo.INTERNAL);
        try {
            answering = READS.contains(read.method()) ? inTurn(read, share) : answered(read, share);
        } catch (WireException e) {
            answering = () -> refuse(format, e.error());
        } catch (AccessRefusedException e) {
            answering = () -> refuse(format, Refusals.of(e.refused()));
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

    /** Compresses lists for clients that accept it, except encrypted ones, which would not get smaller. */
    private Gzip.Packed pack(byte[] body) {
        return request.method().equals(HttpMethod.GET) && Gzip.isAccepted(request) && !isEncrypted(body)
                ? Gzip.pack(body)
                : new Gzip.Packed(body, false);
    }

    private static boolean isEncrypted(byte[] body) {
        return new String(body, StandardCharsets.ISO_8859_1).contains(ENCRYPTED);
    }

    /** Answers a request whose answer may be large, when it is its turn. */
    private Runnable inTurn(RestRequest read, Share share) throws WireException, AccessRefusedException, IOException {
        progress.beginRead();
        try {
            return answered(read, share);
        } finally {
            progress.endRead();
        }
    }

    /** Returns what sends the answer, if there is room for the answer. */
    private Runnable answered(RestRequest read, Share share) throws WireException, AccessRefusedException, IOException {
        Answer answer = routes.answer(read, request);
        WireFormat format = read.accepted();
        Gzip.Packed body = pack(read.isEnveloped() ? enveloped(format, answer) : plain(format, answer));
        int status = read.isEnveloped() ? 200 : answer.status();
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
                send(status, format, Buffer.buffer(body.bytes()), answer.links(), held::close);
                good = true;
            } finally {
                if (!good) {
                    held.close();
                }
            }
        };
    }

    private static byte[] plain(WireFormat format, Answer answer) {
        return answer.body() == null ? new byte[0] : format.write(answer.body());
    }

    /** The answer to clients that cannot read headers. The body contains the headers. */
    private static byte[] enveloped(WireFormat format, Answer answer) {
        return format.write(to -> {
            to.beginObject().field("statusCode", answer.status());
            to.name("headers").beginObject();
            if (!answer.links().isEmpty()) {
                to.field("link", String.join(", ", answer.links()));
            }
            to.endObject();
            if (answer.body() != null) {
                answer.body().accept(to.name("response"));
            }
            to.endObject();
        });
    }

    void refuse(WireFormat format, ErrorInfo error) {
        HttpServerResponse response = request.response();
        if (!response.ended() && !response.closed()) {
            response.putHeader("X-Ably-Errorcode", Integer.toString(error.code()))
                    .putHeader("X-Ably-Errormessage", headerValue(error.message()));
            if (error.statusCode() == 401) {
                response.putHeader("WWW-Authenticate", Access.Refused.CHALLENGE);
            } else if (error.statusCode() == 429 || error.statusCode() >= 503) {
                response.putHeader(HttpHeaders.RETRY_AFTER, "1");
            }
        }
        byte[] body = format.write(to -> {
            error.write(to.beginObject().name("error"));
            to.endObject();
        });
        send(error.statusCode(), format, Buffer.buffer(body), List.of(), () -> {});
    }

    /** The message without characters that a header cannot have: the message may quote what the client has sent. */
    private static String headerValue(String message) {
        String printable = message.replaceAll("[^ -~]", "?");
        return printable.substring(0, Math.min(printable.length(), MAX_ERROR_HEADER_CHARS));
    }

    /**
     * Sends an answer.
     *
     * @param over runs when the client has accepted the answer, or never will
     */
    private void send(int status, WireFormat format, Buffer body, List<String> links, Runnable over) {
        boolean sending = false;
        try {
            sending = sends(status, format, body, links, over);
        } finally {
            leave();
            if (!sending) {
                over.run();
            }
        }
    }

    private boolean sends(int status, WireFormat format, Buffer body, List<String> links, Runnable over) {
        HttpServerResponse response = request.response();
        if (response.ended() || response.closed()) {
            return false;
        }
        response.setStatusCode(status)
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .putHeader("X-Content-Type-Options", "nosniff");
        if (!links.isEmpty()) {
            // One header for each link, because ably-java does not split lists.
            response.putHeader("Link", links);
        }
        if (body.length() > 0) {
            response.putHeader(HttpHeaders.CONTENT_TYPE, format.contentType());
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
