package dev.parley.engine.session.log;

import dev.parley.engine.session.SessionName;

/** A connection that has left something in a session: a member, or requests. */
public record Membership(SessionName session, String connectionId) {}
