package dev.parley.server.session;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Members;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code /v1/sessions}: which sessions there are, and what state they are in, without what is said in them.
 *
 * @param pageBytes the greatest size of a page, roughly
 */
record SessionsResource(Sessions sessions, Gate gate, Members members, Occupancy occupancy, int pageBytes) {
    /** The number of sessions that one request looks at. If few of them fit the filter, the page is short. */
    static final int MAX_EXAMINED = 5_000;

    private static final int STEP = 500;

    /** Which sessions a list has. */
    private record Filter(String prefix, long activeSince, boolean openRuns) {
        static Filter of(Request request) throws WireException {
            String prefix = request.param("prefix");
            return new Filter(
                    prefix == null ? "" : prefix,
                    request.number("activeSince", 0, Long.MAX_VALUE),
                    switch (request.param("openRuns")) {
                        case "true" -> true;
                        case "false" -> false;
                        case null -> false;
                        default ->
                            throw new WireException(ErrorInfo.invalidValue("The parameter openRuns is true or false."));
                    });
        }

        boolean takes(SessionState session, List<Run> runs) {
            return Positions.millis(session.last()) >= activeSince && !(openRuns && runs.isEmpty());
        }
    }

    private record Described(SessionState session, List<Run> runs) {}

    Answer list(Request request) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, "*").app();
        int limit = request.limit();
        Filter filter = Filter.of(request);
        List<Described> found = new ArrayList<>();
        @Nullable String after = request.param("cursor");
        int examined = 0;
        boolean more = true;
        while (more && found.size() < limit && examined < MAX_EXAMINED) {
            List<SessionState> states = sessions.list(app, filter.prefix(), after == null ? "" : after, STEP);
            more = states.size() == STEP;
            for (SessionState session : states) {
                if (found.size() == limit) {
                    more = true;
                    break;
                }
                examined++;
                after = session.name().name();
                List<Run> runs = sessions.runs().of(session);
                if (filter.takes(session, runs)) {
                    found.add(new Described(session, runs));
                }
            }
        }
        @Nullable String next = more ? after : null;
        return Answer.of(200, to -> {
            to.beginObject().name("sessions").beginArray();
            found.forEach(session -> describe(to, session, false));
            to.endArray().field("next", next).endObject();
        });
    }

    Answer get(Request request, ChannelName name) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, name.full())
                .app();
        SessionState session = found(name.in(app));
        var described = new Described(session, sessions.runs().of(session));
        return Answer.of(200, to -> describe(to, described, true));
    }

    private SessionState found(SessionName name) throws WireException {
        SessionState session = sessions.find(name);
        if (session == null) {
            throw new WireException(ErrorInfo.notFound(
                    "There is no such session. A session exists as soon as something was published to it."));
        }
        return session;
    }

    /** @param whole whether the runs are listed, and not only counted */
    private void describe(WireWriter to, Described described, boolean whole) {
        SessionState session = described.session();
        Occupancy.Metrics metrics = occupancy.of(session.name(), session.members());
        to.beginObject()
                .field("sessionId", session.name().name())
                .field("lastActivity", Positions.millis(session.last()))
                .field("position", Serials.render(session.last()))
                .field("bytes", session.bytes())
                .field("connections", metrics.connections())
                .field("presenceMembers", session.members())
                .field("openRuns", described.runs().size());
        if (whole) {
            to.name("runs").beginArray();
            for (Run run : described.runs()) {
                to.beginObject()
                        .field("runId", run.id())
                        .field("status", run.suspended() ? "suspended" : "active")
                        .field("inputMessageId", run.inputId())
                        .field("since", Positions.millis(run.since()))
                        .endObject();
            }
            to.endArray();
            metrics.write(to.name("occupancy"));
        }
        to.endObject();
    }

    /** A page of the members of a session. */
    Answer presence(Request request, ChannelName name) throws WireException {
        Page<PresenceEntry> page = members.page(
                request.principal(), name, request.param("cursor"), member -> true, request.limit(), pageBytes);
        return Answer.of(200, to -> {
            to.beginObject().name("members").beginArray();
            page.entries().forEach(member -> Entries.write(to, member));
            to.endArray();
            if (page.more()) {
                to.field("next", Members.cursor(page.entries().getLast()));
            }
            to.endObject();
        });
    }
}
