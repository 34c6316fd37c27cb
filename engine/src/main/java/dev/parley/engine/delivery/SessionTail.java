package dev.parley.engine.delivery;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A reader's place in a session. The reader gets history and then live entries, without a gap or an overlap. Opened by
 * {@link Delivery#tail(SessionName, Long, boolean, Runnable)}.
 *
 * <p>The tail holds a position and no queue. Its listener is told that there is more, and the reader asks for it when
 * it can take more. The tail delivers an APPEND only to a reader that already has the message. A reader that does not
 * have it, or that has fallen behind, gets the whole message in its newest version, as an UPDATE, and the versions in
 * between are skipped. Called by one thread at a time.
 *
 * <p>The tail needs no record of the messages that the reader has. The reader has been given everything after the place
 * where the tail began, so it has a message if the version before the append came after that place.
 */
public final class SessionTail implements AutoCloseable {
    private final Delivery delivery;
    private final Sessions sessions;
    private final SessionTopic topic;
    private final SessionName name;
    private final Runnable listener;
    private final boolean whole;
    private final boolean resumed;
    private final long begin;

    /** The id of the session that is read; 0 as long as no session exists. */
    private long session;

    private long position;

    /**
     * The last position in the store when it was last read. The tail has to read the store up to here before it can
     * continue from memory.
     */
    private long storeUntil;

    private boolean lost;

    /** Whether changes of objects may have been skipped. */
    private boolean gap;

    SessionTail(
            Delivery delivery,
            Sessions sessions,
            SessionTopic topic,
            SessionName name,
            long session,
            long position,
            boolean resumed,
            boolean whole,
            Runnable listener) {
        this.delivery = delivery;
        this.sessions = sessions;
        this.topic = topic;
        this.name = name;
        this.session = session;
        this.begin = position;
        this.position = position;
        this.storeUntil = position;
        this.resumed = resumed;
        this.whole = whole;
        this.listener = listener;
    }

    /** What a tail has for its reader at one moment. */
    public sealed interface Next {}

    /**
     * Entries in order. The reader's place afterwards, {@code to}, is at the last of them or after it.
     *
     * @param upToDate true if nothing is left until the listener is called again; false if that is not known
     */
    public record More(List<SessionEntry> entries, long from, long to, boolean upToDate) implements Next {}

    /** There is nothing to read yet. The listener is called when there is. */
    public record Nothing() implements Next {}

    /** The next entries are not in memory in the form that this reader needs. Call {@link #readStore}, which blocks. */
    public record InStore() implements Next {}

    /** There is more, but the reader has no room for the next entries, which have this weight. */
    public record NoRoom(long bytes) implements Next {}

    /**
     * Entries after the reader's place are gone. The reader has to attach again and must be told that it lost entries.
     */
    public record Lost() implements Next {}

    /** The reader's place: the reader has been given everything up to here. */
    public long position() {
        return position;
    }

    /**
     * True if nothing is missing after the place that the reader asked for, so that the reader's copy is still valid.
     */
    public boolean resumed() {
        return resumed;
    }

    /**
     * True if the tail reads the session with this id. A tail that was opened before a session existed reads this
     * session from now on. If the result is false, the tail is lost, because another session has taken the name.
     */
    public boolean follows(long id) {
        if (session == 0) {
            session = id;
        }
        return session == id;
    }

    /**
     * True if changes of objects may have been skipped since the last call, because they were no longer in memory and
     * the store only has the resulting objects. The reader then has to be sent all objects again.
     */
    public boolean takeObjectGap() {
        boolean found = gap;
        gap = false;
        return found;
    }

    /** Returns the next entries, if they are in memory; never blocks. Returns at least one entry if there is any. */
    public Next poll(int maxBytes) {
        return poll(maxBytes, bytes -> true);
    }

    /**
     * As {@link #poll(int)}, for a reader that has limited room.
     *
     * @param room whether the reader has room for entries of a given weight
     */
    public Next poll(int maxBytes, LongPredicate room) {
        SessionTopic.Look look = topic.since(position);
        if (isLost(look.state())) {
            return new Lost();
        }
        if (position < storeUntil) {
            return new InStore();
        }
        List<SessionEntry> entries = look.entries();
        if (entries == null) {
            return new InStore();
        }
        if (entries.isEmpty()) {
            return new Nothing();
        }
        int count = 0;
        long bytes = 0;
        for (; count < entries.size() && bytes < maxBytes; count++) {
            SessionEntry entry = entries.get(count);
            if (isTooLittle(entry)) {
                break;
            }
            bytes += entry.weight();
        }
        if (count == 0) {
            return new InStore();
        }
        if (!room.test(bytes)) {
            return new NoRoom(bytes);
        }
        boolean all = count == entries.size();
        return advance(all ? entries : entries.subList(0, count), all);
    }

    /** True if the entry is an append to a message that the reader does not have. */
    private boolean isTooLittle(SessionEntry entry) {
        return entry instanceof MessageEntry message
                && message.action() == MessageEntry.Action.APPEND
                && (whole || message.previous() <= begin);
    }

    /** True if the session that the reader began with no longer exists, even if there is another one with its name. */
    private boolean isLost(@Nullable SessionState state) {
        if (session == 0 && state != null) {
            session = state.id();
        }
        lost |= session != 0 && (state == null || state.id() != session);
        return lost;
    }

    /**
     * Returns the next entries from the store; blocks on the disk. Returns at least one entry if there is any, and
     * never {@link InStore}.
     */
    public Next readStore(int maxBytes) {
        long from = position;
        Next next = readStoreOnce(maxBytes);
        while (next instanceof InStore) {
            next = readStoreOnce(maxBytes);
        }
        // Places may have been passed at which there is nothing for the reader any more.
        return next instanceof More more ? new More(more.entries(), from, more.to(), more.upToDate()) : next;
    }

    private Next readStoreOnce(int maxBytes) {
        SessionTopic.Look look = topic.since(position);
        if (isLost(look.state())) {
            return new Lost();
        }
        if (look.entries() != null && position >= storeUntil) {
            List<SessionEntry> completed = complete(look.entries(), maxBytes);
            if (!completed.isEmpty()) {
                return advance(completed, false);
            }
            if (look.entries().isEmpty()) {
                return new Nothing();
            }
        }
        Sessions.Part part = sessions.since(name, session, position, maxBytes);
        if (part == null) {
            lost = true;
            return new Lost();
        }
        gap = true;
        storeUntil = part.last();
        long from = position;
        position = part.to();
        return part.entries().isEmpty() ? poll(maxBytes) : new More(part.entries(), from, position, false);
    }

    /** Takes back the entries that were read last, because the reader had no room for them. They will be read again. */
    public void takeBack(More last) {
        position = last.from();
    }

    /**
     * The entries from memory, in which each append to a message that the reader does not have is replaced by the whole
     * message from the store.
     */
    private List<SessionEntry> complete(List<SessionEntry> entries, int maxBytes) {
        List<SessionEntry> completed = new ArrayList<>();
        Set<MessageEntry> outdated = whole ? outdated(entries) : Set.of();
        long bytes = 0;
        for (SessionEntry entry : entries) {
            if (bytes >= maxBytes) {
                break;
            }
            SessionEntry full = entry;
            if (entry instanceof MessageEntry append && isTooLittle(entry)) {
                if (outdated.contains(append)) {
                    continue;
                }
                full = sessions.messages().at(session, append.serial(), append.position());
            }
            if (full == null) {
                break;
            }
            completed.add(full);
            bytes += full.weight();
        }
        return completed;
    }

    /** The entries whose message changes again in a later entry. A reader of whole messages needs only the last one. */
    private static Set<MessageEntry> outdated(List<SessionEntry> entries) {
        Set<MessageEntry> outdated = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<Long> changedLater = new HashSet<>();
        for (SessionEntry entry : entries.reversed()) {
            if (entry instanceof MessageEntry message && !changedLater.add(message.serial())) {
                outdated.add(message);
            }
        }
        return outdated;
    }

    private More advance(List<SessionEntry> entries, boolean upToDate) {
        long from = position;
        position = entries.getLast().position();
        return new More(entries, from, position, upToDate);
    }

    @Override
    public void close() {
        delivery.detach(name, topic, listener);
    }
}
