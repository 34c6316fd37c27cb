package dev.parley.client.agent;

import dev.parley.client.ClientOptions;
import dev.parley.client.ParleyClient;
import dev.parley.client.TestServer;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Clients of one app under several names, closed together. */
final class People implements AutoCloseable {
    private final URI uri;
    private final String key;
    private final List<Runnable> open = new ArrayList<>();

    People(TestServer server) throws Exception {
        this(server.uri(), server.newKey());
    }

    People(URI uri, String key) {
        this.uri = uri;
        this.key = key;
    }

    URI uri() {
        return uri;
    }

    String key() {
        return key;
    }

    ParleyClient client(String clientId) {
        return client(uri, clientId);
    }

    ParleyClient client(URI through, String clientId) {
        return client(TestServer.options(through, key).clientId(clientId).build());
    }

    /** With another time for the answers of the server. */
    ParleyClient client(URI through, String clientId, Duration requestTimeout) {
        return client(TestServer.options(through, key)
                .clientId(clientId)
                .requestTimeout(requestTimeout)
                .build());
    }

    private ParleyClient client(ClientOptions options) {
        ParleyClient client = ParleyClient.of(options);
        open.add(client::close);
        return client;
    }

    AgentSession agent(String clientId, AgentOptions options) {
        AgentSession agent = AgentSession.open(client(clientId), "s", options);
        open.add(agent::close);
        return agent;
    }

    AgentSession agent(String clientId) {
        return agent(clientId, AgentOptions.DEFAULT);
    }

    ClientSession person(String clientId) {
        ClientSession person = ClientSession.open(client(clientId), "s");
        open.add(person::close);
        return person;
    }

    @Override
    public void close() {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).run();
        }
    }
}
