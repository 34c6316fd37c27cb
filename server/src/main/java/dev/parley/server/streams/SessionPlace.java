package dev.parley.server.streams;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.machine.Changes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/**
 * A place in the stream of a session, as its offsets name it: the incarnation of the session in 24 characters, as in {@link
 * Offsets}; the position and the horizon in 19 digits each; and, if there were agents, a mark of what they were and their ids.
 * The order of offsets as texts is the order of positions.
 *
 * @param incarnation the name of the session's incarnation
 * @param agents the agents that a reader has been told of
 */
record SessionPlace(String incarnation, Changes.Place place, Told agents) {
    private static final int DIGITS = 19;
    private static final int POSITION_AT = Offsets.NAME_LENGTH + 1;
    private static final int HORIZON_AT = POSITION_AT + DIGITS + 1;
    private static final int AGENTS_AT = HORIZON_AT + DIGITS + 1;
    private static final int MARK_DIGITS = 16;

    /** The ids of agents have to find room in the address of a request. */
    private static final int MAX_IDS_CHARS = 1_024;

    /**
     * The agents that a reader has been told of.
     *
     * @param mark stands for all that is shown of them; empty if there were none
     * @param ids null if they were too long for an offset
     */
    record Told(String mark, @Nullable List<String> ids) {
        /** No agents. */
        static final Told NONE = new Told("", List.of());
    }

    /** The place in the session of this name, after what was read of it. */
    static SessionPlace of(Offsets offsets, SessionName name, Changes.Place place, Told agents) {
        return new SessionPlace(incarnation(offsets, name, place.session()), place, agents);
    }

    /** The name of an incarnation of a session. */
    static String incarnation(Offsets offsets, SessionName name, long id) {
        return offsets.name(id, name.key().hashCode());
    }

    /** The offset of this place. */
    String render() {
        StringBuilder text = new StringBuilder(incarnation)
                .append('_')
                .append(digits(place.position()))
                .append('_')
                .append(digits(place.horizon()));
        if (!agents.mark().isEmpty()) {
            text.append('_').append(agents.mark());
            List<String> ids = agents.ids();
            if (ids != null) {
                text.append(encoded(ids));
            }
        }
        return text.toString();
    }

    private static String digits(long number) {
        String text = Long.toString(number);
        return "0".repeat(DIGITS - text.length()) + text;
    }

    private static String encoded(List<String> ids) {
        ArrayNode json = JsonMapper.shared().createArrayNode();
        ids.forEach(json::add);
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(json.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** What a reader has been told of agents with this mark and these ids. */
    static Told told(String mark, List<String> ids) {
        return new Told(mark, encoded(ids).length() > MAX_IDS_CHARS ? null : ids);
    }

    /** The place that an offset names, or null if it is none of a session. */
    static @Nullable SessionPlace parse(String offset) {
        if (offset.length() < AGENTS_AT - 1
                || offset.length() > AGENTS_AT + MARK_DIGITS + MAX_IDS_CHARS
                || offset.charAt(POSITION_AT - 1) != '_'
                || offset.charAt(HORIZON_AT - 1) != '_') {
            return null;
        }
        long session = Offsets.number(offset, 0, Offsets.ID_DIGITS, Offsets.BASE);
        long position = Offsets.number(offset, POSITION_AT, DIGITS, 10);
        long horizon = Offsets.number(offset, HORIZON_AT, DIGITS, 10);
        Told agents = agents(offset);
        return session < 0 || position < 0 || horizon < 0 || agents == null
                ? null
                : new SessionPlace(
                        offset.substring(0, Offsets.NAME_LENGTH),
                        new Changes.Place(session, position, horizon),
                        agents);
    }

    private static @Nullable Told agents(String offset) {
        if (offset.length() == AGENTS_AT - 1) {
            return Told.NONE;
        }
        int idsAt = AGENTS_AT + MARK_DIGITS;
        if (offset.length() < idsAt || offset.charAt(AGENTS_AT - 1) != '_') {
            return null;
        }
        String mark = offset.substring(AGENTS_AT, idsAt);
        if (offset.length() == idsAt) {
            return new Told(mark, null);
        }
        try {
            List<String> ids = new ArrayList<>();
            JsonNode json = JsonMapper.shared().readTree(Base64.getUrlDecoder().decode(offset.substring(idsAt)));
            for (JsonNode id : json.values()) {
                if (!id.isString()) {
                    return null;
                }
                ids.add(id.stringValue());
            }
            return new Told(mark, ids);
        } catch (IllegalArgumentException | JacksonException e) {
            return null;
        }
    }
}
