package dev.parley.server.rest;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * {@code /channels}: lists channels, including those that only have stored data, and shows the occupancy of a channel.
 *
 * @param pageBytes the greatest size of a page, roughly
 */
record ChannelsResource(Sessions sessions, Gate gate, Occupancy occupancy, int pageBytes) {
    /** The size of the description of a channel without its name, in bytes. */
    private static final int DESCRIPTION_BYTES = 320;

    /** The greatest size of a character of a name, in bytes. */
    private static final int CHAR_BYTES = 3;

    Answer get(Request request, ChannelName channel) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, channel.full());
        SessionName session = channel.in(principal.app());
        // By definition, a request for a channel makes the channel active.
        return Answer.of(200, to -> describe(to, channel.full(), session, true));
    }

    private void describe(WireWriter to, String channel, SessionName name, boolean active) {
        SessionState session = sessions.find(name);
        Occupancy.Metrics metrics = occupancy.of(name, session == null ? 0 : session.members());
        to.beginObject().field("channelId", channel).name("status");
        to.beginObject().field("isActive", active || metrics.connections() > 0 || metrics.presenceMembers() > 0);
        metrics.write(to.name("occupancy").beginObject().name("metrics"));
        to.endObject().endObject().endObject();
    }

    Answer list(Request request) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, "*").app();
        int limit = request.limit();
        boolean namesOnly = switch (request.param("by")) {
            case "id" -> true;
            case "value" -> false;
            case null -> false;
            default -> throw new WireException(ErrorInfo.invalidValue("The parameter by is id or value."));
        };
        String prefix = request.param("prefix");
        List<String> names = names(app, prefix == null ? "" : prefix, request.param("cursor"), limit + 1);
        int count = fitting(names, limit);
        boolean more = names.size() > count;
        List<String> page = names.subList(0, count);
        return new Answer(
                200,
                to -> {
                    to.beginArray();
                    for (String name : page) {
                        if (namesOnly) {
                            to.value(name);
                        } else {
                            describe(to, name, new SessionName(app, name), false);
                        }
                    }
                    to.endArray();
                },
                Links.of(request, more ? page.getLast() : null));
    }

    /** How many of {@code names} fit in a page. */
    private int fitting(List<String> names, int limit) {
        long bytes = 0;
        int count = 0;
        for (String name : names) {
            bytes += DESCRIPTION_BYTES + (long) CHAR_BYTES * name.length();
            if (count == limit || (bytes > pageBytes && count > 0)) {
                break;
            }
            count++;
        }
        return count;
    }

    private List<String> names(String app, String prefix, @Nullable String after, int limit) {
        TreeSet<String> names = new TreeSet<>(Sessions.BY_NAME);
        names.addAll(occupancy.active(app, prefix, after, limit));
        sessions.list(app, prefix, after == null ? "" : after, limit)
                .forEach(session -> names.add(session.name().name()));
        return names.stream().limit(limit).toList();
    }
}
