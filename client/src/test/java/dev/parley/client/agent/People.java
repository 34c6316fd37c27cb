package dev.parley.client.agent;

import dev.parley.client.ClientOptions;
import dev.parley.client.ParleyClient;
import dev.parley.client.TestServer;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.ToolCall;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Clients of one app under several names, closed together; agents and people are in the session "s". */
public final class People implements AutoCloseable {
    private final URI uri;
    private final String key;
    private final List<Runnable> open = new ArrayList<>();

    public People(TestServer server) throws Exception {
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

    public ParleyClient client(String clientId) {
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

    public AgentSession agent(String clientId, AgentOptions options) {
        AgentSession agent = AgentSession.open(client(clientId), "s", options);
        open.add(agent::close);
        return agent;
    }

    public AgentSession agent(String clientId) {
        return agent(clientId, AgentOptions.DEFAULT);
    }

    public ClientSession person(String clientId) {
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

    /** An agent in another session. */
    public AgentSession agentIn(String session, String clientId) {
        AgentSession agent = AgentSession.open(client(clientId), session);
        open.add(agent::close);
        return agent;
    }

    /** A person in another session. */
    public ClientSession personIn(String session, String clientId) {
        ClientSession person = ClientSession.open(client(clientId), session);
        open.add(person::close);
        return person;
    }

    /** The calls of tools in a run. */
    public static List<ToolCall> calls(Node.Run run) {
        return run.messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .toList();
    }

    /** What was said in a run, message by message, without those that only call tools. */
    public static List<String> texts(Node.Run run) {
        return run.messages().stream()
                .map(Message::text)
                .filter(text -> !text.isEmpty())
                .toList();
    }
}
