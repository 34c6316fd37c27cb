package dev.parley.examples;

import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.Session;
import java.net.URI;

/** Publishes a message, lets it grow, and reads it back. Arguments: the server's address and a key. */
public final class FirstConnection {
    private FirstConnection() {}

    /** Runs the example. */
    public static void main(String... args) {
        URI server = URI.create(args[0]);
        String key = args[1];
        // region connect
        try (ParleyClient client = ParleyClient.of(server, Credentials.key(key))) {
            Session session = client.session("trip");
            String serial = session.publish("answer", "Once upon"); // on disk when this returns
            session.append(serial, " a time");
            System.out.println(session.message(serial).text()); // Once upon a time
        }
        // endregion
    }
}
