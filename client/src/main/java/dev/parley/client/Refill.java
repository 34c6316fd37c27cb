package dev.parley.client;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads from the history which messages were created while a session was not continued. The history shows them as they are
 * now, which may include changes that are delivered live later; these are then known. Pages are read on one thread at a
 * time, without the lock of its {@link Inbox}; all else happens under it or on that thread.
 */
final class Refill {
    private static final int PAGE = 100;

    /** Digits and a dash: where a serial ends in a position that also says what is still to come. */
    private static final int SERIAL_CHARS = 22;

    private final History history;
    private final Gap gap;

    /** The newest version of each message that is newer than the end of the gap. */
    private final Map<String, String> ahead = new HashMap<>();

    private final ArrayDeque<Message> messages = new ArrayDeque<>();
    private String newest;
    private @Nullable Page<Message> last;
    private boolean read;

    Refill(History history, Gap gap) {
        this.history = history;
        this.gap = gap;
        this.newest = serial(gap.to());
    }

    private static String serial(String position) {
        return position.length() > SERIAL_CHARS ? position.substring(0, SERIAL_CHARS) : position;
    }

    /** Whether there are no more messages. */
    boolean isOver() {
        return read && messages.isEmpty();
    }

    /** Whether the next message is still in the history. */
    boolean needsPage() {
        return !read && messages.isEmpty();
    }

    /** The next message of the pages that were read; null if there is none. */
    @Nullable
    Message poll() {
        return messages.poll();
    }

    /** Reads the next page, oldest first; blocks. Null if there is none. */
    @Nullable
    Page<Message> readPage() {
        return last == null ? history.read(query()) : last.next();
    }

    /** Takes a page that was read; null gives up. */
    void add(@Nullable Page<Message> page) {
        last = page;
        if (page == null) {
            read = true;
            return;
        }
        for (Message message : page.items()) {
            messages.add(message);
            String version = message.versionSerial();
            if (version.compareTo(serial(gap.to())) > 0) {
                ahead.put(message.serial(), version);
                newest = version.compareTo(newest) > 0 ? version : newest;
            }
        }
        read = !page.hasNext();
    }

    private String query() {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("direction", "forwards");
        query.put("limit", Integer.toString(PAGE));
        query.put("cursor", serial(gap.from()));
        query.put("from_serial", gap.to());
        return ConnectUri.query(query);
    }

    /** Whether the history has shown what a live delivery says. */
    boolean knows(Message live) {
        String version = live.versionSerial();
        if (version.compareTo(newest) > 0) {
            ahead.clear();
            return false;
        }
        String shown = ahead.get(live.serial());
        return shown != null && live.action() != Message.Action.SUMMARY && version.compareTo(shown) <= 0;
    }
}
