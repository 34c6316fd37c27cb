package dev.parley.engine.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that the application of a session is to be told. It stays until it was told, or was given up, or is no longer so.
 *
 * @param id no other one has it
 * @param clientIds whom it is for
 * @param grants for whose credentials it is as well, as in {@link SessionRequest.Terms}
 * @param createdAt in milliseconds since 1970
 * @param attempts how often the application was called in vain
 * @param dueAt when it is called, in milliseconds since 1970
 */
public record Notification(
        SessionName session,
        String id,
        About about,
        List<String> clientIds,
        List<String> grants,
        long createdAt,
        int attempts,
        long dueAt) {
    /** After so many attempts a notification is given up: about an hour. */
    public static final int MAX_ATTEMPTS = 64;

    /** What kind of news it is. */
    public enum Event {
        /** People are asked something. */
        REQUEST_OPENED,
        /** A run is over. */
        RUN_FINISHED,
        /** Somebody was not there when something was said. */
        MESSAGE_UNSEEN
    }

    /** The news. */
    public sealed interface About {
        /** What kind of news it is. */
        Event event();
    }

    /**
     * People are asked something.
     *
     * @param runId the run that waits for the answer
     * @param due as in {@link SessionRequest.Terms}
     */
    public record RequestOpened(
            String requestId,
            SessionRequest.Kind kind,
            String title,
            @Nullable String runId,
            long due) implements About {
        @Override
        public Event event() {
            return Event.REQUEST_OPENED;
        }
    }

    /**
     * A run is over that a client has begun.
     *
     * @param reason why, in one word; null if nobody has said so
     */
    public record RunFinished(String runId, @Nullable String reason) implements About {
        @Override
        public Event event() {
            return Event.RUN_FINISHED;
        }
    }

    /**
     * Somebody was not there when something was said. There is one for each client until the client is there again.
     *
     * @param serial the first message of them
     * @param name the name of the message
     * @param author who has said it
     */
    public record MessageUnseen(
            long serial, @Nullable String name, @Nullable String author) implements About {
        @Override
        public Event event() {
            return Event.MESSAGE_UNSEEN;
        }
    }

    /** A notification of which the application is to be told at once. */
    public Notification(
            SessionName session, String id, About about, List<String> clientIds, List<String> grants, long time) {
        this(session, id, about, clientIds, grants, time, 0, time);
    }

    /** The notification after an attempt in vain. */
    public Notification failed(long nextAt) {
        return new Notification(session, id, about, clientIds, grants, createdAt, attempts + 1, nextAt);
    }
}
