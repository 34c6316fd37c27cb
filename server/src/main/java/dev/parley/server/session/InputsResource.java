package dev.parley.server.session;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Inputs;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.UiMessages;
import dev.parley.conversation.View;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What people do in a session: they say things, stop agents, and answer what agents ask. */
record InputsResource(
        Sessions sessions,
        Gate gate,
        Publisher publisher,
        Conversations conversations,
        RequestsResource requests,
        AgentsResource agents) {
    /** The greatest number of characters of an id that a client chooses. */
    static final int MAX_ID_CHARS = 128;

    /** Stands for the output of a tool that has failed without saying why. */
    private static final String FAILED = "The tool has failed.";

    /**
     * What a request asks for.
     *
     * @param sender who sends it, under the client id that it claims
     * @param id the id of what it says, as a message and as an event
     * @param chosen whether the client has chosen the id, so that a repetition has no further effect
     * @param txid by which the client knows the change when it reads it; null if it does not want to
     */
    private record Input(
            Fields body,
            Principal sender,
            ChannelName session,
            String id,
            boolean chosen,
            @Nullable String txid) {
        @Nullable
        String clientId() {
            return Principal.ANY_CLIENT.equals(sender.clientId()) ? null : sender.clientId();
        }

        /** Where an answer to a call of a tool belongs. */
        Inputs.Placement answerTo(Place place) {
            return new Inputs.Placement(
                    id, place.messageId(), clientId(), place.run().key(), place.messageId(), null);
        }
    }

    /** A call of a tool, and where it is. */
    private record Place(Node.Run run, String messageId, ToolCall call) {}

    /**
     * Says something: after the newest message, after another one, or to a run. If it brings an agent along, the session names
     * the agent, and the agent is woken, once.
     */
    Answer send(Request request, ChannelName session) throws WireException {
        Input input = input(request, session, "messageId");
        JsonNode described = input.body().get("agent");
        Agent agent = described == null
                ? null
                : agents.name(input.sender(), session, List.of(described), true).getFirst();
        Answer answer = say(input);
        if (agent != null && agent.trigger() != Agent.Trigger.USER_MESSAGES && agent.trigger() != Agent.Trigger.ALL) {
            agents.invoke(session.in(input.sender().app()), agent, input.id());
        }
        return answer;
    }

    private Answer say(Input input) throws WireException {
        String runId = id(input.body(), "runId");
        String parent = id(input.body(), "parent");
        if (parent == null && runId == null) {
            parent = ask(input, conversation -> conversation.newView().leaf()).orElse(null);
        }
        return say(input, new Inputs.Placement(input.id(), input.id(), input.clientId(), runId, parent, null));
    }

    /** Says something else instead of an earlier message. */
    Answer edit(Request request, ChannelName session, String messageId) throws WireException {
        Input input = input(request, session, "txid");
        Optional<String> parent = ask(input, conversation -> {
            if (conversation
                    .nodeOf(messageId)
                    .filter(Node.Input.class::isInstance)
                    .isEmpty()) {
                throw noSuch("message of a person", messageId);
            }
            return conversation.newView().before(messageId);
        });
        return say(
                input,
                new Inputs.Placement(input.id(), input.id(), input.clientId(), null, parent.orElse(null), messageId));
    }

    private Answer say(Input input, Inputs.Placement placement) throws WireException {
        List<Long> positions = publish(input, Inputs.userMessage(placement, input.id(), parts(input.body())));
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("messageId", input.id())
                        .field("eventId", input.id())
                        .field("serial", Serials.render(positions.getFirst()))
                        .endObject());
    }

    /** Asks for an agent's message to be generated anew: this one, or the answer to this one. */
    Answer regenerate(Request request, ChannelName session) throws WireException {
        Input input = input(request, session, "txid");
        String from = required(input.body(), "fromMessageId");
        View.Regeneration asked = ask(input, conversation -> {
                    List<Node.Run> replies = conversation.repliesTo(from);
                    String target = run(conversation, from)
                            .flatMap(run -> run.messages().stream().findFirst())
                            .map(Message::id)
                            .orElse(from);
                    if (!replies.isEmpty() && !replies.getLast().messages().isEmpty()) {
                        target = replies.getLast().messages().getFirst().id();
                    }
                    return conversation.newView().regeneration(target);
                })
                .orElseThrow(() -> noSuch("message of an agent, or one with an answer,", from));
        var placement = Inputs.Placement.after(asked.parent(), input.id(), input.id(), input.clientId());
        publish(input, List.of(Inputs.regenerate(placement, asked.target())));
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("success", true)
                        .field("eventId", input.id())
                        .endObject());
    }

    /** Asks agents to stop: in one run, where they answer one message, or everywhere in the session. */
    Answer stop(Request request, ChannelName session) throws WireException {
        Input input = input(request, session, "txid");
        String runId = id(input.body(), "runId");
        String messageId = id(input.body(), "messageId");
        List<OutboundMessage> cancels = new ArrayList<>();
        if (runId != null) {
            cancels.add(RunMessages.cancel(input.id(), runId, null));
        } else if (messageId != null) {
            Node.Run run = ask(
                            input,
                            conversation -> run(conversation, messageId)
                                    .or(() -> conversation
                                            .nodeOf(messageId)
                                            .filter(Node.Run.class::isInstance)
                                            .map(Node.Run.class::cast)))
                    .orElse(null);
            cancels.add(RunMessages.cancel(input.id(), run == null ? null : run.key(), run == null ? messageId : null));
        } else {
            cancels.addAll(cancelAll(session.in(input.sender().app())));
        }
        if (!cancels.isEmpty()) {
            publish(input, cancels);
        }
        return Answer.noContent();
    }

    /** Asks agents to stop everywhere in the session; if nobody works, anybody may. */
    void stopAll(Principal principal, ChannelName session) throws WireException {
        List<InboundMessage> cancels = new ArrayList<>();
        for (OutboundMessage cancel : cancelAll(session.in(principal.app()))) {
            cancels.add(InboundMessage.read(cancel.toJson()));
        }
        if (!cancels.isEmpty()) {
            publisher.send(principal, session, cancels).await();
        }
    }

    private List<OutboundMessage> cancelAll(SessionName name) {
        SessionState state = sessions.find(name);
        List<Run> open = state == null ? List.of() : sessions.runs().of(state);
        return open.stream()
                .map(run -> RunMessages.cancel(newId(), run.id(), null))
                .toList();
    }

    /** The run of this id, which is the id that readers of the session's stream know its messages by. */
    private static Optional<Node.Run> run(Conversation conversation, String id) {
        return conversation.nodes().stream()
                .filter(node -> node instanceof Node.Run && node.key().equals(id))
                .map(Node.Run.class::cast)
                .findFirst();
    }

    /** Gives the result of a call of a tool that runs at the client: to the run that waits, or to one of its own. */
    Answer toolResult(Request request, ChannelName session) throws WireException {
        Input input = input(request, session, "txid");
        String toolCallId = required(input.body(), "toolCallId");
        JsonNode output = input.body().get("output");
        JsonNode error = input.body().get("error");
        String failure = error == null ? null : error.isString() ? error.stringValue() : FAILED;
        boolean fork = input.body().isTrue("fork");
        Place place = call(input, call -> call.toolCallId().equals(toolCallId))
                .orElseThrow(() -> noSuch("call of a tool", toolCallId));
        Inputs.Placement placement = input.answerTo(place);
        publish(
                input,
                List.of(
                        fork
                                ? forked(input, place, output, failure)
                                : failure == null
                                        ? Inputs.toolResult(placement, toolCallId, output)
                                        : Inputs.toolResultError(placement, toolCallId, failure)));
        return Answer.noContent();
    }

    private static OutboundMessage forked(
            Input input, Place place, @Nullable JsonNode output, @Nullable String failure) {
        Node.Run suspended = place.run();
        List<String> copies = IntStream.range(0, suspended.messages().size())
                .mapToObj(copy -> input.id() + "-" + copy)
                .toList();
        var placement = Inputs.Placement.after(suspended.parent(), input.id(), input.id(), input.clientId());
        return Inputs.toolResultFork(placement, suspended, place.call().toolCallId(), output, failure, copies);
    }

    /** Approves a call of a tool, or does not. */
    Answer approval(Request request, ChannelName session, String approvalId) throws WireException {
        Input input = input(request, session, "txid");
        JsonNode approved = input.body().get("approved");
        if (approved == null || !approved.isBoolean()) {
            throw new WireException(ErrorInfo.invalidValue("The field approved is true or false."));
        }
        String reason = input.body().text("reason");
        SessionRequest asked = requests.find(session.in(input.sender().app()), approvalId);
        if (asked != null && asked.terms().kind() == SessionRequest.Kind.APPROVAL) {
            var verdict = approved.booleanValue() ? SessionRequest.Verdict.APPROVE : SessionRequest.Verdict.DENY;
            var decided = new RequestsResource.Decided(input.id(), input.chosen(), verdict, null, reason, null);
            Answer refused = requests.decide(input.sender(), session, asked, decided);
            return refused == null ? Answer.noContent() : refused;
        }
        // Nobody has taken note of the request: it is older than that, or there were too many.
        Place place = call(
                        input,
                        call -> call.approval() != null && call.approval().id().equals(approvalId))
                .orElseThrow(() -> noSuch("request for approval", approvalId));
        String toolCallId = place.call().toolCallId();
        publish(input, List.of(Inputs.approval(input.answerTo(place), toolCallId, approved.booleanValue(), reason)));
        return Answer.noContent();
    }

    /** The last call of a tool that fits, in a run that nothing has taken the place of. */
    private Optional<Place> call(Input input, Predicate<ToolCall> wanted) throws WireException {
        return ask(input, conversation -> {
            Place found = null;
            for (Node node : conversation.nodes()) {
                if (node instanceof Node.Run run && !run.superseded()) {
                    for (Message message : run.messages()) {
                        for (ToolCall call : message.toolCalls()) {
                            found = wanted.test(call) ? new Place(run, message.id(), call) : found;
                        }
                    }
                }
            }
            return Optional.ofNullable(found);
        });
    }

    /** What somebody wants to know of a conversation. */
    @FunctionalInterface
    private interface Question<T> {
        Optional<T> of(Conversation conversation) throws WireException;
    }

    /** Asks the newest part of the session something. */
    private <T> Optional<T> ask(Input input, Question<T> question) throws WireException {
        return conversations.read(
                input.session().in(input.sender().app()),
                Long.MAX_VALUE,
                Conversations.MAX_MESSAGES,
                part -> question.of(part.conversation()));
    }

    /** Publishes messages that belong together. */
    private List<Long> publish(Input input, List<OutboundMessage> messages) throws WireException {
        List<InboundMessage> inbound = new ArrayList<>();
        for (OutboundMessage message : messages) {
            ObjectNode json = message.toJson();
            if (input.chosen()) {
                json.put("id", input.id() + ":" + inbound.size());
            }
            if (input.txid() != null) {
                transport(json).put(WireForm.TXID, input.txid());
            }
            markClaimed(json, input.sender());
            String role = role(input.body());
            if (role != null && message.headers().kind().equals(WireForm.USER_MESSAGE)) {
                transport(json).put(WireForm.SHOWN_ROLE, role);
            }
            inbound.add(InboundMessage.read(json));
        }
        return publisher.send(input.sender(), input.session(), inbound).await();
    }

    /** Says in a message that its client id is only what the client claims, if it is. */
    static void markClaimed(ObjectNode message, Principal sender) {
        if (sender.isAnonymous()) {
            transport(message).put(WireForm.CLAIMED, WireForm.TRUE);
        }
    }

    static ObjectNode transport(ObjectNode message) {
        return message.withObject("extras").withObject(WireForm.AI).withObject(WireForm.TRANSPORT);
    }

    /** In whose role a message is shown, if that is not a user's. */
    private static @Nullable String role(Fields body) throws WireException {
        return switch (body.text("role")) {
            case null -> null;
            case "user" -> null;
            case "assistant" -> "assistant";
            case "system" -> "system";
            default -> throw new WireException(ErrorInfo.invalidValue("The field role is user, assistant or system."));
        };
    }

    /**
     * Reads a request whose sender may publish.
     *
     * @param idField the field in which the client may choose an id, beside txid
     */
    private Input input(Request request, ChannelName session, String idField) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.PUBLISH, session.full());
        Fields body = Fields.of(request.tree(), "body");
        Principal sender = request.speaking(gate, principal, body);
        String own = id(body, idField);
        String txid = id(body, "txid");
        String chosen = own == null ? txid : own;
        return new Input(body, sender, session, chosen == null ? newId() : chosen, chosen != null, txid);
    }

    private static List<Part> parts(Fields body) throws WireException {
        String content = body.text("content");
        List<Part> parts = new ArrayList<>();
        if (content != null) {
            parts.add(new Part.Text(content));
        }
        for (JsonNode part : body.elements("parts")) {
            parts.add(part(part));
        }
        if (parts.isEmpty()) {
            throw new WireException(
                    ErrorInfo.invalidValue(
                            "What is said is a text in the field content, or an array of parts of UI messages in the field parts."));
        }
        return parts;
    }

    private static Part part(JsonNode json) throws WireException {
        try {
            Part part = UiMessages.readPart(json);
            if (part instanceof Part.Text || part instanceof Part.File || part instanceof Part.Data) {
                return part;
            }
        } catch (IllegalArgumentException e) {
            throw new WireException(ErrorInfo.invalidValue("In the field parts, " + e.getMessage() + "."));
        }
        throw new WireException(ErrorInfo.invalidValue("A person's message has texts, files and data as its parts."));
    }

    private static String required(Fields body, String name) throws WireException {
        String id = id(body, name);
        if (id == null) {
            throw new WireException(ErrorInfo.invalidValue("The field " + name + " is missing."));
        }
        return id;
    }

    /** An id that the client has chosen, or null. */
    static @Nullable String id(Fields body, String name) throws WireException {
        return checked(name, body.text(name));
    }

    /** The same for an id that may be elsewhere than in the body. */
    static @Nullable String checked(String name, @Nullable String id) throws WireException {
        if (id != null && (id.isEmpty() || id.length() > MAX_ID_CHARS)) {
            throw new WireException(
                    ErrorInfo.invalidValue("The field " + name + " has 1 to " + MAX_ID_CHARS + " characters."));
        }
        return id;
    }

    private static WireException noSuch(String what, String id) {
        return new WireException(ErrorInfo.notFound(
                "There is no " + what + " with the id " + id + " in the newest part of the session."));
    }

    private static String newId() {
        return UUID.randomUUID().toString();
    }
}
