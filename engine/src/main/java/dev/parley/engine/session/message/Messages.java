package dev.parley.engine.session.message;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PageBuilder;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.MessageRows.Message;
import dev.parley.engine.session.message.MessageRows.Version;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Moment;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The messages of sessions, as readers see them. Thread-safe; reads block on the disk. */
public final class Messages {
    private static final byte[] FIRST_ROW = {};

    private final Store store;
    private final Summarizer summarizer;

    /** Reads from {@code store}, with the summaries from {@code summarizer}. */
    public Messages(Store store, Summarizer summarizer) {
        this.store = store;
        this.summarizer = summarizer;
    }

    /**
     * The place at which the newest messages of a range begin.
     *
     * @param from the serial of the oldest of them
     * @param count their number
     * @param more whether the range has older messages, for which there was no room
     */
    public record Newest(long from, int count, boolean more) {}

    /** Messages that have not grown for a while, and the row after which the search continues. */
    public record Growing(List<Compact> idle, byte @Nullable [] next) {}

    /** Messages by serial, each whole and in its newest version. At least one, if there is any, whatever its size. */
    public List<MessageEntry> list(SessionState session, PositionRange serials, int limit, int maxBytes) {
        return page(session, serials, limit, maxBytes).entries();
    }

    /** A page of messages by serial, each whole and in its newest version. */
    public Page<MessageEntry> page(SessionState session, PositionRange serials, int limit, int maxBytes) {
        var page = new PageBuilder<MessageEntry>(limit, maxBytes);
        try (Moment now = store.snapshot();
                Rows rows = serials.scan(now, Table.MESSAGES, session.id())) {
            Row row = rows.next();
            while (row != null && page.takes(whole(now, session.id(), MessageRows.message(row.key(), row.value())))) {
                row = rows.next();
            }
        }
        return page.page();
    }

