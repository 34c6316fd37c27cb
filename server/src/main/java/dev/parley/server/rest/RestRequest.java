package dev.parley.server.rest;

import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.net.URLEncoder;
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
 * A request with all that was read of it, so that the work can be done off the event loop.
 *
 * @param path the segments of the path, decoded
 * @param sender who sends it; null for what everybody may
 * @param body as it came; empty if there is none
 */
record RestRequest(
        String method,
        List<String> path,
        MultiMap headers,
        MultiMap query,
        @Nullable Principal sender,
        byte[] body) {
    /** In the query they are credentials, which must not come back in links. */
    private static final Set<String> CREDENTIALS = Set.of("key", "access_token", "accessToken");

    private static final int MAX_LIMIT = 1_000;
    private static final int DEFAULT_LIMIT = 100;

    /**
     * Reads all but the body.
     *
     * @param guarded the gate for paths that begin with this segment; null for those that are for everybody
     */
    static RestRequest of(HttpServerRequest request, Function<String, @Nullable Gate> guarded) throws WireException {
        if (!isUtf8(request.uri())) {
            throw new WireException(ErrorInfo.badRequest("The URL has escapes that are not UTF-8."));
        }
        List<String> path = new ArrayList<>();
        try {
            for (String segment : String.valueOf(request.path()).substring(1).split("/", -1)) {
                // Only in forms does a plus stand for a space.
                path.add(URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8));
            }
        } catch (IllegalArgumentException e) {
            throw new WireException(ErrorInfo.badRequest("The path has an escape that is none."));
        }
        RestRequest read =
                new RestRequest(request.method().name(), path, request.headers(), request.params(), null, new byte[0]);
        Gate gate = guarded.apply(path.getFirst());
        return gate == null
                ? read
                : new RestRequest(read.method, path, read.headers, read.query, read.authenticate(gate), read.body);
    }

    /** Whether the bytes that are escaped are text: what is none would be replaced, and two names become one. */
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

    /** The same with its body. */
    RestRequest with(byte[] body) {
        return new RestRequest(method, path, headers, query, sender, body);
    }

    boolean isAuthenticated() {
        return sender != null;
    }

    /** Who sends it. */
    Principal principal() {
        if (sender == null) {
            throw new IllegalStateException("nobody was asked who they are at " + path.getFirst());
        }
        return sender;
    }

    /** The format of answers. */
    WireFormat accepted() {
        String format = query.get(isEnveloped() ? "envelope" : "format");
        return isMsgpack(format == null ? headers.get(HttpHeaders.ACCEPT) : format)
                ? WireFormat.MSGPACK
                : WireFormat.JSON;
    }

    private static boolean isMsgpack(@Nullable String type) {
        return type != null && type.contains("msgpack");
    }

    /** Whether status and headers are to be part of the body: pages in browsers cannot read all headers. */
    boolean isEnveloped() {
        return query.contains("envelope");
    }

    /** What the body says. */
    JsonNode tree() throws WireException {
        return (isMsgpack(headers.get(HttpHeaders.CONTENT_TYPE)) ? WireFormat.MSGPACK : WireFormat.JSON).read(body);
    }

    /** Credentials as of the header Authorization, wherever they stand; null if there are none. */
    @Nullable
    String authorization() {
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

    private Principal authenticate(Gate gate) throws WireException {
        return granted(
                switch (gate.sessionHeader(authorization())) {
                    case Access.Granted(Principal principal) -> gate.as(principal, claimedClientId());
                    case Access.Refused refused -> refused;
                });
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

    private static Principal granted(Access access) throws WireException {
        return switch (access) {
            case Access.Granted(Principal principal) -> principal;
            case Access.Refused refused -> throw new WireException(Refusals.of(refused));
        };
    }

    /** Who sends it, if they may do {@code operation}. */
    Principal permitted(Gate gate, CapabilityOp operation, String channel) throws WireException {
        return granted(gate.permit(principal(), operation, channel));
    }

    /** A parameter of the query, or null. */
    @Nullable
    String param(String name) {
        String value = query.get(name);
        return value == null || value.isEmpty() ? null : value;
    }

    /** A parameter that is a number. */
    long number(String name, long absent, long max) throws WireException {
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
            // Answered below, like one that is too large.
        }
        throw new WireException(
                ErrorInfo.invalidValue("The parameter " + name + " is a whole number from 0 to " + max + "."));
    }

    /** How many elements a page may have. */
    int limit() throws WireException {
        return Math.max(1, (int) number("limit", DEFAULT_LIMIT, MAX_LIMIT));
    }

    /** The protocol version that the client speaks; the one that we know best if it does not say. */
    int version() {
        String version = headers.get("X-Ably-Version");
        try {
            // Once it was a number with a dot.
            return version == null ? 6 : Integer.parseInt(version.split("\\.", 2)[0].strip());
        } catch (NumberFormatException e) {
            return 6;
        }
    }

    /** Links to the pages of a list, of which this one ends before {@code next}; null: it is the last one. */
    List<String> links(@Nullable String next) {
        List<String> links = new ArrayList<>(3);
        links.add(link("first", null));
        links.add(link("current", param("cursor")));
        if (next != null) {
            links.add(link("next", next));
        }
        return links;
    }

    private String link(String relation, @Nullable String cursor) {
        StringBuilder link = new StringBuilder("<./").append(path.getLast()).append('?');
        query.forEach((name, value) -> {
            if (!name.equals("cursor") && !CREDENTIALS.contains(name)) {
                append(link, name, value);
            }
        });
        if (cursor != null) {
            append(link, "cursor", cursor);
        }
        if (link.charAt(link.length() - 1) == '?') {
            // Clients do not follow a link whose query is empty.
            append(link, "limit", Integer.toString(DEFAULT_LIMIT));
        }
        return link.append(">; rel=\"").append(relation).append('"').toString();
    }

    private static void append(StringBuilder link, String name, String value) {
        if (link.charAt(link.length() - 1) != '?') {
            link.append('&');
        }
        link.append(URLEncoder.encode(name, StandardCharsets.UTF_8))
                .append('=')
                .append(URLEncoder.encode(value, StandardCharsets.UTF_8));
    }
}
