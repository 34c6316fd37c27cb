package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * The messages that a session shows about a run when its agent is lost or silent, or a person takes over. The door, which knows the format of messages,
 * has written them.
 *
 * @param end the message that ends the run
 * @param away the message that says that the agent is away
 * @param back the message that says that the agent is back
 * @param takenOver the message that ends the run when a person takes over; null if the agent suspends it then
 * @param stalled the message that says whether the agent is stalled, about {@code true} or {@code false}; null of runs that began before
 *     there was one
 */
public record RunTexts(
        Body end,
        Notice away,
        Notice back,
        @Nullable Body takenOver,
        @Nullable Notice stalled) {
    /** Nothing is said if the agent is silent. */
    public RunTexts(Body end, Notice away, Notice back, @Nullable Body takenOver) {
        this(end, away, back, takenOver, null);
    }

    /**
     * A message about an agent or a person, in pieces; who it is and the time are inserted between them.
     *
     * @param name the name of the message
     * @param start the data before the id of the agent's connection
     * @param middle the data between the id and the time, in milliseconds since 1970
     * @param rest the data after the time
     * @param encoding how the data is to be decoded
     */
    public record Notice(
            String name,
            String start,
            String middle,
            String rest,
            @Nullable String encoding) {
        int size() {
            return name.length() + start.length() + middle.length() + rest.length();
        }

        /** The message about the agent with this connection, or about whoever else it is about. */
        public Body about(String connectionId, long time) {
            return new Body(name, Data.of(start + connectionId + middle + time + rest), encoding, null);
        }
    }
}
