package dev.parley.server.session;

import dev.parley.server.request.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The door's description in the form of OpenAPI 3.1, which a test compares with the routes. */
final class Description {
    private Description() {}

    static Answer answer() throws IOException {
        String json = json();
        return Answer.of(200, to -> to.json(json));
    }

    static String json() throws IOException {
        try (InputStream in = Description.class.getResourceAsStream("openapi.json")) {
            if (in == null) {
                throw new IOException("the server was built without openapi.json");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
