package dev.parley.server.request;

import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.Refusals;
import dev.parley.server.http.RefusedException;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request as it was read, so that it can be handled on another thread.
 *
 * @param path the segments of the path, decoded
 * @param sender the authenticated sender; null if the path needs none
 * @param body the body as it arrived; empty if there is none
 */
public record Request(
        String method,
        List<String> path,
        MultiMap headers,
        MultiMap query,
        @Nullable Principal sender,
        byte[] body) {
    /** Parameters of the query that are credentials, and must not appear in links. */
    public static final Set<String> CREDENTIALS = Set.of("key", "access_token", "accessToken");

    private static final int MAX_LIMIT = 1_000;

    /** The number of elements of a page if the request does not say. */
    public static final int DEFAULT_LIMIT = 100;

    /**
     * Reads everything except the body.
     *
     * @param guarded returns who is served at a path, or null if its sender is not authenticated here
     */
    static Request of(HttpServerRequest request, Gate gate, Function<List<String>, @Nullable Senders> guarded)
            throws WireException {
        if (!isUtf8(request.uri())) {
            throw new WireException(ErrorInfo.badRequest("The URL has escapes that are not UTF-8."));
        }
        List<String> path = new ArrayList<>();
        try {
            for (String segment : String.valueOf(request.path()).substring(1).split("/", -1)) {
                // A plus stands for a space only in forms.
                path.add(URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8));
            }
        } catch (IllegalArgumentException e) {
            throw new WireException(ErrorInfo.badRequest("The path has an invalid escape."));
        }
        Request read =
                new Request(request.method().name(), path, request.headers(), request.params(), null, new byte[0]);
        Senders senders = guarded.apply(path);
        return senders == null
                ? read
                : new Request(
                        read.method,
                        path,
                        read.headers,
                        read.query,
                        read.authenticate(request, gate, senders),
                        read.body);
    }

    /**
     * Whether the escaped bytes are valid UTF-8. Invalid bytes would be replaced, so that two names could become one.
     */
    private static boolean isUtf8(String uri) {
        if (uri.indexOf('%') < 0) {
            return true;
        }
        byte[] bytes = new byte[uri.length()];
        int length = 0;
        for (int at = 0; at < uri.length(); at++, length++) {
            boolean escape = uri.charAt(at) == '%' && at + 2 < uri.length();
            bytes[length] = (byte) (escape ? HexFormat.fromHexDigits(uri, at + 1, at + 3) : '.');
            at += escape ? 2 : 0;
        }
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /** The same request with its body. */
    Request with(byte[] body) {
        return new Request(method, path, headers, query, sender, body);
    }

    public boolean isAuthenticated() {
        return sender != null;
    }

    /** The authenticated sender. */
    public Principal principal() {
        if (sender == null) {
            throw new IllegalStateException("nobody was asked who they are at " + path.getFirst());
        }
        return sender;
    }

    /** Whether a media type is that of MessagePack. */
    public static boolean isMsgpack(@Nullable String type) {
        return type != null && type.contains("msgpack");
    }

    /** The content of the body. */
    public JsonNode tree() throws WireException {
        return (isMsgpack(headers.get(HttpHeaders.CONTENT_TYPE)) ? WireFormat.MSGPACK : WireFormat.JSON).read(body);
    }

    /**
     * The credentials in the form of the header Authorization, from the header or the query; null if there are none.
     */
    public @Nullable String authorization() {
        String header = headers.get(HttpHeaders.AUTHORIZATION);
        if (header != null) {
            return header;
        }
        for (String name : CREDENTIALS) {
            String value = query.get(name);
            if (value != null) {
                return "Bearer " + value;
            }
        }
        return null;
    }

    private Principal authenticate(HttpServerRequest request, Gate gate, Senders senders) throws WireException {
        try {
            return Refusals.granted(
                    switch (senders.authenticate(request, authorization())) {
                        case Access.Granted(Principal principal) -> gate.as(principal, claimedClientId());
                        case Access.Refused refused -> refused;
                    });
        } catch (RefusedException e) {
            throw new WireException(
                    new ErrorInfo(e.status() * 100, e.status(), e.getMessage() == null ? "Refused." : e.getMessage()));
        }
    }

    private @Nullable String claimedClientId() throws WireException {
        String base64 = headers.get("X-Ably-ClientId");
        if (base64 == null) {
            return null;
        }
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new WireException(ErrorInfo.invalidClientId("The header X-Ably-ClientId is not valid base64."));
        }
    }

    /** The sender, if it may perform {@code operation}. */
    public Principal permitted(Gate gate, CapabilityOp operation, String channel) throws WireException {
        return Refusals.granted(gate.permit(principal(), operation, channel));
    }

    /** Who the request says that is speaking, in its body or its header; null if it does not say. */
    public @Nullable String actor(Fields body) throws WireException {
        String actor = body.text("actorId");
        return actor == null ? headers.get("X-Actor-Id") : actor;
    }

    /** {@code principal} as whoever the request says that is speaking, if it may be that client. */
    public Principal speaking(Gate gate, Principal principal, Fields body) throws WireException {
        return Refusals.granted(gate.as(principal, actor(body)));
    }

    /** The sender, if there may be a session in which it may perform {@code operation}. */
    public Principal permittedSomewhere(Gate gate, CapabilityOp operation) throws WireException {
        return Refusals.granted(gate.permitSomewhere(principal(), operation));
    }

    /** A parameter of the query, or null. */
    public @Nullable String param(String name) {
        String value = query.get(name);
        return value == null || value.isEmpty() ? null : value;
    }

    /** The value of a parameter that is true or false; false if it is absent. */
    public boolean truth(String name) throws WireException {
        return switch (param(name)) {
            case "true" -> true;
            case "false" -> false;
            case null -> false;
            default -> throw new WireException(ErrorInfo.invalidValue("The parameter " + name + " is true or false."));
        };
    }

    /** The value of a parameter that is a number. */
    public long number(String name, long absent, long max) throws WireException {
        String value = param(name);
        if (value == null) {
            return absent;
        }
        try {
            long number = Long.parseLong(value);
            if (number >= 0 && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Refused below, like a number that is too large.
        }
        throw new WireException(
                ErrorInfo.invalidValue("The parameter " + name + " is a whole number from 0 to " + max + "."));
    }

    /** The greatest number of elements of a page. */
    public int limit() throws WireException {
        return Math.max(1, (int) number("limit", DEFAULT_LIMIT, MAX_LIMIT));
    }
}
