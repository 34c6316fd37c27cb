package dev.parley.server.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rules for all requests. A request that two readers, such as a proxy and this server, could interpret differently is
 * refused and not interpreted in one of the ways.
 */
final class RequestCheck {

    /** Fields of a head; each takes far more memory than its shortest form takes to send. */
    static final int MAX_FIELDS = 100;

    private RequestCheck() {}

    /**
     * What is wrong with a request.
     *
     * @param ends whether nobody can tell where the next request of the connection begins, so that the connection has
     *     to be closed
     */
    record Fault(int status, String code, String message, boolean ends) {}

    /** Returns what is wrong with {@code request}, or null if nothing is. */
    static @Nullable Fault of(HttpServerRequest request) {
        if (hasTooManyFields(request)) {
            return new Fault(
                    431, "HEADERS_TOO_LARGE", "A request has at most " + MAX_FIELDS + " header fields.", false);
        }
        if (request.version() != HttpVersion.HTTP_2) {
            if (request.headers().contains(HttpHeaders.TRANSFER_ENCODING) && !isChunked(request)) {
                return new Fault(
                        501,
                        "UNKNOWN_TRANSFER_ENCODING",
                        "The only Transfer-Encoding that the server accepts is chunked.",
                        true);
            }
            List<String> hosts = request.headers().getAll(HttpHeaders.HOST);
            if (hosts.size() > 1) {
                return new Fault(400, "INVALID_HOST", "A request must have one Host header, not several.", true);
            }
            if (hosts.isEmpty() && request.version() == HttpVersion.HTTP_1_1) {
                return new Fault(400, "INVALID_HOST", "A request in HTTP/1.1 needs a Host header.", true);
            }
            if (!hosts.isEmpty() && !hosts.getFirst().isEmpty() && request.authority() == null) {
                return new Fault(400, "INVALID_HOST", "The Host header is not a host with or without a port.", true);
            }
        }
        if (request.headers().contains(HttpHeaders.CONTENT_ENCODING) && isEncoded(request)) {
            return new Fault(
                    415,
                    "UNKNOWN_CONTENT_ENCODING",
                    "The server accepts no Content-Encoding; send the body without one.",
                    false);
        }
        if (!areEscapesWhole(request.uri())) {
            return new Fault(
                    400, "INVALID_ESCAPE", "The URL has a % that is not followed by two hexadecimal digits.", false);
        }
        return null;
    }

    private static boolean hasTooManyFields(HttpServerRequest request) {
        int fields = 0;
        for (var _ : request.headers()) {
            fields++;
        }
        return fields > MAX_FIELDS;
    }

    private static boolean isChunked(HttpServerRequest request) {
        List<String> encodings = request.headers().getAll(HttpHeaders.TRANSFER_ENCODING);
        return encodings.size() == 1 && encodings.getFirst().strip().equalsIgnoreCase("chunked");
    }

    private static boolean isEncoded(HttpServerRequest request) {
        return request.headers().getAll(HttpHeaders.CONTENT_ENCODING).stream()
                .anyMatch(encoding -> !encoding.strip().equalsIgnoreCase("identity"));
    }

    private static boolean areEscapesWhole(String uri) {
        for (int at = uri.indexOf('%'); at >= 0; at = uri.indexOf('%', at + 1)) {
            if (at + 2 >= uri.length()
                    || Character.digit(uri.charAt(at + 1), 16) < 0
                    || Character.digit(uri.charAt(at + 2), 16) < 0) {
                return false;
            }
        }
        return true;
    }
}