    /**
     * The newest messages of {@code serials}, up to a number of messages and roughly of bytes, or null if there are none. Only
     * the row of one of them is in memory at a time.
     */
    public @Nullable Newest newest(SessionState session, PositionRange serials, int limit, int maxBytes) {
        long from = 0;
        int count = 0;
        long bytes = 0;
        try (Moment now = store.snapshot();
                Rows rows =
                        new PositionRange(serials.from(), serials.to(), true).scan(now, Table.MESSAGES, session.id())) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                bytes += MessageRows.weight(row.value());
                if (count == limit || (bytes > maxBytes && count > 0)) {
                    return new Newest(from, count, true);
                }
                from = SessionRows.position(row.key());
                count++;
            }
        }
        return count == 0 ? null : new Newest(from, count, false);
    }

    /** Whether there is, or was, a message with an id that its author has chosen. */
    public boolean isKnown(SessionState session, String messageId) {
        return store.get(Table.MESSAGE_IDS, MessageRows.messageIdKey(session.id(), messageId)) != null;
    }

    /** The newest version of a message, whole, or null. */
    public @Nullable MessageEntry find(SessionState session, long serial) {
        try (Moment now = store.snapshot()) {
            return find(now, session.id(), serial);
        }
    }

    /**
     * A whole message as it was after the append that made {@code version}. Returns null if that is no longer known,
     * because there is a newer version that is not an append.
     */
    public @Nullable MessageEntry at(long session, long serial, long version) {
        try (Moment now = store.snapshot()) {
            Message message = row(now, session, serial);
            if (message == null || message.head().version() < version) {
                return null;
            }
            Head head = message.head();
            if (head.version() == version) {
                return whole(now, session, message);
            }
            if (!head.inPieces() || head.base() >= version) {
                return null;
            }
            List<Version> pieces = pieces(now, session, head, version);
            Version last = pieces.getLast();
            MessageEntry then =
                    head.entry(version, Action.UPDATE, last.previous(), fold(head, pieces), last.operation());
            return annotated(now, session, head, then);
        }
    }

    /**
     * The versions of a message from {@code from} on, each whole, oldest first. Appends that follow each other make one
     * version.
     */
    public Page<MessageEntry> versions(SessionState session, long serial, long from, int limit, int maxBytes) {
        var page = new PageBuilder<MessageEntry>(limit, maxBytes);
        try (Moment now = store.snapshot()) {
            Message message = row(now, session.id(), serial);
            if (message == null) {
                return page.page();
            }
            Head head = message.head();
            long older = head.inPieces() ? head.base() + 1 : head.version();
            if (from < older) {
                try (Rows rows = now.scan(
                        Table.VERSIONS,
                        MessageRows.versionKey(session.id(), serial, from),
                        MessageRows.versionKey(session.id(), serial, older))) {
                    for (Row row = rows.next(); row != null; row = rows.next()) {
                        Version v = MessageRows.version(row.key(), row.value());
                        if (v.action() != Action.APPEND
                                && !page.takes(
                                        head.entry(v.position(), v.action(), v.previous(), v.body(), v.operation()))) {
                            return page.page();
                        }
                    }
                }
            }
            if (from <= head.version()) {
                page.takes(whole(now, session.id(), message));
            }
        }
        return page.page();
    }

    /**
     * Commands for messages in pieces that have not grown since {@code before}.
     *
     * @param from where the last search ended, or null to start
     * @param limit the number of messages that are examined
     */
    public Growing idle(byte @Nullable [] from, long before, long now, int limit) {
        List<Compact> idle = new ArrayList<>();
        int seen = 0;
        try (Rows rows =
                store.scan(Table.GROWING, from == null ? FIRST_ROW : from, SessionRows.idKey(Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (seen++ == limit) {
                    return new Growing(idle, row.key());
                }
                byte[] message = store.get(Table.MESSAGES, row.key());
                if (message != null) {
                    Head head = MessageRows.message(row.key(), message).head();
                    if (Positions.millis(head.version()) < before) {
                        idle.add(new Compact(MessageRows.growing(row.value()), now, head.serial(), head.version()));
                    }
                }
            }
        }
        return new Growing(idle, null);
    }

    /** Whether the session has a message that was created in a range. */
    public boolean isAny(SessionState session, PositionRange serials) {
        try (Rows rows = serials.scan(store, Table.MESSAGES, session.id())) {
            return rows.nextKey() != null;
        }
    }

    /** The newest version of a message, whole, as {@code view} shows it, or null. */
    public @Nullable MessageEntry find(View view, long session, long serial) {
        Message message = row(view, session, serial);
        return message == null ? null : whole(view, session, message);
    }

    /** A message without its content, as {@code view} shows it, or null. */
    public static @Nullable Head head(View view, long session, long serial) {
        Message message = row(view, session, serial);
        return message == null ? null : message.head();
    }

    static @Nullable Message row(View view, long session, long serial) {
        byte[] key = SessionRows.positionKey(session, serial);
        byte[] row = view.get(Table.MESSAGES, key);
        return row == null ? null : MessageRows.message(key, row);
    }

    private MessageEntry whole(View view, long session, Message message) {
        Head head = message.head();
        Body body = message.body();
        return annotated(
                view,
                session,
                head,
                head.entry(body != null ? body : fold(head, pieces(view, session, head, head.version()))));
    }

    private MessageEntry annotated(View view, long session, Head head, MessageEntry entry) {
        return head.annotated() ? entry.with(summarizer.summaries(view, session, head.serial())) : entry;
    }

    /** The pieces of a message up to a version. */
    static List<Version> pieces(View view, long session, Head head, long upTo) {
        List<Version> pieces = new ArrayList<>();
        try (Rows rows = view.scan(
                Table.VERSIONS,
                MessageRows.versionKey(session, head.serial(), head.base()),
                MessageRows.versionKey(session, head.serial(), upTo + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                pieces.add(MessageRows.version(row.key(), row.value()));
            }
        }
        return pieces;
    }

    /** Joins the pieces of a message. */
    static Body fold(Head head, List<Version> pieces) {
        Fold fold = new Fold(pieces.getFirst().body(), head.shape().data());
        pieces.subList(1, pieces.size()).forEach(piece -> fold.append(piece.body()));
        return fold.body();
    }
}
