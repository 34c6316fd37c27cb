package dev.parley.engine.session;

/** Something by which sessions are found. */
public sealed interface Attribute {
    /** The session has a run that has not ended. */
    record OpenRun() implements Attribute {}

    /** An agent that works at a run of the session is stalled. */
    record StalledRun() implements Attribute {}

    /** Somebody is asked something in the session. */
    record OpenRequest() implements Attribute {}

    /** The session has this label. */
    record Labelled(String key, String value) implements Attribute {}

    /** The session goes on from the one with this id, directly or indirectly. */
    record ForkOf(long session) implements Attribute {}

    /** This client has said something in the session, or was present. */
    record Participant(String clientId) implements Attribute {}
}
