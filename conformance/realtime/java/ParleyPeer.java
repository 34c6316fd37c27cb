import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.Data;
import dev.parley.client.Gap;
import dev.parley.client.Message;
import dev.parley.client.NewMessage;
import dev.parley.client.ParleyClient;
import dev.parley.client.PresenceEvent;
import dev.parley.client.Session;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A peer of ../peers.mjs that uses Parley's client for Java. Takes the commands of Peer.java, and tells the same.
 *
 * Arguments: host, port, key, "json", channel, clientId.
 */
class ParleyPeer {

    /** Messages under way at once. */
    private static final int WINDOW = 32;

    private final ParleyClient client;
    private final Session session;
    private final String name;
    private final Semaphore window = new Semaphore(WINDOW);

    public static void main(String[] args) throws Exception {
        if (!args[3].equals("json")) {
            throw new IllegalArgumentException("The client speaks JSON only, not " + args[3] + ".");
        }
        ClientOptions options = ClientOptions.builder(URI.create("http://" + args[0] + ":" + args[1]))
                .credentials(Credentials.key(args[2]))
                .clientId(args[5])
                .connectTimeout(Duration.ofSeconds(2))
                .heartbeat(Duration.ofSeconds(5))
                .idleMargin(Duration.ofSeconds(1))
                .build();
        try (ParleyClient client = ParleyClient.of(options)) {
            new ParleyPeer(client, args[4], args[5]).run();
        }
    }

    private ParleyPeer(ParleyClient client, String channel, String name) {
        this.client = client;
        this.session = client.session(channel);
        this.name = name;
    }

    private void run() throws Exception {
        session.onEvent(event -> {
            if (event instanceof Gap gap) {
                complain("a gap: " + gap);
            } else if (event instanceof Message message) {
                tell("received", object(message.data()).put("serial", message.serial()));
            }
        });
        session.attach();
        session.presence().enter(Data.of("started"));
        tell("started", object());
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            int space = line.indexOf(' ');
            String command = space < 0 ? line : line.substring(0, space);
            obey(command, space < 0 ? "" : line.substring(space + 1));
        }
    }

    private void obey(String command, String argument) throws Exception {
        switch (command) {
            case "publish" -> publish((ObjectNode) JsonMapper.shared().readTree(argument));
            case "settle" -> {
                window.acquire(WINDOW);
                window.release(WINDOW);
                tell("settled", object());
            }
            case "present" -> {
                session.presence().update(Data.of(argument));
                tell("present", object());
            }
            case "members" -> {
                ObjectNode told = object();
                ObjectNode members = told.putObject("members");
                for (PresenceEvent member : session.presence().get()) {
                    members.put(member.clientId(), member.data() instanceof Data.Text text ? text.text() : null);
                }
                tell("members", told);
            }
            case "close" -> {
                client.close();
                tell("closed", object());
            }
            default -> throw new IllegalArgumentException(command);
        }
    }

    private void publish(ObjectNode message) throws Exception {
        window.acquire();
        int n = message.path("n").asInt();
        session.publishAsync(NewMessage.of("numbered", Data.of(message.put("by", name))))
                .whenCompleteAsync((serials, failure) -> {
                    if (failure == null) {
                        tell("acknowledged", object().put("n", n).put("serial", serials.get(0)));
                    } else {
                        complain("message " + n + " was refused: " + failure);
                    }
                    window.release();
                });
    }

    private static ObjectNode object() {
        return JsonMapper.shared().createObjectNode();
    }

    private static ObjectNode object(Data data) {
        return (ObjectNode) ((Data.Json) data).value().deepCopy();
    }

    private static void complain(String text) {
        tell("complaint", object().put("text", text));
    }

    private static void tell(String event, ObjectNode details) {
        byte[] line = (details.put("event", event) + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (System.out) {
            System.out.write(line, 0, line.length);
            System.out.flush();
        }
    }
}
