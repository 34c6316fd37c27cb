package dev.parley.client;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Who speaks in a session for its side: an agent, a person who has taken over, or both.
 *
 * @param mode who has the control
 * @param holder the client that has taken over, or has shared the control; null if an agent has it
 * @param until when the control goes back to the agent by itself; null if it is to be given back
 * @param onWrite whether a person who may take over does so by saying something
 */
public record Control(
        Mode mode, @Nullable String holder, @Nullable Instant until, boolean onWrite) {
    /** The name of the message that says who has the control. */
    public static final String MESSAGE = "parley.control";

    /** The control of a session of which nobody has said anything else. */
    public static final Control DEFAULT = new Control(Mode.AGENT, null, null, false);

    /** Who has the control. */
    public enum Mode {
        /** Agents speak. */
        AGENT,
        /** A person has taken over; what agents say is refused. */
        PERSON,
        /** Both speak. */
        SHARED;

        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Mode of(@Nullable String wireName) {
            for (Mode mode : values()) {
                if (mode.wireName().equals(wireName)) {
                    return mode;
                }
            }
            return AGENT;
        }
    }

    /** {@return whether a person has taken over} */
    public boolean isTakenOver() {
        return mode == Mode.PERSON;
    }

    /**
     * {@return what the data of a message named {@link #MESSAGE}, or the server's answer, says}
     *
     * @param json an object
     */
    public static Control of(JsonNode json) {
        JsonNode until = json.path("until");
        return new Control(
                Mode.of(Wire.text(json, "mode")),
                Wire.text(json, "holder"),
                until.isNumber() ? Instant.ofEpochMilli(until.longValue()) : null,
                json.path("onWrite").asBoolean(false));
    }
}
