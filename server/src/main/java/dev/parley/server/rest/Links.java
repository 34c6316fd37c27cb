package dev.parley.server.rest;

import dev.parley.server.request.Request;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The values of the header Link, with which Ably's clients find the pages of a list. */
final class Links {
    private Links() {}

    /**
     * Links to the pages of the list that a request asks for.
     *
     * @param next the cursor at which the next page begins; null if this is the last page
     */
    static List<String> of(Request request, @Nullable String next) {
        List<String> links = new ArrayList<>(3);
        links.add(link(request, "first", null));
        links.add(link(request, "current", request.param("cursor")));
        if (next != null) {
            links.add(link(request, "next", next));
        }
        return links;
    }

    private static String link(Request request, String relation, @Nullable String cursor) {
        StringBuilder link =
                new StringBuilder("<./").append(request.path().getLast()).append('?');
        request.query().forEach((name, value) -> {
            if (!name.equals("cursor") && !Request.CREDENTIALS.contains(name)) {
                append(link, name, value);
            }
        });
        if (cursor != null) {
            append(link, "cursor", cursor);
        }
        if (link.charAt(link.length() - 1) == '?') {
            // Clients do not follow a link whose query is empty.
            append(link, "limit", Integer.toString(Request.DEFAULT_LIMIT));
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
