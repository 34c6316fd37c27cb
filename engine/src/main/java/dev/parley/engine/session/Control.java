package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * Who speaks in a session for its side: an agent, a person who has taken over, or both.
 *
 * @param holder the client that has the control, or has shared it; null if an agent has it
 * @param since the position of the entry that says so; 0 if there is none
 * @param until when the control goes back to the agent, in milliseconds since 1970; 0 if it is to be given back
 * @param onWrite whether a person who may take over does so by writing while an agent has the control
 */
public record Control(Mode mode, @Nullable String holder, long since, long until, boolean onWrite) {
    /** The control of a session of which nobody has said anything else. */
    public static final Control DEFAULT = new Control(Mode.AGENT, null, 0, 0, false);

    /** Who has the control. */
    public enum Mode {
        AGENT,
        PERSON,
        SHARED
    }

    /** The control once the agent has it back. */
    public Control givenBack(long at) {
        return onWrite ? new Control(Mode.AGENT, null, at, 0, true) : DEFAULT;
    }

    /** The control once {@code client} has taken over by writing. */
    public Control takenBy(String client, long at) {
        return new Control(Mode.PERSON, client, at, 0, onWrite);
    }
}
