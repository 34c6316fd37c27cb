import dev.parley.client.ParleyClient;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.ClientView;
import dev.parley.client.agent.Sent;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.UiMessages;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A person in Java: what viewer.mjs does with the npm library, for java-viewer.mjs. */
final class Person implements Peers.Peer {
    private static final int PAGE = 100;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final JsonNode NOTHING = JsonNodeFactory.instance.nullNode();

    /** What is there from one refresh of the page to the next. */
    private record Page(ParleyClient client, ClientSession session) {}

    private final Peers.Place place;
    private final Map<String, ClientView> views = new ConcurrentHashMap<>();
    private final AtomicInteger viewsOpened = new AtomicInteger();

    /** Whether the other side knows that there is something new to see. */
    private final AtomicBoolean told = new AtomicBoolean();

    private volatile Page page;

    Person(Peers.Place place, boolean lazy) {
        this.place = place;
        open(lazy);
    }

    private void open(boolean lazy) {
        ParleyClient client = place.connect();
        ClientSession session = ClientSession.open(client, place.channel());
        page = new Page(client, session);
        session.onChange(change -> tell());
        if (!lazy) {
            loadAll(session.view());
        }
        tell();
    }

    private void tell() {
        if (told.compareAndSet(false, true)) {
            Lines.say(Lines.event("changed").put("peer", place.peer()));
        }
    }

    private static void loadAll(ClientView view) {
        while (view.loadOlder(PAGE) > 0) {
            // The next ones.
        }
    }

    @Override
    public void close() {
        page.session().close();
        page.client().close();
    }

    @Override
    public JsonNode call(String method, JsonNode args) {
        ClientSession session = page.session();
        String first = args.path(0).asString(null);
        String second = args.path(1).asString(null);
        switch (method) {
            case "refresh":
                close();
                open(false);
                return NOTHING;
            case "state":
                told.set(false);
                return state(session.view());
            case "conversation":
                ClientView view = session.newView();
                loadAll(view);
                return conversation(view);
            case "room":
                return JsonMapper.shared()
                        .valueToTree(session.read(Conversation::room).entries().stream()
                                .map(entry -> entry.message().clientId() + ": "
                                        + entry.message().text())
                                .toList());
            case "loadOlder":
                return JsonNodeFactory.instance.numberNode(session.view().loadOlder(args.path(0).asInt()));
            case "createView":
                String name = "view " + viewsOpened.incrementAndGet();
                views.put(name, session.newView());
                return JsonNodeFactory.instance.stringNode(name);
            case "messagesOfView":
                return state(views.get(first)).path("messages");
            case "alternatives":
                return JsonNodeFactory.instance.numberNode(
                        views.get(first).branch(second).alternatives().size());
            case "select":
                return JsonNodeFactory.instance.booleanNode(
                        views.get(first).select(second, args.path(2).asInt()));
            case "closeView":
                views.remove(first);
                return NOTHING;
            case "cancel":
                session.cancel(first);
                return NOTHING;
            case "cancelSent":
                session.cancel(sent(args.path(0)));
                return NOTHING;
            case "fateOfSteer":
                return fate(session, sent(args.path(0)));
            default:
                return JsonMapper.shared().valueToTree(say(session, method, args));
        }
    }

    private static Sent say(ClientSession session, String method, JsonNode args) {
        String first = args.path(0).asString(null);
        return switch (method) {
            case "send" ->
                first != null
                        ? session.send(first)
                        : session.send(
                                session.view(),
                                args.path(0).values().stream()
                                        .map(UiMessages::readPart)
                                        .toList());
            case "edit" -> session.edit(first, List.of(new Part.Text(args.path(1).asString())));
            case "regenerate" -> session.regenerate(first);
            case "steer" -> {
                Node.Run run = session.runOf(sent(args.path(0))).orElseThrow();
                yield session.steer(run.key(), args.path(1).asString());
            }
            case "toolResult" -> session.toolResult(first, args.path(1));
            case "toolResultFork" -> session.toolResultFork(first, args.path(1));
            case "approve" -> session.approve(first, true, null);
            default -> throw new IllegalArgumentException(method);
        };
    }

    private static Sent sent(JsonNode json) {
        return JsonMapper.shared().treeToValue(json, Sent.class);
    }

    /** What has become of a message that steers, as the npm library says it. */
    private static JsonNode fate(ClientSession session, Sent steer) {
        Node.Run run = session.awaitRun(steer, PATIENCE).orElseThrow();
        return JsonMapper.shared()
                .createObjectNode()
                .put("consumed", run.answeredSteers().contains(steer.messageId()))
                .put("runTerminalReason", run.status().wireName());
    }

    private static JsonNode state(ClientView view) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        var messages = json.putArray("messages");
        for (Message message : view.messages()) {
            ObjectNode one = messages.addObject().put("codecMessageId", message.id());
            one.set("message", UiMessages.write(message));
            view.runOf(message.id()).ifPresent(run -> one.set("run", run(run)));
        }
        var runs = json.putArray("runs");
        view.runs().forEach(run -> runs.add(run(run)));
        return json;
    }

    /** With the alternatives of each message. */
    private static JsonNode conversation(ClientView view) {
        JsonNode json = state(view);
        for (JsonNode message : json.path("messages")) {
            ObjectNode one = (ObjectNode) message;
            one.remove("run");
            var alternatives = one.putArray("alternatives");
            view.branch(one.path("codecMessageId").asString())
                    .alternatives()
                    .forEach(each -> alternatives.add(UiMessages.write(each)));
        }
        return json;
    }

    private static ObjectNode run(Node.Run run) {
        ObjectNode json = JsonMapper.shared()
                .createObjectNode()
                .put("runId", run.key())
                .put("clientId", run.ownerId())
                .put("invocationId", run.invocationId())
                .put("status", run.status().wireName());
        Node.RunError error = run.error();
        if (error != null) {
            json.putObject("error").put("code", error.code()).put("message", error.message());
        }
        var steps = json.putArray("steps");
        for (Node.Step step : run.steps()) {
            ObjectNode one = steps.addObject()
                    .put("stepId", step.id())
                    .put("status", step.status().wireName())
                    .put("attemptCount", step.attempts());
            if (step.clientId() != null) {
                one.put("stepClientId", step.clientId());
            }
        }
        return json;
    }
}
