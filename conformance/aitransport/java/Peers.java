import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** People and agents in Java, each with a connection of their own; java-peers.mjs calls them by their names. */
final class Peers {
    /** One of them. */
    interface Peer extends Lines.Calls, AutoCloseable {}

    /** Where a peer is, and who. */
    record Place(String peer, URI url, String key, String clientId, String channel) {
        ParleyClient connect() {
            ClientOptions options = ClientOptions.builder(url)
                    .credentials(Credentials.key(key))
                    .clientId(clientId)
                    .backoff(Duration.ofMillis(50), Duration.ofMillis(200))
                    // A connection that has fallen silent is noticed before the server takes an agent for dead.
                    .connectTimeout(Duration.ofMillis(1_500))
                    .heartbeat(Duration.ofSeconds(1))
                    .idleMargin(Duration.ofSeconds(1))
                    .build();
            return ParleyClient.of(options);
        }
    }

    private final Map<String, Peer> peers = new ConcurrentHashMap<>();

    private Peers() {}

    public static void main(String[] args) throws Exception {
        var all = new Peers();
        Lines.serve(all::call);
        for (Peer peer : all.peers.values()) {
            peer.close();
        }
    }

    private JsonNode call(String method, JsonNode args) throws Exception {
        String name = args.path(0).asString();
        JsonNode arguments = args.path(1);
        switch (method) {
            case "person":
                peers.put(name, new Person(place(name, arguments), arguments.path("lazy").asBoolean(false)));
                return JsonNodeFactory.instance.nullNode();
            case "agent":
                peers.put(name, new InvokedAgent(place(name, arguments)));
                return JsonNodeFactory.instance.nullNode();
            case "leave":
                peers.remove(name).close();
                return JsonNodeFactory.instance.nullNode();
            default:
                return peers.get(name).call(method, arguments);
        }
    }

    private static Place place(String name, JsonNode json) {
        return new Place(
                name,
                URI.create(json.path("url").asString()),
                json.path("key").asString(),
                json.path("clientId").asString(),
                json.path("channel").asString());
    }
}
