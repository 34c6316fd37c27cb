package dev.parley.client;

/** What happens in a session, in the order of its log. */
public sealed interface SessionEvent permits Message, PresenceEvent, Annotation, ObjectChange, Gap {}
