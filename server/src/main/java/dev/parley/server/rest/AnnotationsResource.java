package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wire.AnnotationSummaries;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundAnnotation;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/**
 * The annotations of messages: {@code /channels/<channel>/messages/<serial>/annotations} and {@code client-summary}.
 */
final class AnnotationsResource {
    private final Engine engine;
    private final Sessions sessions;
    private final Gate gate;
    private final ChannelCommands commands;
    private final ConnectionKeys ids;
    private final InstantSource clock;
    private final int pageBytes;

    AnnotationsResource(
            Engine engine,
            Gate gate,
            ChannelCommands commands,
            ConnectionKeys ids,
            InstantSource clock,
            int pageBytes) {
        this.engine = engine;
        this.sessions = engine.sessions();
        this.gate = gate;
        this.commands = commands;
        this.ids = ids;
        this.clock = clock;
        this.pageBytes = pageBytes;
    }

    Answer publish(Request request, ChannelName channel, String serial) throws WireException {
        Principal principal = request.principal();
        SessionName session = channel.in(principal.app());
        JsonNode body = request.tree();
        List<InboundAnnotation> annotations = new ArrayList<>();
        for (InboundAnnotation annotation : InboundAnnotation.readAll(body.isArray() ? body : List.of(body))) {
            annotations.add(annotation.about(serial));
        }
        var command = commands.annotate(
                new ChannelCommands.Request(
                        principal, channel.full(), session, clock.millis(), null, null, ids.newId()),
                annotations);
        SessionOutcome.OfAnnotate outcome = Commands.await(engine.submit(command));
        if (!(outcome instanceof SessionOutcome.Accepted(List<Long> positions))) {
            ErrorInfo error = Refusals.of(outcome);
            throw new WireException(error == null ? ErrorInfo.INTERNAL : error);
        }
        return Answer.of(201, to -> {
            to.beginObject().field("channel", channel.full());
            to.name("serials").beginArray();
            positions.forEach(position -> to.value(Serials.render(position)));
            to.endArray().endObject();
        });
    }

    /** A message for which the client may perform an operation. */
    private record Message(SessionState session, long serial) {}

    private Message message(Request request, CapabilityOp operation, ChannelName channel, String serial)
            throws WireException {
        Principal principal = request.permitted(gate, operation, channel.full());
        SessionState session = sessions.find(channel.in(principal.app()));
        OptionalLong position = Serials.parse(serial);
        if (session == null || position.isEmpty() || sessions.messages().find(session, position.getAsLong()) == null) {
            throw new WireException(ErrorInfo.noSuchMessage());
        }
        return new Message(session, position.getAsLong());
    }

    Answer list(Request request, ChannelName channel, String serial) throws WireException {
        Message message = message(request, CapabilityOp.ANNOTATION_SUBSCRIBE, channel, serial);
        int limit = request.limit();
        long from = Serials.parse(request.param("cursor")).orElse(message.serial());
        Page<AnnotationEntry> page =
                sessions.annotations().page(message.session(), message.serial(), from, limit, pageBytes);
        return new Answer(
                200,
                to -> {
                    to.beginArray();
                    page.entries().forEach(annotation -> Entries.write(to, annotation));
                    to.endArray();
                },
                Links.of(
                        request,
                        page.more() ? Serials.render(page.entries().getLast().position() + 1) : null));
    }

    /**
     * The part that one client has in the summaries of a message. Summaries of messages with many annotations do not
     * list all clients.
     */
    Answer clientSummary(Request request, ChannelName channel, String serial) throws WireException {
        Message message = message(request, CapabilityOp.HISTORY, channel, serial);
        String clientId = request.param("clientId");
        if (clientId == null) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The parameter clientId is missing; it names the client whose annotations are wanted."));
        }
        Summaries summaries = sessions.annotations().summaries(message.session(), message.serial(), clientId);
        return Answer.of(200, to -> AnnotationSummaries.writeTypes(to, summaries));
    }
}
