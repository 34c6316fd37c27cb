package dev.parley.engine.session;

/** One fact in a session's log. */
public sealed interface SessionEntry permits MessageEntry, PresenceEntry, ObjectEntry, AnnotationEntry, SummaryEntry {
    /** Where it stands in the log, see {@link Positions}. */
    long position();

    /** Roughly the memory that it takes, in bytes. */
    int weight();
}
