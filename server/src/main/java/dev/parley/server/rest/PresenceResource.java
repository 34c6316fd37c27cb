package dev.parley.server.rest;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.presence.Presence;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * {@code /channels/<channel>/presence}: the members of a channel, and its presence events.
 *
 * @param pageBytes the greatest size of a page
 */
record PresenceResource(Sessions sessions, Gate gate, int pageBytes) {
    private static final Page<PresenceEntry> NOBODY = new Page<>(List.of(), false);

    /** A character that ids of connections do not contain. */
    private static final char CURSOR_SEPARATOR = ':';

    /**
     * A page of the members of a channel, if {@code principal} may see them.
     *
     * @param after the last member of the previous page; null for the first page
     */
    Page<PresenceEntry> members(
            Principal principal,
            ChannelName channel,
            Presence.@Nullable Member after,
            Predicate<PresenceEntry> wanted,
            int limit,
            int maxBytes)
            throws WireException {
        if (!principal.may(CapabilityOp.PRESENCE_SUBSCRIBE, channel.full())
                && gate.permit(principal, CapabilityOp.SUBSCRIBE, channel.full()) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        SessionState session = sessions.find(channel.in(principal.app()));
        return session == null ? NOBODY : sessions.presence().members(session, after, wanted, limit, maxBytes);
    }

    Answer get(Request request, ChannelName channel) throws WireException {
        String clientId = request.param("clientId");
        String connectionId = request.param("connectionId");
        Page<PresenceEntry> page = members(
                request.principal(),
                channel,
                place(request.param("cursor")),
                member -> (clientId == null || member.clientId().equals(clientId))
                        && (connectionId == null || member.connectionId().equals(connectionId)),
                request.limit(),
                pageBytes);
        return page(request, page, last -> last.connectionId() + CURSOR_SEPARATOR + last.clientId());
    }

    private static Presence.@Nullable Member place(@Nullable String cursor) throws WireException {
        if (cursor == null) {
            return null;
        }
        int separator = cursor.indexOf(CURSOR_SEPARATOR);
        if (separator < 0) {
            throw new WireException(
                    ErrorInfo.invalidValue("The parameter cursor is not one that this server has given out."));
        }
        return new Presence.Member(cursor.substring(0, separator), cursor.substring(separator + 1));
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
                request.links(page.more() ? cursor.apply(page.entries().getLast()) : null));
    }

    static Consumer<WireWriter> list(List<PresenceEntry> events) {
        return to -> {
            to.beginArray();
            events.forEach(event -> Entries.write(to, event));
            to.endArray();
        };
    }
}
