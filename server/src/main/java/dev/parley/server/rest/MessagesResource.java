package dev.parley.server.rest;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code /channels/<channel>/messages}: publishing, history, and single messages with their versions. */
final class MessagesResource {
    private final Sessions sessions;
    private final Gate gate;
    private final Publisher publisher;
    private final int pageBytes;

    MessagesResource(Sessions sessions, Gate gate, Publisher publisher, int pageBytes) {
        this.sessions = sessions;
        this.gate = gate;
        this.publisher = publisher;
        this.pageBytes = pageBytes;
    }

    /** Submits messages to a channel. */
    Publisher.Sent send(Principal principal, ChannelName channel, List<InboundMessage> messages) throws WireException {
        return publisher.send(principal, channel, messages);
    }

    Answer publish(Request request, ChannelName channel) throws WireException {
        refuseIfAskedTo(request);
        Principal principal = request.principal();
        JsonNode body = request.tree();
        Publisher.Sent sent = send(principal, channel, InboundMessage.readAll(body.isArray() ? body : List.of(body)));
        List<Long> positions = sent.await();
        return Answer.of(201, to -> {
            to.beginObject().field("channel", channel.full()).field("messageId", sent.messageId());
            to.name("serials").beginArray();
            positions.forEach(position -> to.value(Serials.render(position)));
            to.endArray().endObject();
        });
    }

    /**
     * Refuses a request that asks to be refused, as on WebSockets. Clients use this to test how they handle refusals.
     */
    private static void refuseIfAskedTo(Request request) throws WireException {
        if (request.param("_forceNack") != null) {
            throw new WireException(ErrorInfo.FORCED_NACK);
        }
    }

    Answer change(Request request, ChannelName channel, String serial) throws WireException {
        refuseIfAskedTo(request);
        Principal principal = request.principal();
        InboundMessage message = InboundMessage.read(request.tree()).withSerial(serial);
        if (message.action() == InboundMessage.Action.CREATE) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The field action is 1 to update the message, 2 to delete and 5 to append."));
        }
        long version = send(principal, channel, List.of(message)).await().getFirst();
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("versionSerial", Serials.render(version))
                        .endObject());
    }

    Answer history(Request request, ChannelName channel) throws WireException {
        SessionState session = readable(request, channel);
        int limit = request.limit();
        PositionRange range = Range.of(request);
        Page<MessageEntry> page = session == null || range == null
                ? new Page<>(List.of(), false)
                : sessions.messages().page(session, range, limit, pageBytes);
        return page(
                request,
                page.entries(),
                page.more() ? Serials.render(page.entries().getLast().serial()) : null);
    }

    /** The session, if the request may read its history. Returns null if nothing was ever published to the session. */
    private @Nullable SessionState readable(Request request, ChannelName channel) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.HISTORY, channel.full());
        return sessions.find(channel.in(principal.app()));
    }

    private static Answer page(Request request, List<MessageEntry> page, @Nullable String next) {
        return new Answer(
                200,
                to -> {
                    to.beginArray();
                    page.forEach(message -> Entries.write(to, message));
                    to.endArray();
                },
                Links.of(request, next));
    }

    Answer get(Request request, ChannelName channel, String serial) throws WireException {
        SessionState session = readable(request, channel);
        OptionalLong position = Serials.parse(serial);
        MessageEntry message = session == null || position.isEmpty()
                ? null
                : sessions.messages().find(session, position.getAsLong());
        if (message == null) {
            throw noSuchMessage();
        }
        return Answer.of(200, to -> Entries.write(to, message));
    }

    Answer versions(Request request, ChannelName channel, String serial) throws WireException {
        SessionState session = readable(request, channel);
        int limit = request.limit();
        OptionalLong position = Serials.parse(serial);
        OptionalLong cursor = Serials.parse(request.param("cursor"));
        if (session == null || position.isEmpty() || sessions.messages().find(session, position.getAsLong()) == null) {
            throw noSuchMessage();
        }
        long message = position.getAsLong();
        Page<MessageEntry> page =
                sessions.messages().versions(session, message, cursor.orElse(message), limit, pageBytes);
        return page(
                request,
                page.entries(),
                page.more() ? Serials.render(page.entries().getLast().position() + 1) : null);
    }

    private static WireException noSuchMessage() {
        return new WireException(ErrorInfo.noSuchMessage());
    }
}
