package dev.parley.server.session;

import dev.parley.conversation.Conversation;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.channel.SessionMessages;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Reads what sessions mean from their history. Thread-safe; reads block on the disk. */
final class Conversations {
    /** The number of conversations that are in memory at a time. */
    static final int MAX_AT_A_TIME = 8;

    /** The greatest number of messages of a session of which one conversation is made. */
    static final int MAX_MESSAGES = 1_000;

    private final Sessions sessions;
    private final int pageBytes;
    private final Semaphore turns = new Semaphore(MAX_AT_A_TIME);

    /**
     * Of these sessions.
     *
     * @param pageBytes the greatest size of the messages of which one conversation is made, roughly
     */
    Conversations(Sessions sessions, int pageBytes) {
        this.sessions = sessions;
        this.pageBytes = pageBytes;
    }

    /**
     * A part of a session as a conversation.
     *
     * @param older the serial before which older messages of the session are; null if there are none
     */
    record Part(Conversation conversation, @Nullable String older) {}

    /** What a caller makes of a conversation, before the next one has its turn. */
    @FunctionalInterface
    interface Use<T> {
        T of(Part part) throws WireException;
    }

    /**
     * Lets {@code use} look at the newest part of a session. Nobody keeps the conversation: how many there are at a time is
     * bounded.
     *
     * @param before the position before which the messages were created
     * @param limit the greatest number of messages
     */
    <T> T read(SessionName name, long before, int limit, Use<T> use) throws WireException {
        turns.acquireUninterruptibly();
        try {
            return use.of(part(name, before, limit));
        } finally {
            turns.release();
        }
    }

    private Part part(SessionName name, long before, int limit) {
        var conversation = new Conversation();
        SessionState session = sessions.find(name);
        if (session == null || before <= 0) {
            return new Part(conversation, null);
        }
        Page<MessageEntry> page =
                sessions.messages().page(session, new PositionRange(0, before - 1, true), limit, pageBytes);
        for (MessageEntry message : page.entries()) {
            conversation.apply(SessionMessages.of(message));
        }
        return new Part(
                conversation,
                page.more() ? Serials.render(page.entries().getLast().serial()) : null);
    }
}
