package dev.parley.engine.session;

/** A connection that has left something in a session: a member, or requests. */
public record Membership(SessionName session, String connectionId) {}
