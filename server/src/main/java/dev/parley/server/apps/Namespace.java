package dev.parley.server.apps;

import dev.parley.engine.registry.NamespaceAgents;
import java.time.Duration;

/**
 * Rules for the sessions of an app whose names have the same beginning, up to the first colon.
 *
 * @param id that beginning, or {@link #OTHERS}
 * @param mutableMessages whether messages can be updated, deleted and appended to
 * @param retentionAge how long messages and presence events are kept
 * @param retentionBytes the size of the messages that a session keeps, roughly
 * @param maxMembers the greatest number of presence members of one session
 * @param redeliverCancels whether an agent that attaches receives earlier cancels that have had no effect yet
 * @param endAbandonedRuns whether the server ends a run whose agent is gone for good
 */
public record Namespace(
        String id,
        boolean mutableMessages,
        Duration retentionAge,
        long retentionBytes,
        int maxMembers,
        boolean redeliverCancels,
        boolean endAbandonedRuns) {

    /** The id of the namespace with all sessions that are in no other one. */
    public static final String OTHERS = NamespaceAgents.OTHERS;

    /**
     * How long messages are kept if they are not to be persisted: long enough for clients that lose their connection.
     */
    public static final Duration NOT_PERSISTED = Duration.ofMinutes(2);

    public static final int MAX_ID_CHARS = 128;

    /** The rules where nothing is configured. */
    public static final Namespace DEFAULT = new Namespace(OTHERS, true, Duration.ofDays(30), 1L << 30, 250);

    /** These rules, and the server takes care of the runs of agents. */
    public Namespace(String id, boolean mutableMessages, Duration retentionAge, long retentionBytes, int maxMembers) {
        this(id, mutableMessages, retentionAge, retentionBytes, maxMembers, true, true);
    }

    /**
     * Checks the rules.
     *
     * @throws IllegalArgumentException with a message that says what is wrong
     */
    public Namespace {
        if (id.isEmpty() || id.length() > MAX_ID_CHARS || id.indexOf(':') >= 0) {
            throw new IllegalArgumentException(
                    "the id of a namespace has 1 to " + MAX_ID_CHARS + " characters, no ':'");
        }
        if (retentionAge.compareTo(NOT_PERSISTED) < 0 || retentionBytes < 1 || maxMembers < 1) {
            throw new IllegalArgumentException(
                    "namespace %s keeps messages for at least %d ms, and at least one byte and one member"
                            .formatted(id, NOT_PERSISTED.toMillis()));
        }
    }

    /** Whether messages are kept for longer than clients need to come back. */
    public boolean isPersisted() {
        return retentionAge.compareTo(NOT_PERSISTED) > 0;
    }

    /** The id that the namespace of a session has, if such a namespace exists. */
    static String idFor(String session) {
        return NamespaceAgents.namespaceOf(session);
    }
}
