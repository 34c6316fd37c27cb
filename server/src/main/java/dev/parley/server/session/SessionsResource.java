package dev.parley.server.session;

import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Attribute.OpenRequest;
import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Attribute.Participant;
import dev.parley.engine.session.Attribute.StalledRun;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Profile;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.log.Inheritance;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.run.Silence;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Members;
import dev.parley.server.http.Urls;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

    /**
     * Which sessions a list has.
     *
     * @param attributes what each of them has
     */
    private record Filter(String prefix, long activeSince, List<Attribute> attributes) {
        static Filter of(Request request) throws WireException {
            String prefix = request.param("prefix");
            List<Attribute> attributes = new ArrayList<>();
            if (request.truth("pendingRequests")) {
                attributes.add(new OpenRequest());
            }
            if (request.truth("openRuns")) {
                attributes.add(new OpenRun());
            }
            if (request.truth("stalledRuns")) {
                attributes.add(new StalledRun());
            }
            String participant = request.param("participant");
            if (participant != null) {
                attributes.add(new Participant(participant));
            }
            List<String> labels = request.query().getAll("label");
            if (labels.size() > Labels.MAX_ASKED) {
                throw new WireException(
                        ErrorInfo.invalidValue("A list asks for at most " + Labels.MAX_ASKED + " labels."));
            }
            for (String label : labels) {
                attributes.add(Labels.asked(label));
            }
            return new Filter(
                    prefix == null ? "" : prefix, request.number("activeSince", 0, Long.MAX_VALUE), attributes);
        }
    }

    /**
     * A session with what is said about it.
     *
     * @param profile null if it was never made explicitly
     * @param stalled since when the agents of runs are stalled, by the ids of the runs
     * @param requests how many requests are open
     * @param origin what it goes on from; null if it is no fork, or one of many sessions
     */
    private record Described(
            SessionState session,
            @Nullable Profile profile,
            List<Run> runs,
            Map<String, Silence> stalled,
            int requests,
            @Nullable Origin origin) {
        long lastActivity() {
            return SessionsResource.lastActivity(session, profile);
        }
    }

    Answer list(Request request) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, "*").app();
        int limit = request.limit();
        Filter filter = Filter.of(request);
        List<Described> found = new ArrayList<>();
        @Nullable String after = request.param("cursor");
        int examined = 0;
        boolean more = true;
        while (more && found.size() < limit && examined < MAX_EXAMINED) {
            List<Candidate> step = candidates(app, filter, after == null ? "" : after);
            more = step.size() == STEP;
            for (Candidate candidate : step) {
                if (found.size() == limit) {
                    more = true;
                    break;
                }
                examined++;
                after = candidate.name().name();
                SessionState session = taken(candidate, filter);
                if (session != null) {
                    found.add(described(session, null));
                }
            }
        }
        @Nullable String next = more ? after : null;
        return Answer.of(200, to -> {
            to.beginObject().name("sessions").beginArray();
            found.forEach(session -> describe(to, session, null));
            to.endArray().field("next", next).endObject();
        });
    }

    /**
     * A session that may be in a list.
     *
     * @param state null if it was not looked up
     */
    private record Candidate(SessionName name, @Nullable SessionState state) {}

    /** The sessions that come next, by what the filter asks for first. */
    private List<Candidate> candidates(String app, Filter filter, String after) {
        if (filter.attributes().isEmpty()) {
            return sessions.list(app, filter.prefix(), after, STEP).stream()
                    .map(state -> new Candidate(state.name(), state))
                    .toList();
        }
        return sessions.index().names(app, filter.attributes().getFirst(), filter.prefix(), after, STEP).stream()
                .map(name -> new Candidate(new SessionName(app, name), null))
                .toList();
    }

    private @Nullable SessionState taken(Candidate candidate, Filter filter) {
        for (Attribute attribute : filter.attributes().stream().skip(1).toList()) {
            if (!sessions.index().has(candidate.name(), attribute)) {
                return null;
            }
        }
        SessionState known = candidate.state();
        SessionState session = known == null ? sessions.find(candidate.name()) : known;
        return session != null && (filter.activeSince() == 0 || lastActivity(session) >= filter.activeSince())
                ? session
                : null;
    }

    private long lastActivity(SessionState session) {
        return lastActivity(
                session, session.last() == Positions.START ? sessions.profiles().of(session) : null);
    }

    /** When something was said or done last. A session that is empty was made then. */
    private static long lastActivity(SessionState session, @Nullable Profile profile) {
        long last = Positions.millis(session.last());
        return session.last() == Positions.START && profile != null ? profile.made() : last;
    }

    private @Nullable Origin origin(SessionState session) {
        Inheritance its = sessions.index().inheritance(session);
        return its == null ? null : its.origin();
    }

    private Described described(SessionState session, @Nullable Origin origin) {
        List<Run> runs = sessions.index().has(session.name(), new OpenRun())
                ? sessions.runs().of(session)
                : List.of();
        int requests = sessions.index().has(session.name(), new OpenRequest())
                ? sessions.requests().countOpen(session.name())
                : 0;
        return new Described(session, sessions.profiles().of(session), runs, stalled(session, runs), requests, origin);
    }

    private Map<String, Silence> stalled(SessionState session, List<Run> runs) {
        Map<String, Silence> stalled = new HashMap<>();
        if (session.stalled()) {
            for (Run run : runs) {
                Silence silence = sessions.silences().of(session, run.id());
                if (silence != null && silence.isStalled()) {
                    stalled.put(run.id(), silence);
                }
            }
        }
        return stalled;
    }

    Answer get(Request request, ChannelName name) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, name.full())
                .app();
        return describe(name.in(app), 200);
    }

    /** Answers with all that is known of a session, without what is said in it. */
    Answer describe(SessionName name, int status) throws WireException {
        SessionState session = sessions.find(name);
        if (session == null) {
            Tombstone tombstone = sessions.erasures().of(name);
            throw new WireException(tombstone == null ? noSuchSession() : ErrorInfo.SESSION_ERASED);
        }
        Described described = described(session, origin(session));
        List<String> participants = sessions.index().participants(session);
        return Answer.of(status, to -> describe(to, described, participants));
    }

    static ErrorInfo noSuchSession() {
        return ErrorInfo.notFound(
                "There is no such session. A session exists as soon as something was published to it, or"
                        + " when it was made.");
    }

    /** @param participants null if this is one of many sessions, of which less is said */
    private void describe(WireWriter to, Described described, @Nullable List<String> participants) {
        SessionState session = described.session();
        Occupancy.Metrics metrics = occupancy.of(session.name(), session.members());
        to.beginObject()
                .field("sessionId", session.name().name())
                .field("lastActivity", described.lastActivity())
                .field("position", Serials.render(session.last()))
                .field("bytes", session.bytes())
                .field("connections", metrics.connections())
                .field("presenceMembers", session.members())
                .field("openRuns", described.runs().size())
                .field("stalledRuns", described.stalled().size())
                .field("pendingRequests", described.requests());
        Profile profile = described.profile();
        if (profile != null) {
            to.field("createdAt", profile.made()).field("createdBy", profile.by());
        }
        to.name("labels").beginObject();
        if (profile != null) {
            profile.labels().forEach(to::field);
        }
        to.endObject();
        if (participants != null) {
            to.field("streamUrl", streamUrl(session.name().name()));
            if (described.origin() != null) {
                to.field("forkOf", described.origin().session())
                        .field("forkedAt", Serials.render(described.origin().upTo()));
            }
            to.name("participants").beginArray();
            participants.forEach(to::value);
            to.endArray().name("runs").beginArray();
            for (Run run : described.runs()) {
                Silence silence = described.stalled().get(run.id());
                to.beginObject()
                        .field("runId", run.id())
                        .field("status", run.suspended() ? "suspended" : silence == null ? "active" : "stalled")
                        .field("inputMessageId", run.inputId())
                        .field("since", Positions.millis(run.since()));
                if (silence != null) {
                    to.field("silentSince", silence.heardAt());
                }
                to.endObject();
            }
            to.endArray();
            metrics.write(to.name("occupancy"));
        }
        to.endObject();
    }

    /** The path of the stream of a session. */
    static String streamUrl(String session) {
        return "/v1/stream/sessions/" + Urls.escaped(session);
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
