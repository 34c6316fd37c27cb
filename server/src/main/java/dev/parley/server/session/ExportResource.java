package dev.parley.server.session;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.ControlChange;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Entries;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * {@code /v1/sessions/<session>/export}: the log of a session as it is, for auditors: who has done what, in order. The last pages have what
 * is kept for longer than the log: who has had the control, and what people were asked and have decided.
 *
 * @param pageBytes the greatest size of a page, roughly
 */
record ExportResource(Sessions sessions, Gate gate, int pageBytes) {
    /** The number of versions of one message that an export has. */
    static final int MAX_VERSIONS = 1_000;

    /** Begins the places of pages with changes of control. */
    private static final String CHANGES = "c";

    /** Begins the places of pages with requests. */
    private static final String REQUESTS = "r";

    /**
     * An entry, with the earlier versions of its message.
     *
     * @param versions null if the entry is no message, or its message has never changed but by growing
     */
    private record Line(SessionEntry entry, @Nullable Page<MessageEntry> versions) {}

    Answer export(Request request, ChannelName name) throws WireException {
        String app = request.permitted(gate, CapabilityOp.HISTORY, name.full()).app();
        SessionState session = found(name.in(app));
        String kept = request.param("kept");
        if (kept != null) {
            if (kept.startsWith(CHANGES)) {
                return changes(session, kept.substring(CHANGES.length()));
            }
            if (kept.startsWith(REQUESTS)) {
                return requests(session, kept.substring(REQUESTS.length()));
            }
            throw notThere();
        }
        Sessions.Part part = part(request, session);
        List<Line> lines = new ArrayList<>();
        int room = pageBytes;
        for (SessionEntry entry : part.entries()) {
            Page<MessageEntry> versions = versions(session, entry, room);
            room -= versions == null
                    ? 0
                    : versions.entries().stream().mapToInt(MessageEntry::weight).sum();
            lines.add(new Line(entry, versions));
        }
        return Answer.lines(
                to -> lines.forEach(line -> write(to, line)),
                part.to() < part.last() ? next("after=" + Serials.render(part.to())) : kept(session));
    }

    /** Where what is kept for longer begins, if there is any. */
    private List<String> kept(SessionState session) {
        boolean anyChanges = sessions.controls().isAny(session, Long.MAX_VALUE - 1);
        boolean anyRequests =
                !sessions.requests().of(session, "", 1, 1).entries().isEmpty();
        return anyChanges ? next("kept=" + CHANGES) : anyRequests ? next("kept=" + REQUESTS) : List.of();
    }

    private static List<String> next(String query) {
        return List.of("<./export?" + query + ">; rel=\"next\"");
    }

    /** @param after the position of the last change of the page before; empty for the first page */
    private Answer changes(SessionState session, String after) throws WireException {
        OptionalLong position = after.isEmpty() ? OptionalLong.of(0) : Serials.parse(after);
        if (position.isEmpty()) {
            throw notThere();
        }
        Page<ControlChange> page =
                sessions.controls().changes(session, position.getAsLong(), Integer.MAX_VALUE, pageBytes);
        return Answer.lines(
                to -> page.entries().forEach(change -> {
                    to.beginObject().field("position", Serials.render(change.position()));
                    ControlResource.writeTo(to.field("type", "control"), change);
                    to.endObject();
                }),
                next("kept="
                        + (page.more()
                                ? CHANGES
                                        + Serials.render(
                                                page.entries().getLast().position())
                                : REQUESTS)));
    }

    /** @param after the id of the last request of the page before, encoded; empty for the first page */
    private Answer requests(SessionState session, String after) throws WireException {
        Page<SessionRequest> page =
                sessions.requests().of(session, RequestsResource.decoded(after), Integer.MAX_VALUE, pageBytes);
        return Answer.lines(
                to -> page.entries().forEach(asked -> {
                    to.beginObject().field("position", Serials.render(asked.since()));
                    RequestView.write(to.field("type", "request").name("request"), asked, true);
                    to.endObject();
                }),
                page.more()
                        ? next("kept=" + REQUESTS
                                + RequestsResource.encoded(
                                        page.entries().getLast().id()))
                        : List.of());
    }

    private static WireException notThere() {
        return new WireException(
                ErrorInfo.invalidValue("The parameters after and kept are those of the link to the next page."));
    }

    private SessionState found(SessionName name) throws WireException {
        SessionState session = sessions.find(name);
        if (session == null) {
            throw new WireException(SessionsResource.noSuchSession());
        }
        return session;
    }

    private Sessions.Part part(Request request, SessionState session) throws WireException {
        String cursor = request.param("after");
        if (cursor == null) {
            // Where the session begins is looked up at the same moment, because retention may move it at any time.
            Sessions.Part first = sessions.first(session.name(), session.id(), pageBytes);
            if (first == null) {
                throw new WireException(SessionsResource.noSuchSession());
            }
            return first;
        }
        OptionalLong position = Serials.parse(cursor);
        if (position.isEmpty()) {
            throw notThere();
        }
        Sessions.Part part = sessions.since(session.name(), session.id(), position.getAsLong(), pageBytes);
        if (part == null) {
            throw new WireException(new ErrorInfo(
                    90003, 410, "The session no longer has everything after this place; begin without after."));
        }
        return part;
    }

    private @Nullable Page<MessageEntry> versions(SessionState session, SessionEntry entry, int room) {
        if (!(entry instanceof MessageEntry message) || message.position() == message.serial()) {
            return null;
        }
        Page<MessageEntry> versions = sessions.messages()
                .versions(session, message.serial(), message.serial(), MAX_VERSIONS, Math.max(0, room));
        return versions.entries().size() < 2 ? null : versions;
    }

    private static void write(WireWriter to, Line line) {
        SessionEntry entry = line.entry();
        to.beginObject().field("position", Serials.render(entry.position()));
        switch (entry) {
            case MessageEntry message -> {
                Entries.write(to.field("type", "message").name("message"), message);
                Page<MessageEntry> versions = line.versions();
                if (versions != null) {
                    to.name("versions").beginArray();
                    versions.entries().forEach(version -> Entries.write(to, version));
                    to.endArray().field("moreVersions", versions.more());
                }
            }
            case PresenceEntry event ->
                Entries.write(to.field("type", "presence").name("presence"), event);
            case AnnotationEntry annotation ->
                Entries.write(to.field("type", "annotation").name("annotation"), annotation);
            case SummaryEntry summary ->
                to.field("type", "summary").field("messageSerial", Serials.render(summary.serial()));
            case ObjectEntry object -> to.field("type", "object");
        }
        to.endObject();
    }
}
