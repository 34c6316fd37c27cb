package dev.parley.engine.delivery;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A reader's place in a session: history, then live, without a seam. Opened by {@code Delivery.tail(SessionName, ...)}.
 *
 * <p>The tail holds a position and no queue. It is told that there is more and asks when it can take more. An APPEND is
 * only given to a reader who had the message before: to others, and to whoever fell behind, the message comes whole, as an
 * UPDATE at its newest version; what lies between is skipped. Called by one thread at a time.
 *
 * <p>Who had a message before needs no book: everything behind the place where the tail began has been given, so a message
 * was given if its version before the append came after that place.
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

    /** The session that is read; 0 as long as there is none. */
    private long session;

    private long position;

    /** What the store had when it was last read, and must be read to before memory may go on. */
    private long storeUntil;

    private boolean lost;

    /** Whether changes of objects may have been passed over. */
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

    /** What a tail yields at one moment. */
    public sealed interface Next {}

    /**
     * Entries in order; the reader's place, {@code to}, is at the last of them or behind it.
     *
     * @param upToDate true if nothing is left until the listener is called again; false if that is not known
     */
    public record More(List<SessionEntry> entries, long from, long to, boolean upToDate) implements Next {}

    /** Nothing to read yet; the listener is called when there is. */
    public record Nothing() implements Next {}

    /** What comes next is not in memory in the form that this reader needs: call {@link #readStore}, which blocks. */
    public record InStore() implements Next {}

    /** There is more, but the reader has no room for what comes next, which weighs so much. */
    public record NoRoom(long bytes) implements Next {}

    /** Entries behind the reader's place are gone: it has to attach anew, and to be told so. */
    public record Lost() implements Next {}

    /** The reader's place: everything up to here has been read. */
    public long position() {
        return position;
    }

    /** True if the place asked for was one from which nothing is missing, so that the reader's copy is still good. */
    public boolean resumed() {
        return resumed;
    }

    /**
     * True if the tail reads the session with this id; one that was opened before there was a session reads this one from
     * now on. Else it is lost, as there is another session of the name by now.
     */
    public boolean follows(long id) {
        if (session == 0) {
            session = id;
        }
        return session == id;
    }

    /**
     * True if changes of objects may have been passed over since this was asked last, because they were no longer in
     * memory and the store only has what became of them: the reader needs the objects anew.
     */
    public boolean takeObjectGap() {
        boolean found = gap;
        gap = false;
        return found;
    }

    /** What comes next, as far as memory has it; never blocks. At least one entry if there is any. */
    public Next poll(int maxBytes) {
        return poll(maxBytes, bytes -> true);
    }

    /**
     * The same for a reader that has not room for everything.
     *
     * @param room whether the reader has room for entries that weigh so much
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

    /** The reader stays with the session that it began with, also if there is another of its name by now. */
    private boolean isLost(@Nullable SessionState state) {
        if (session == 0 && state != null) {
            session = state.id();
        }
        lost |= session != 0 && (state == null || state.id() != session);
        return lost;
    }

    /** What comes next, from the store; blocks on the disk. At least one entry if there is any; never {@link InStore}. */
    public Next readStore(int maxBytes) {
        Next next = readStoreOnce(maxBytes);
        while (next instanceof InStore) {
            next = readStoreOnce(maxBytes);
        }
        return next;
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

    /** Takes back what was read last, for which the reader turned out to have no room: it is read again. */
    public void takeBack(More last) {
        position = last.from();
    }

    /** Entries from memory, with whole messages from the store in the place of appends to what the reader does not have. */
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
                full = sessions.messageAt(session, append.serial(), append.position());
            }
            if (full == null) {
                break;
            }
            completed.add(full);
            bytes += full.weight();
        }
        return completed;
    }

    /** Those after which the same message has changed again: a reader of whole messages needs only the last of them. */
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
