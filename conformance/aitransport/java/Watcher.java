import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.ClientView;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.UiMessages;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A person in Java who watches sessions. */
final class Watcher {
    private static final int PAGE = 100;

    private record Place(ParleyClient client, ClientSession session) {}

    private final Map<String, Place> places = new ConcurrentHashMap<>();

    private Watcher() {}

    public static void main(String[] args) throws Exception {
        Lines.serve(new Watcher()::call);
    }

    private JsonNode call(String method, JsonNode args) {
        String first = args.path(0).asString();
        switch (method) {
            case "watch":
                watch(URI.create(first), args.path(1).asString(), args.path(2).asString());
                return JsonNodeFactory.instance.nullNode();
            case "conversation":
                return conversation(places.get(first).session());
            case "leave":
                Place left = places.remove(first);
                left.session().close();
                left.client().close();
                return JsonNodeFactory.instance.nullNode();
            default:
                throw new IllegalArgumentException(method);
        }
    }

    private void watch(URI server, String key, String channel) {
        ClientOptions options = ClientOptions.builder(server)
                .credentials(Credentials.key(key))
                .clientId("watcher in Java")
                .backoff(Duration.ofMillis(50), Duration.ofMillis(200))
                .connectTimeout(Duration.ofMillis(1_500))
                .heartbeat(Duration.ofSeconds(1))
                .idleMargin(Duration.ofSeconds(1))
                .build();
        ParleyClient client = ParleyClient.of(options);
        places.put(channel, new Place(client, ClientSession.open(client, channel)));
    }

    private static JsonNode conversation(ClientSession session) {
        ClientView view = session.newView();
        while (view.loadOlder(PAGE) > 0) {
            // The next ones.
        }
        ObjectNode json = JsonMapper.shared().createObjectNode();
        var messages = json.putArray("messages");
        for (Message message : view.messages()) {
            ObjectNode one = messages.addObject().put("codecMessageId", message.id());
            one.set("message", UiMessages.write(message));
            var alternatives = one.putArray("alternatives");
            view.branch(message.id()).alternatives().forEach(each -> alternatives.add(UiMessages.write(each)));
        }
        var runs = json.putArray("runs");
        for (Node.Run run : view.runs()) {
            runs.addObject().put("runId", run.key()).put("status", run.status().wireName());
        }
        return json;
    }
}
