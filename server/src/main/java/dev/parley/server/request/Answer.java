package dev.parley.server.request;

import dev.parley.server.wire.WireWriter;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The answer to a request.
 *
 * @param body writes the body; null if there is none
 * @param lines whether the body is several JSON values, one on each line
 * @param links the values of the header Link
 */
public record Answer(int status, @Nullable Consumer<WireWriter> body, boolean lines, List<String> links) {
    /** An answer of one value. */
    public Answer(int status, @Nullable Consumer<WireWriter> body, List<String> links) {
        this(status, body, false, links);
    }

    /** An answer of several JSON values, one on each line. */
    public static Answer lines(Consumer<WireWriter> body, List<String> links) {
        return new Answer(200, body, true, links);
    }

    public static Answer of(int status, Consumer<WireWriter> body) {
        return new Answer(status, body, List.of());
    }

    public static Answer of(int status, ObjectNode body) {
        return of(status, to -> to.json(body.toString()));
    }

    public static Answer noContent() {
        return new Answer(204, null, List.of());
    }
}
