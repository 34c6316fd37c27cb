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
 * @param links the values of the header Link
 */
public record Answer(int status, @Nullable Consumer<WireWriter> body, List<String> links) {

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
