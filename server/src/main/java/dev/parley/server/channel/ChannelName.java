package dev.parley.server.channel;

import dev.parley.engine.session.SessionName;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The name of a channel in the form that clients use: {@code name}, {@code [qualifier]name}, {@code [?param=value]name}
 * or {@code [qualifier?param=value&...]name}.
 *
 * @param full the whole text, which capabilities and answers contain
 * @param qualifier such as {@code meta} or {@code filter=...}; empty if there is none
 * @param params the parameters of an attachment that are part of the name
 * @param name the rest
 */
public record ChannelName(String full, String qualifier, Map<String, String> params, String name) {
    /** The greatest length of a name, including qualifier and parameters. */
    public static final int MAX_CHARS = 2_048;

    /** Parses a name. */
    public static ChannelName parse(String full) throws WireException {
        String name = full;
        String qualifier = "";
        Map<String, String> params = Map.of();
        if (full.startsWith("[")) {
            int end = full.indexOf(']');
            if (end < 0) {
                throw invalid();
            }
            name = full.substring(end + 1);
            String inside = full.substring(1, end);
            int question = inside.indexOf('?');
            qualifier = question < 0 ? inside : inside.substring(0, question);
            params = question < 0 ? Map.of() : params(inside.substring(question + 1));
        }
        if (name.isEmpty()
                || full.length() > MAX_CHARS
                || name.startsWith(":")
                || name.startsWith("[")
                // Clients and proxies remove these from paths.
                || name.equals(".")
                || name.equals("..")
                || full.chars().anyMatch(Character::isISOControl)) {
            throw invalid();
        }
        return new ChannelName(full, qualifier, params, name);
    }

    private static Map<String, String> params(String query) throws WireException {
        Map<String, String> params = new LinkedHashMap<>();
        for (String param : query.split("&", -1)) {
            int equals = param.indexOf('=');
            if (equals > 0) {
                params.put(decode(param.substring(0, equals)), decode(param.substring(equals + 1)));
            }
        }
        return params;
    }

    private static String decode(String text) throws WireException {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw invalid();
        }
    }

    private static WireException invalid() {
        return new WireException(ErrorInfo.INVALID_CHANNEL_NAME);
    }

    /** The session of this name in an app. Parameters are not part of the session's name. */
    public SessionName in(String app) {
        return new SessionName(app, qualifier.isEmpty() ? name : "[" + qualifier + "]" + name);
    }
}
