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
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
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
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What people do in a session: they say things, stop agents, and answer what agents ask. */
record InputsResource(Sessions sessions, Gate gate, Publisher publisher, Conversations conversations) {
    /** The greatest number of characters of an id that a client chooses. */
    static final int MAX_ID_CHARS = 128;

    /** Stands for the output of a tool that has failed without saying why. */
    private static final String FAILED = "The tool has failed.";

    /** A call of a tool, and where it is. */
    private record Place(String runId, String messageId, String toolCallId) {}

    /** Says something: after the newest message, after another one, or to a run. */
    Answer send(Request request, ChannelName session) throws WireException {
        Fields body = body(request);
        Principal sender = sender(request, body, session);
        String chosen = id(body, "messageId");
        String messageId = chosen == null ? newId() : chosen;
        String runId = id(body, "runId");
        String parent = id(body, "parent");
        if (parent == null && runId == null) {
            parent = newest(session, sender, part -> part.newView().leaf()).orElse(null);
        }
        // The same when the request comes again, as the message's id is.
        String eventId = messageId;
        var placement = new Inputs.Placement(eventId, messageId, clientId(sender), runId, parent, null);
        return said(sender, session, placement, Inputs.userMessage(placement, messageId, parts(body)), chosen);
    }

    /** Says something else instead of an earlier message. */
    Answer edit(Request request, ChannelName session, String messageId) throws WireException {
        Fields body = body(request);
        Principal sender = sender(request, body, session);
        Optional<String> parent = newest(session, sender, conversation -> {
            if (conversation
                    .nodeOf(messageId)
                    .filter(Node.Input.class::isInstance)
                    .isEmpty()) {
                throw noSuch("message of a person", messageId);
            }
            return conversation.newView().before(messageId);
        });
        String id = newId();
        var placement = new Inputs.Placement(newId(), id, clientId(sender), null, parent.orElse(null), messageId);
        return said(sender, session, placement, Inputs.userMessage(placement, id, parts(body)), null);
    }

