package dev.parley.server.session;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Node;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.channel.SessionMessages;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
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
     * @param reached how far it has everything
     * @param touched what has changed since the position that was asked about; null if that cannot be told, or was not asked
     */
    record Part(
            Conversation conversation,
            @Nullable String older,
            Reached reached,
            @Nullable Touched touched) {}

    /**
     * How far somebody has a conversation.
     *
     * @param position the position up to which everything that had happened is in it
     * @param horizon the horizon of the session by then: nothing up to there is in it any more
     */
    record Reached(long position, long horizon) {
        /** Nothing. */
        static final Reached NOTHING = new Reached(Positions.START, Positions.START);

        private static Reached of(SessionState session) {
            return new Reached(session.last(), session.horizon());
        }

        /** Whether what has changed since can be told. */
        private boolean goesOnIn(SessionState session) {
            return horizon == session.horizon() && session.goesOnFrom(position);
        }
    }

    /**
     * What messages that have changed speak of: messages of the conversation and runs, by their ids.
     *
     * @param ids at most a few for each message of which the conversation is made
     */
    record Touched(Set<String> ids) {
        private static final List<String> NAMED =
                List.of(WireForm.MESSAGE_ID, WireForm.RUN_ID, WireForm.SUPERSEDES, WireForm.INPUT_MESSAGE_ID);

        /** Returns false if a changed message does not say any more what it belonged to. */
        private boolean add(SessionMessage message) {
            for (String name : NAMED) {
                message.headers().find(name).ifPresent(ids::add);
            }
            return message.action() == SessionMessage.Action.CREATE
                    || message.headers().get(WireForm.MESSAGE_ID) != null
                    || message.headers().get(WireForm.RUN_ID) != null;
        }

        /** Whether a node is one of these, or has one of these. */
        boolean has(Node node) {
            return ids.contains(node.key()) || node.messages().stream().anyMatch(message -> ids.contains(message.id()));
        }
    }

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
        return read(name, before, limit, null, use);
    }

    /**
     * The same, with what has changed.
     *
     * @param since how far the caller has it, if changes are of interest; otherwise null
     */
    <T> T read(SessionName name, long before, int limit, @Nullable Reached since, Use<T> use) throws WireException {
        turns.acquireUninterruptibly();
        try {
            return use.of(part(name, before, limit, since));
        } finally {
            turns.release();
        }
    }

    private Part part(SessionName name, long before, int limit, @Nullable Reached since) {
        var conversation = new Conversation();
        SessionState session = sessions.find(name);
        if (session == null || before <= 0) {
            return new Part(conversation, null, session == null ? Reached.NOTHING : Reached.of(session), null);
        }
        long after = since == null ? Positions.START : since.position();
        Touched touched = since != null && since.goesOnIn(session) ? new Touched(new HashSet<>()) : null;
        Page<MessageEntry> page =
                sessions.messages().page(session, new PositionRange(0, before - 1, true), limit, pageBytes);
        for (MessageEntry message : page.entries()) {
            SessionMessage of = SessionMessages.of(message);
            conversation.apply(of);
            if (touched != null && message.position() > after && !touched.add(of)) {
                touched = null;
            }
        }
        return new Part(
                conversation,
                page.more() ? Serials.render(page.entries().getLast().serial()) : null,
                Reached.of(session),
                touched);
    }
}
