package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * What the session says about a run when the agent that works at it is lost, as the door has worded it that knows the
 * format of messages.
 *
 * @param end the message that ends the run
 * @param away the message that says that the agent is away
 * @param back the message that says that the agent is back
 */
public record RunTexts(Body end, Notice away, Notice back) {
    /**
     * A message about an agent, in pieces between which the connection and the time belong.
     *
     * @param name the message's name
     * @param start the data up to the id of the agent's connection
     * @param middle the data between that and the time, in milliseconds since 1970
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

        /** The message about the agent at a connection. */
        public Body about(String connectionId, long time) {
            return new Body(name, Data.of(start + connectionId + middle + time + rest), encoding, null);
        }
    }
}
