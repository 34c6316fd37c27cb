package dev.parley.server.cli.remote;

import java.io.PrintStream;
import java.time.Instant;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Writes what a server has told, for people. */
final class Show {
    private Show() {}

    /** Writes the fields of an object, one on each line. What is in a field stays JSON, but for times. */
    static void fields(PrintStream out, JsonNode object) {
        int width =
                object.propertyNames().stream().mapToInt(String::length).max().orElse(0);
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            out.println((field.getKey() + ":"
                            + " ".repeat(width - field.getKey().length() + 1) + text(field.getKey(), field.getValue()))
                    .stripTrailing());
        }
    }

    private static String text(String name, JsonNode value) {
        if (value.isIntegralNumber() && (name.equals("lastActivity") || name.endsWith("At"))) {
            return time(value);
        }
        return value.isString() ? value.stringValue() : value.toString();
    }

    /** A time in milliseconds since 1970, to the second. */
    static String time(JsonNode millis) {
        return Instant.ofEpochSecond(Math.floorDiv(millis.longValue(), 1000)).toString();
    }
}