    private Answer said(
            Principal sender,
            ChannelName session,
            Inputs.Placement placement,
            List<OutboundMessage> messages,
            @Nullable String idempotencyKey)
            throws WireException {
        List<Long> positions = publish(sender, session, messages, idempotencyKey);
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("messageId", placement.messageId())
                        .field("eventId", placement.eventId())
                        .field("serial", Serials.render(positions.getFirst()))
                        .endObject());
    }

    /** Asks for an agent's message to be generated anew: this one, or the answer to this one. */
    Answer regenerate(Request request, ChannelName session) throws WireException {
        Fields body = body(request);
        Principal sender = sender(request, body, session);
        String from = required(body, "fromMessageId");
        View.Regeneration asked = newest(session, sender, conversation -> {
                    List<Node.Run> replies = conversation.repliesTo(from);
                    String target = from;
                    if (!replies.isEmpty() && !replies.getLast().messages().isEmpty()) {
                        target = replies.getLast().messages().getFirst().id();
                    }
                    return conversation.newView().regeneration(target);
                })
                .orElseThrow(() -> noSuch("message of an agent, or one with an answer,", from));
        var placement = Inputs.Placement.after(asked.parent(), newId(), newId(), clientId(sender));
        publish(sender, session, List.of(Inputs.regenerate(placement, asked.target())), null);
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("success", true)
                        .field("eventId", placement.eventId())
                        .endObject());
    }

    /** Asks agents to stop: in one run, where they answer one message, or everywhere in the session. */
    Answer stop(Request request, ChannelName session) throws WireException {
        Fields body = body(request);
        Principal sender = sender(request, body, session);
        String runId = id(body, "runId");
        String messageId = id(body, "messageId");
        List<OutboundMessage> cancels = new ArrayList<>();
        if (runId != null) {
            cancels.add(RunMessages.cancel(newId(), runId, null));
        } else if (messageId != null) {
            Optional<Node.Run> run = newest(
                    session,
                    sender,
                    conversation -> conversation
                            .nodeOf(messageId)
                            .filter(Node.Run.class::isInstance)
                            .map(Node.Run.class::cast));
            cancels.add(RunMessages.cancel(
                    newId(), run.map(Node.Run::key).orElse(null), run.isPresent() ? null : messageId));
        } else {
            SessionState state = sessions.find(session.in(sender.app()));
            for (Run open : state == null ? List.<Run>of() : sessions.runs().of(state)) {
                cancels.add(RunMessages.cancel(newId(), open.id(), null));
            }
        }
        if (!cancels.isEmpty()) {
            publish(sender, session, cancels, null);
        }
        return Answer.noContent();
    }

    /** Gives the result of a call of a tool that runs at the client. */
    Answer toolResult(Request request, ChannelName session) throws WireException {
        Fields body = body(request);
        Principal sender = sender(request, body, session);
        String toolCallId = required(body, "toolCallId");
        JsonNode output = body.get("output");
        JsonNode error = body.get("error");
        Place place = call(session, sender, call -> call.toolCallId().equals(toolCallId))
                .orElseThrow(() -> noSuch("call of a tool", toolCallId));
        Inputs.Placement placement = answerTo(place, sender);
        OutboundMessage answer = error == null
                ? Inputs.toolResult(placement, toolCallId, output)
                : Inputs.toolResultError(placement, toolCallId, error.isString() ? error.stringValue() : FAILED);
        publish(sender, session, List.of(answer), null);
        return Answer.noContent();
    }

    /** Approves a call of a tool, or does not. */
    Answer approval(Request request, ChannelName session, String approvalId) throws WireException {
        Fields body = body(request);
        Principal sender = sender(request, body, session);
        JsonNode approved = body.get("approved");
        if (approved == null || !approved.isBoolean()) {
            throw new WireException(ErrorInfo.invalidValue("The field approved is true or false."));
        }
        String reason = body.text("reason");
        Place place = call(
                        session,
                        sender,
                        call -> call.approval() != null && call.approval().id().equals(approvalId))
                .orElseThrow(() -> noSuch("request for approval", approvalId));
        Inputs.Placement placement = answerTo(place, sender);
        OutboundMessage answer = Inputs.approval(placement, place.toolCallId(), approved.booleanValue(), reason);
        publish(sender, session, List.of(answer), null);
        return Answer.noContent();
    }

    private static Inputs.Placement answerTo(Place place, Principal sender) {
        return new Inputs.Placement(
                newId(), place.messageId(), clientId(sender), place.runId(), place.messageId(), null);
    }

    /** The last call of a tool that fits, in a run that nothing has taken the place of. */
    private Optional<Place> call(ChannelName session, Principal sender, Predicate<ToolCall> wanted)
            throws WireException {
        return newest(session, sender, conversation -> {
            Place found = null;
            for (Node node : conversation.nodes()) {
                if (node instanceof Node.Run run && !run.superseded()) {
                    for (Message message : run.messages()) {
                        for (ToolCall call : message.toolCalls()) {
                            found = wanted.test(call) ? new Place(run.key(), message.id(), call.toolCallId()) : found;
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

    private <T> Optional<T> newest(ChannelName session, Principal sender, Question<T> question) throws WireException {
        return conversations.read(
                session.in(sender.app()),
                Long.MAX_VALUE,
                Conversations.MAX_MESSAGES,
                part -> question.of(part.conversation()));
    }

    /**
     * Publishes messages that belong together.
     *
     * @param idempotencyKey what makes a repetition of the request have no further effect; null if nothing does
     */
    private List<Long> publish(
            Principal sender, ChannelName session, List<OutboundMessage> messages, @Nullable String idempotencyKey)
            throws WireException {
        List<InboundMessage> inbound = new ArrayList<>();
        for (OutboundMessage message : messages) {
            ObjectNode json = message.toJson();
            if (idempotencyKey != null) {
                json.put("id", idempotencyKey + ":" + inbound.size());
            }
            inbound.add(InboundMessage.read(json));
        }
        return publisher.send(sender, session, inbound).await();
    }

    private static Fields body(Request request) throws WireException {
        return Fields.of(request.tree(), "body");
    }

    /** The sender, under the client id that the request claims, if the sender may publish. */
    private Principal sender(Request request, Fields body, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.PUBLISH, session.full());
        String claimed = body.text("actorId");
        if (claimed == null) {
            claimed = request.headers().get("X-Actor-Id");
        }
        return switch (gate.as(principal, claimed)) {
            case Access.Granted(Principal known) -> known;
            case Access.Refused refused -> throw new WireException(Refusals.of(refused));
        };
    }

    private static @Nullable String clientId(Principal sender) {
        return Principal.ANY_CLIENT.equals(sender.clientId()) ? null : sender.clientId();
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

    private static @Nullable String id(Fields body, String name) throws WireException {
        String id = body.text(name);
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
