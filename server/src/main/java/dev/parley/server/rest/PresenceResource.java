package dev.parley.server.rest;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Members;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * {@code /channels/<channel>/presence}: the members of a channel, and its presence events.
 *
 * @param pageBytes the greatest size of a page
 */
record PresenceResource(Sessions sessions, Gate gate, Members members, int pageBytes) {
    private static final Page<PresenceEntry> NOBODY = new Page<>(List.of(), false);

    Answer get(Request request, ChannelName channel) throws WireException {
        String clientId = request.param("clientId");
        String connectionId = request.param("connectionId");
        Page<PresenceEntry> page = members.page(
                request.principal(),
                channel,
                request.param("cursor"),
                member -> (clientId == null || member.clientId().equals(clientId))
                        && (connectionId == null || member.connectionId().equals(connectionId)),
                request.limit(),
                pageBytes);
        return page(request, page, Members::cursor);
    }

    Answer history(Request request, ChannelName channel) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.HISTORY, channel.full());
        int limit = request.limit();
        PositionRange range = Range.of(request);
        SessionState session = sessions.find(channel.in(principal.app()));
        Page<PresenceEntry> events = session == null || range == null
                ? NOBODY
                : sessions.presence().events(session, range, limit, pageBytes);
        return page(request, events, last -> Serials.render(last.position()));
    }

    private static Answer page(Request request, Page<PresenceEntry> page, Function<PresenceEntry, String> cursor) {
        return new Answer(
                200,
                list(page.entries()),
                Links.of(request, page.more() ? cursor.apply(page.entries().getLast()) : null));
    }

    static Consumer<WireWriter> list(List<PresenceEntry> events) {
        return to -> {
            to.beginArray();
            events.forEach(event -> Entries.write(to, event));
            to.endArray();
        };
    }
}
