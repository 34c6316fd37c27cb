package dev.parley.server.session;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
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
 * {@code /v1/sessions/<session>/export}: the log of a session as it is, for auditors: who has done what, in order.
 *
 * @param pageBytes the greatest size of a page, roughly
 */
record ExportResource(Sessions sessions, Gate gate, int pageBytes) {
    /** The number of versions of one message that an export has. */
    static final int MAX_VERSIONS = 1_000;

    /**
     * An entry, with the earlier versions of its message.
     *
     * @param versions null if the entry is no message, or its message has never changed but by growing
     */
    private record Line(SessionEntry entry, @Nullable Page<MessageEntry> versions) {}

    Answer export(Request request, ChannelName name) throws WireException {
        String app = request.permitted(gate, CapabilityOp.HISTORY, name.full()).app();
        SessionState session = found(name.in(app));
        long after = after(request, session);
        Sessions.Part part = sessions.since(session.name(), session.id(), after, pageBytes);
        if (part == null) {
            throw new WireException(new ErrorInfo(
                    90003, 410, "The session no longer has everything after this place; begin without after."));
        }
        List<Line> lines = new ArrayList<>();
        int room = pageBytes;
        for (SessionEntry entry : part.entries()) {
            Page<MessageEntry> versions = versions(session, entry, room);
            room -= versions == null
                    ? 0
                    : versions.entries().stream().mapToInt(MessageEntry::weight).sum();
            lines.add(new Line(entry, versions));
        }
        String next = "<./export?after=" + Serials.render(part.to()) + ">; rel=\"next\"";
        return Answer.lines(
                to -> lines.forEach(line -> write(to, line)), part.to() < part.last() ? List.of(next) : List.of());
    }

    private SessionState found(SessionName name) throws WireException {
        SessionState session = sessions.find(name);
        if (session == null) {
            throw new WireException(ErrorInfo.notFound("There is no such session."));
        }
        return session;
    }

    private static long after(Request request, SessionState session) throws WireException {
        String cursor = request.param("after");
        if (cursor == null) {
            return session.horizon();
        }
        OptionalLong position = Serials.parse(cursor);
        if (position.isEmpty()) {
            throw new WireException(
                    ErrorInfo.invalidValue("The parameter after is that of the link to the next page."));
        }
        return position.getAsLong();
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
