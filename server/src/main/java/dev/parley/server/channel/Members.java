package dev.parley.server.channel;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.presence.Presence;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Lists the presence members of channels for those who may see them. Thread-safe; reads block on the disk. */
public record Members(Sessions sessions, Gate gate) {
    /** A character that ids of connections do not contain. */
    private static final char CURSOR_SEPARATOR = ':';

    /**
     * A page of the members of a channel, if {@code principal} may see them.
     *
     * @param cursor the {@link #cursor} of the page before; null for the first page
     */
    public Page<PresenceEntry> page(
            Principal principal,
            ChannelName channel,
            @Nullable String cursor,
            Predicate<PresenceEntry> wanted,
            int limit,
            int maxBytes)
            throws WireException {
        Presence.Member after = place(cursor);
        if (!principal.may(CapabilityOp.PRESENCE_SUBSCRIBE, channel.full())
                && gate.permit(principal, CapabilityOp.SUBSCRIBE, channel.full()) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        SessionState session = sessions.find(channel.in(principal.app()));
        return session == null
                ? new Page<>(List.of(), false)
                : sessions.presence().members(session, after, wanted, limit, maxBytes);
    }

    /** The cursor of the page after one that ends with {@code last}. */
    public static String cursor(PresenceEntry last) {
        return last.connectionId() + CURSOR_SEPARATOR + last.clientId();
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
}
