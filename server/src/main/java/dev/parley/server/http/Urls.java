package dev.parley.server.http;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** Writes parts of URLs. */
public final class Urls {
    private Urls() {}

    /** A segment of a path, or a value of a query, in which only what needs no escape anywhere has none. */
    public static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
