package dev.parley.examples;

import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import java.net.URI;
import java.time.Duration;
import java.util.function.Supplier;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Lets a program that must not have the key use the server. */
public final class Tokens {
    private Tokens() {}

    /** On a server of yours, which has the key: a token for one user and one session. */
    public static String issue(ParleyClient client, String user) {
        // region issue
        ObjectNode capability = JsonNodeFactory.instance.objectNode();
        capability
                .putArray("trip")
                .add("subscribe")
                .add("publish")
                .add("history")
                .add("presence");
        return client.requestToken(user, Duration.ofHours(1), capability);
        // endregion
    }

    /** In the user's program: a client that fetches a token whenever it needs one. */
    public static ParleyClient connect(URI server, Supplier<String> backend) {
        // region use
        ClientOptions options = ClientOptions.builder(server)
                .credentials(Credentials.tokens(backend::get)) // called again before a token expires
                .build();
        return ParleyClient.of(options);
        // endregion
    }
}
