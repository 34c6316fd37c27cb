package dev.parley.client;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Addresses of the server's doors. */
final class ConnectUri {
    private ConnectUri() {}

    /**
     * Where the WebSocket is opened.
     *
     * @param resume the key of the connection that is to be continued, or null
     */
    static URI of(ClientOptions options, @Nullable String resume) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("v", "6");
        query.put("format", "json");
        // The client sees the pings of the server.
        query.put("heartbeats", "false");
        query.put("agent", "parley-java");
        put(query, "clientId", options.clientId());
        put(query, "resume", resume);
        if (options.heartbeat() != null) {
            query.put("heartbeatInterval", Long.toString(options.heartbeat().toMillis()));
        }
        if (options.presenceGrace() != null) {
            query.put("remainPresentFor", Long.toString(options.presenceGrace().toMillis()));
        }
        if (!options.appendRollup().isZero()) {
            query.put("appendRollupWindow", Long.toString(options.appendRollup().toMillis()));
        }
        URI at = below(options.server(), "/", query(query));
        return URI.create(at.toString().replaceFirst("^http", "ws"));
    }

    private static void put(Map<String, String> query, String name, @Nullable String value) {
        if (value != null) {
            query.put(name, value);
        }
    }

    /** A query, encoded; empty if there is nothing in it. */
    static String query(Map<String, String> params) {
        StringBuilder query = new StringBuilder();
        params.forEach((name, value) -> query.append(query.length() == 0 ? "" : "&")
                .append(encode(name))
                .append('=')
                .append(encode(value)));
        return query.toString();
    }

    /** Text as a segment of a path or as a part of a query. */
    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /**
     * An address on the server.
     *
     * @param path encoded, with a slash at its beginning
     * @param query encoded; empty for none
     */
    static URI below(URI server, String path, String query) {
        String base = server.getRawPath() == null ? "" : server.getRawPath();
        String prefix = base.endsWith("/") ? base.substring(0, base.length() - 1) : base;
        return URI.create(server.getScheme() + "://" + server.getRawAuthority() + prefix + path
                + (query.isEmpty() ? "" : "?" + query));
    }
}
