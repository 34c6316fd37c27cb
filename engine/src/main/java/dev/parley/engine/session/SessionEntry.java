package dev.parley.engine.session;

/** An entry of a session's log. */
public sealed interface SessionEntry permits MessageEntry, PresenceEntry, ObjectEntry, AnnotationEntry, SummaryEntry {
    /** The position in the log, see {@link Positions}. */
    long position();

    /** The memory that the entry takes in bytes, roughly. */
    int weight();
}
