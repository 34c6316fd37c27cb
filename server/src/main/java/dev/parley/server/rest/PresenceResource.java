package dev.parley.server.rest;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Operation;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** {@code /channels/<channel>/presence}: who is there, and who was. */
record PresenceResource(Sessions sessions, Gate gate) {
    /** An order in which members can be paged through while some come and go. */
    private static final Comparator<PresenceEntry> BY_MEMBER = Comparator.comparing(PresenceResource::memberKey);

    private static String memberKey(PresenceEntry member) {
        return member.connectionId() + ":" + member.clientId();
    }

    /** The members of a channel, if {@code principal} may see them. */
    List<PresenceEntry> members(Principal principal, ChannelName channel) throws WireException {
        if (!principal.may(Operation.PRESENCE_SUBSCRIBE, channel.full())
                && gate.permit(principal, Operation.SUBSCRIBE, channel.full()) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        SessionState session = sessions.find(channel.in(principal.app()));
        return session == null ? List.of() : sessions.members(session);
    }

    Answer get(RestRequest request, ChannelName channel) throws WireException {
        int limit = request.limit();
        String clientId = request.param("clientId");
        String connectionId = request.param("connectionId");
        String cursor = request.param("cursor");
        List<PresenceEntry> rest = members(request.principal(), channel).stream()
                .filter(member -> (clientId == null || member.clientId().equals(clientId))
                        && (connectionId == null || member.connectionId().equals(connectionId))
                        && (cursor == null || memberKey(member).compareTo(cursor) > 0))
                .sorted(BY_MEMBER)
                .limit(limit + 1L)
                .toList();
        boolean more = rest.size() > limit;
        List<PresenceEntry> page = more ? rest.subList(0, limit) : rest;
        return page(request, page, more ? memberKey(page.getLast()) : null);
    }

    Answer history(RestRequest request, ChannelName channel) throws WireException {
        Principal principal = request.permitted(gate, Operation.HISTORY, channel.full());
        int limit = request.limit();
        Sessions.Range range = Range.of(request);
        SessionState session = sessions.find(channel.in(principal.app()));
        List<PresenceEntry> events =
                session == null || range == null ? List.of() : sessions.presence(session, range, limit + 1);
        boolean more = events.size() > limit;
        List<PresenceEntry> page = more ? events.subList(0, limit) : events;
        return page(request, page, more ? Serials.render(page.getLast().position()) : null);
    }

    private static Answer page(RestRequest request, List<PresenceEntry> page, @Nullable String next) {
        return new Answer(200, list(page), request.links(next));
    }

    static Consumer<WireWriter> list(List<PresenceEntry> events) {
        return to -> {
            to.beginArray();
            events.forEach(event -> Entries.write(to, event));
            to.endArray();
        };
    }
}
