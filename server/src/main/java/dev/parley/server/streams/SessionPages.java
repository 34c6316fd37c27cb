package dev.parley.server.streams;

import dev.parley.engine.identity.Identities;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.machine.Changes;
import dev.parley.engine.session.request.Requests;
import dev.parley.server.channel.StateRows;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.wire.Serials;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What the stream of a session has after a place, in pages. Thread-safe; blocks. */
final class SessionPages {
    private static final int MARK_BYTES = 8;

    private final Changes changes;
    private final Offsets offsets;

    SessionPages(Changes changes, Identities identities) {
        this.changes = changes;
        this.offsets = new Offsets(identities);
    }

    /** What was found. */
    sealed interface Read {}

    /** There is no session of this name. */
    record NoSession() implements Read {}

    /** What has changed since cannot be told any more. */
    record Lost() implements Read {}

    /** The place is after the end. */
    record Beyond() implements Read {}

    /**
     * Changes of rows.
     *
     * @param body a JSON array
     * @param isEmpty whether it has none
     * @param next the place afterwards
     * @param upToDate whether there is nothing more
     */
    record Page(byte[] body, boolean isEmpty, SessionPlace next, boolean upToDate) implements Read {}

    /** The end of a session, and nothing before it. */
    Read end(SessionName name) {
        return switch (changes.end(name)) {
            case Changes.NoSession none -> new NoSession();
            case Changes.Lost lost -> new Lost();
            case Changes.Beyond beyond -> new Beyond();
            case Changes.Part part -> page(name, part, new Array(), part.to(), true);
        };
    }

    /**
     * What has changed after a place.
     *
     * @param from null for all that there is
     * @param maxBytes the size after which no further change is begun
     */
    Read after(SessionName name, @Nullable SessionPlace from, int maxBytes) {
        return switch (changes.since(name, from == null ? null : from.place(), maxBytes)) {
            case Changes.NoSession none -> new NoSession();
            case Changes.Lost lost -> new Lost();
            case Changes.Beyond beyond -> new Beyond();
            case Changes.Part part -> {
                boolean same = from == null
                        || from.incarnation()
                                .equals(SessionPlace.incarnation(
                                        offsets, name, part.session().id()));
                yield same
                        ? after(
                                name,
                                from == null ? SessionPlace.Told.NONE : from.agents(),
                                from == null ? Positions.START : from.place().position(),
                                part,
                                maxBytes)
                        : new Lost();
            }
        };
    }

    private Read after(SessionName name, SessionPlace.Told told, long from, Changes.Part part, int maxBytes) {
        Array changed = new Array();
        SessionPlace.Told now = told(part.agents());
        if (!now.mark().equals(told.mark())) {
            List<String> before = told.ids();
            if (before == null) {
                return new Lost();
            }
            before.stream()
                    .filter(id ->
                            part.agents().stream().noneMatch(agent -> agent.id().equals(id)))
                    .forEach(id -> changed.add(StateRows.delete(StateRows.AGENT, id)));
            part.agents().forEach(agent -> changed.add(StateRows.upsert(StateRows.AGENT, agent.id(), shown(agent))));
        }
        part.removed().forEach(serial -> changed.add(StateRows.delete(StateRows.CHUNK, Serials.render(serial))));
        Changes.Place to = part.to();
        for (SessionEntry entry : part.entries()) {
            ObjectNode change = StateRows.change(entry);
            if (change != null) {
                changed.add(change);
            }
            if (changed.size() >= maxBytes && entry.position() < to.position()) {
                to = new Changes.Place(to.session(), entry.position(), to.horizon());
                break;
            }
        }
        addRequests(part, from, to.position(), changed);
        return page(name, part, changed, to, part.upToDate() && to.equals(part.to()));
    }

    /**
     * Adds the requests that are open and were asked between two positions, and takes away those that were closed there. Where
     * a request was decided that needs further decisions is not known; it comes again with all that happens.
     */
    private static void addRequests(Changes.Part part, long from, long to, Array changed) {
        if (to == from) {
            return;
        }
        Set<String> open = new HashSet<>();
        for (SessionRequest request : part.open()) {
            open.add(request.id());
            boolean isNew = request.since() > from && request.since() <= to;
            if (isNew || !request.decisions().isEmpty()) {
                changed.add(StateRows.upsert(StateRows.REQUEST, request.id(), StateRows.request(request)));
            }
        }
        for (Requests.Closed closed : part.closed()) {
            if (closed.position() <= to && !open.contains(closed.id())) {
                changed.add(StateRows.delete(StateRows.REQUEST, closed.id()));
            }
        }
    }

    private Page page(SessionName name, Changes.Part part, Array changed, Changes.Place to, boolean upToDate) {
        return new Page(
                changed.close(), changed.count == 0, SessionPlace.of(offsets, name, to, told(part.agents())), upToDate);
    }

    private static ObjectNode shown(Agent agent) {
        return AgentSpecs.shown(agent).put("agentId", agent.id());
    }

    private static SessionPlace.Told told(List<Agent> agents) {
        if (agents.isEmpty()) {
            return SessionPlace.Told.NONE;
        }
        MessageDigest digest = sha256();
        agents.forEach(agent -> digest.update(shown(agent).toString().getBytes(StandardCharsets.UTF_8)));
        return SessionPlace.told(
                HexFormat.of().formatHex(digest.digest(), 0, MARK_BYTES),
                agents.stream().map(Agent::id).toList());
    }

    /** A tag by which clients and caches recognise an answer that they have. */
    static String tag(Page page, boolean compressed) {
        MessageDigest digest = sha256();
        digest.update(page.next().render().getBytes(StandardCharsets.US_ASCII));
        digest.update(page.body());
        return '"' + HexFormat.of().formatHex(digest.digest(), 0, 2 * MARK_BYTES) + (compressed ? "-gzip\"" : "\"");
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has it", e);
        }
    }

    /** A JSON array that grows. */
    private static final class Array {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int count;

        void add(ObjectNode change) {
            bytes.write(count == 0 ? '[' : ',');
            bytes.writeBytes(Objects.requireNonNull(change).toString().getBytes(StandardCharsets.UTF_8));
            count++;
        }

        int size() {
            return bytes.size();
        }

        byte[] close() {
            if (count == 0) {
                bytes.write('[');
            }
            bytes.write(']');
            return bytes.toByteArray();
        }
    }
}
