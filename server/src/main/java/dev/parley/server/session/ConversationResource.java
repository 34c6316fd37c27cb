package dev.parley.server.session;

import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Room;
import dev.parley.conversation.UiMessages;
import dev.parley.conversation.View;
import dev.parley.engine.Engine;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Seen;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/sessions/<session>/messages} and {@code /conversation}: what was said. */
record ConversationResource(Gate gate, Conversations conversations, Engine engine, InstantSource clock) {

    /** The greatest number of alternatives that one request selects. */
    static final int MAX_SELECTED = 100;

    /** Stands between two serials. */
    private static final char BETWEEN = '.';

    /** What was said: in one line, or one branch. */
    Answer messages(Request request, ChannelName session) throws WireException {
        List<String> selected = request.query().getAll("select");
        if (selected.size() > MAX_SELECTED) {
            throw new WireException(
                    ErrorInfo.invalidValue("The parameter select is there at most " + MAX_SELECTED + " times."));
        }
        return switch (request.param("view")) {
            case "room" -> answer(request, session, ConversationResource::writeRoom);
            case null -> answer(request, session, ConversationResource::writeRoom);
            case "branch" -> answer(request, session, (json, part) -> writeBranch(json, part, selected));
            default -> throw new WireException(ErrorInfo.invalidValue("The parameter view is room or branch."));
        };
    }

    /** Several people and agents stay one conversation. */
    private static void writeRoom(ObjectNode json, Conversations.Part part) {
        ArrayNode messages = json.putArray("messages");
        for (Room.Entry entry : part.conversation().room().entries()) {
            ObjectNode message = written(entry.message());
            if (entry.node() instanceof Node.Run run) {
                message.put("runId", run.key());
            }
            messages.add(message);
        }
    }

    /**
     * The newest branch, as one client of AI Transport shows it.
     *
     * @param selected the ids of messages that are shown instead of newer alternatives
     */
    private static void writeBranch(ObjectNode json, Conversations.Part part, List<String> selected) {
        View view = part.conversation().newView();
        for (String id : selected) {
            List<String> alternatives =
                    view.branch(id).alternatives().stream().map(Message::id).toList();
            if (alternatives.contains(id)) {
                view.select(id, alternatives.indexOf(id));
            }
        }
        ArrayNode messages = json.putArray("messages");
        for (Message message : view.messages()) {
            ObjectNode written = written(message);
            view.runOf(message.id())
                    .filter(run ->
                            run.messages().stream().anyMatch(own -> own.id().equals(message.id())))
                    .ifPresent(run -> written.put("runId", run.key()));
            ArrayNode alternatives = written.putArray("alternatives");
            view.branch(message.id()).alternatives().forEach(other -> alternatives.add(other.id()));
            messages.add(written);
        }
        ArrayNode runs = json.putArray("runs");
        for (Node.Run run : view.runs()) {
            runs.addObject().put("runId", run.key()).put("status", run.status().wireName());
        }
    }

    /**
     * What was said as a tree, with runs and branches: all of it, or what has changed since an earlier answer, and the ids of all
     * that there is.
     */
    Answer conversation(Request request, ChannelName session) throws WireException {
        Conversations.Reached since = since(request);
        return answer(request, session, since, (json, part) -> {
            Conversations.Touched touched = part.touched();
            json.put(
                    "position",
                    Serials.render(part.reached().position())
                            + BETWEEN
                            + Serials.render(part.reached().horizon()));
            if (since != null) {
                json.put("whole", touched == null);
            }
            ArrayNode nodes = json.putArray("nodes");
            ArrayNode ids = touched == null ? null : json.putArray("ids");
            for (Node node : part.conversation().nodes()) {
                if (touched == null || touched.has(node)) {
                    nodes.add(written(node));
                }
                if (ids != null) {
                    ids.add(node.key());
                }
            }
        });
    }

    private interface Writing {
        void write(ObjectNode json, Conversations.Part part);
    }

