import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.ably.lib.realtime.AblyRealtime;
import io.ably.lib.realtime.Channel;
import io.ably.lib.realtime.ChannelEvent;
import io.ably.lib.realtime.CompletionListener;
import io.ably.lib.realtime.ConnectionEvent;
import io.ably.lib.types.ClientOptions;
import io.ably.lib.types.ErrorInfo;
import io.ably.lib.types.PresenceMessage;
import io.ably.lib.util.Log;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;

/**
 * A peer of ../peers.mjs that uses ably-java. Takes commands line by line and tells what happens, line by line, in JSON.
 *
 * Arguments: host, port, key, "json" or "msgpack", channel, clientId.
 */
class Peer {

    /** Messages under way at once. */
    private static final int WINDOW = 32;

    private final AblyRealtime client;
    private final Channel channel;
    private final String name;
    private final Semaphore window = new Semaphore(WINDOW);
    private boolean attachedBefore;

    public static void main(String[] args) throws Exception {
        ClientOptions options = new ClientOptions(args[2]);
        options.restHost = args[0];
        options.realtimeHost = args[0];
        options.port = Integer.parseInt(args[1]);
        options.tls = false;
        options.useBinaryProtocol = args[3].equals("msgpack");
        options.clientId = args[5];
        options.logLevel = Log.NONE;
        options.disconnectedRetryTimeout = 100;
        options.suspendedRetryTimeout = 200;
        options.channelRetryTimeout = 100;
        new Peer(options, args[4]).run();
    }

    private Peer(ClientOptions options, String channelName) throws Exception {
        client = new AblyRealtime(options);
        name = options.clientId;
        channel = client.channels.get(channelName);
    }

    private void run() throws Exception {
        for (ChannelEvent event : new ChannelEvent[] {ChannelEvent.attached, ChannelEvent.update}) {
            channel.on(event, change -> {
                if (attachedBefore && !change.resumed) {
                    complain(event + " without resumed: " + change.reason);
                }
                attachedBefore = true;
            });
        }
        channel.subscribe(message -> {
            JsonObject told = ((JsonElement) message.data).getAsJsonObject().deepCopy();
            told.addProperty("serial", message.serial);
            tell("received", told);
        });
        done(listener -> channel.presence.enter("started", listener));
        tell("started", new JsonObject());
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = commands.readLine()) != null; ) {
            int space = line.indexOf(' ');
            String command = space < 0 ? line : line.substring(0, space);
            obey(command, space < 0 ? "" : line.substring(space + 1));
        }
        System.exit(0);
    }

    private void obey(String command, String argument) throws Exception {
        switch (command) {
            case "publish" -> {
                JsonObject message = JsonParser.parseString(argument).getAsJsonObject();
                message.addProperty("by", name);
                publish(message);
            }
            case "settle" -> {
                window.acquire(WINDOW);
                window.release(WINDOW);
                tell("settled", new JsonObject());
            }
            case "present" -> {
                done(listener -> channel.presence.update(argument, listener));
                tell("present", new JsonObject());
            }
            case "members" -> {
                JsonObject members = new JsonObject();
                for (PresenceMessage member : channel.presence.get()) {
                    members.addProperty(member.clientId, String.valueOf(member.data));
                }
                JsonObject told = new JsonObject();
                told.add("members", members);
                tell("members", told);
            }
            case "close" -> {
                CompletableFuture<Void> closed = new CompletableFuture<>();
                client.connection.once(ConnectionEvent.closed, change -> closed.complete(null));
                client.close();
                closed.get();
                tell("closed", new JsonObject());
            }
            default -> throw new IllegalArgumentException(command);
        }
    }

    private void publish(JsonObject message) throws Exception {
        window.acquire();
        int n = message.get("n").getAsInt();
        channel.publish("numbered", message, new CompletionListener() {
            @Override
            public void onSuccess() {
                JsonObject told = new JsonObject();
                told.addProperty("n", n);
                tell("acknowledged", told);
                window.release();
            }

            @Override
            public void onError(ErrorInfo reason) {
                complain("message " + n + " was refused: " + reason);
                window.release();
            }
        });
    }

    private interface Action {
        void start(CompletionListener listener) throws Exception;
    }

    private static void done(Action action) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        action.start(new CompletionListener() {
            @Override
            public void onSuccess() {
                done.complete(null);
            }

            @Override
            public void onError(ErrorInfo reason) {
                done.completeExceptionally(new IllegalStateException(reason.toString()));
            }
        });
        done.get();
    }

    private static void complain(String text) {
        JsonObject told = new JsonObject();
        told.addProperty("text", text);
        tell("complaint", told);
    }

    private static void tell(String event, JsonObject details) {
        details.addProperty("event", event);
        byte[] line = (details + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (System.out) {
            System.out.write(line, 0, line.length);
            System.out.flush();
        }
    }
}
