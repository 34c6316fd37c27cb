package dev.parley.client.agent;

/** The input that an agent was invoked for has not come in time. */
public final class InputNotFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    InputNotFoundException(String eventId, String session) {
        super("There is no input " + eventId + " in the session " + session + ".");
    }
}