    private Answer answer(Request request, ChannelName session, Writing writing) throws WireException {
        return answer(request, session, null, writing);
    }

    private Answer answer(Request request, ChannelName session, Conversations.@Nullable Reached since, Writing writing)
            throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.HISTORY, session.full());
        String app = principal.app();
        seen(session.in(app), principal.clientId());
        int limit = (int) Math.max(1, request.number("limit", Conversations.MAX_MESSAGES, Conversations.MAX_MESSAGES));
        ObjectNode json = JsonMapper.shared().createObjectNode();
        json.put("sessionId", session.full());
        conversations.read(session.in(app), before(request), limit, since, part -> {
            writing.write(json, part);
            json.put("older", part.older());
            return json;
        });
        return Answer.of(200, json);
    }

    /** Whoever reads need not be told any longer of what was said. */
    private void seen(SessionName name, @Nullable String clientId) throws WireException {
        Sessions sessions = engine.sessions();
        SessionState state = clientId == null ? null : sessions.find(name);
        if (clientId != null && state != null && sessions.notifications().told(state, clientId) != null) {
            Commands.await(engine.submit(new Seen(name, clock.millis(), clientId)));
        }
    }

    private static long before(Request request) throws WireException {
        String cursor = request.param("before");
        if (cursor == null) {
            return Long.MAX_VALUE;
        }
        OptionalLong position = Serials.parse(cursor);
        if (position.isEmpty()) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The parameter before is the value of the field older of an earlier answer."));
        }
        return position.getAsLong();
    }

    private static Conversations.@Nullable Reached since(Request request) throws WireException {
        String since = request.param("since");
        if (since == null) {
            return null;
        }
        int between = since.indexOf(BETWEEN);
        OptionalLong position = Serials.parse(since.substring(0, Math.max(between, 0)));
        OptionalLong horizon = Serials.parse(since.substring(between + 1));
        if (position.isEmpty() || horizon.isEmpty()) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The parameter since is the value of the field position of an earlier answer."));
        }
        return new Conversations.Reached(position.getAsLong(), horizon.getAsLong());
    }

    /** A message as one of Vercel's UI messages, with what the session knows of it besides. */
    private static ObjectNode written(Message message) {
        ObjectNode json = UiMessages.write(message);
        json.put("messageId", message.id());
        json.put("clientId", message.clientId());
        json.put("serial", message.serial());
        Serials.parse(message.serial()).ifPresent(position -> json.put("createdAt", Positions.millis(position)));
        return json;
    }

    private static ObjectNode written(Node node) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        switch (node) {
            case Node.Input input ->
                json.put("type", "input").put("id", input.key()).put("forkOf", input.forkOf());
            case Node.Run run -> {
                json.put("type", "run")
                        .put("id", run.key())
                        .put("forkOf", run.forkOf())
                        .put("regenerates", run.regenerates())
                        .put("status", run.status().wireName())
                        .put("agentId", run.agentId())
                        .put("ownerId", run.ownerId().isEmpty() ? null : run.ownerId())
                        .put("superseded", run.superseded());
                Node.RunError error = run.error();
                if (error != null) {
                    json.putObject("error").put("code", error.code()).put("message", error.message());
                }
                ArrayNode steers = json.putArray("answeredSteers");
                run.answeredSteers().stream().sorted().forEach(steers::add);
                write(json.putArray("steps"), run.steps());
            }
        }
        json.put("parent", node.parent()).put("serial", node.serial());
        ArrayNode messages = json.putArray("messages");
        node.messages().forEach(message -> messages.add(written(message)));
        return json;
    }

    private static void write(ArrayNode json, List<Node.Step> steps) {
        for (Node.Step step : steps) {
            @Nullable String clientId = step.clientId();
            json.addObject()
                    .put("id", step.id())
                    .put("status", step.status().wireName())
                    .put("attempts", step.attempts())
                    .put("clientId", clientId);
        }
    }
}
