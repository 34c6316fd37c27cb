package dev.parley.engine.session.message;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.log.SessionRows.Logged;
import dev.parley.engine.session.message.MessageRows.Message;
import dev.parley.engine.session.message.MessageRows.Version;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Messages as a batch of commands sees and changes them. Not thread-safe. */
public final class MessageTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final Summarizer summarizer;

    /** Starts in {@code batch}. */
    public MessageTx(SessionBatch batch, Summarizer summarizer) {
        this.batch = batch;
        this.rows = batch.rows();
        this.summarizer = summarizer;
    }

    /** The batch. */
    public SessionBatch batch() {
        return batch;
    }

    /** The serial of the message with an id that a client has chosen, or null. */
    @Nullable
    Long serialOf(SessionState s, String messageId) {
        byte[] row = rows.get(Table.MESSAGE_IDS, MessageRows.messageIdKey(s.id(), messageId));
        return row == null ? null : MessageRows.serial(row);
    }

    /** Whether there is a message with an id that a client has chosen. */
    public boolean isKnown(SessionState s, @Nullable String messageId) {
        return messageId != null && serialOf(s, messageId) != null;
    }

    /** A message without its content, or null. */
    public @Nullable Head head(SessionState s, long serial) {
        Message message = message(s, serial);
        return message == null ? null : message.head();
    }

    private @Nullable Message message(SessionState s, long serial) {
        return Messages.row(rows, s.id(), serial);
    }

    /** The content of an existing message. */
    Body body(SessionState s, Head head) {
        Body whole = Objects.requireNonNull(message(s, head.serial())).body();
        return whole != null ? whole : Messages.fold(head, pieces(s, head));
    }

    /** The text of a message; null if there is none, or if it has more than {@code maxBytes}. */
    public @Nullable String text(SessionState s, long serial, int maxBytes) {
        Head head = serial == 0 ? null : head(s, serial);
        if (head == null || head.isDeleted() || head.shape().data() > maxBytes) {
            return null;
        }
        Data data = body(s, head).data();
        return data == null || !data.text() ? null : data.asText();
    }

    private List<Version> pieces(SessionState s, Head head) {
        List<Version> found = Messages.pieces(rows, s.id(), head, head.version());
        assert found.size() == head.pieces() : found.size() + " pieces, and not " + head.pieces();
        return found;
    }

    void create(SessionState s, Head head, Body body) {
        putHead(s, head, body);
        log(s, head);
        batch.index().participate(s, head.clientId());
        if (head.unique() && head.id() != null) {
            rows.put(Table.MESSAGE_IDS, MessageRows.messageIdKey(s.id(), head.id()), MessageRows.serial(head.serial()));
        }
    }

    private void putHead(SessionState s, Head head, @Nullable Body body) {
        rows.put(Table.MESSAGES, SessionRows.positionKey(s.id(), head.serial()), MessageRows.message(head, body));
    }

    /** Notes that an existing message has annotations. */
    public void markAnnotated(SessionState s, long serial) {
        Message message = Objects.requireNonNull(message(s, serial));
        if (!message.head().annotated()) {
            putHead(s, message.head().withAnnotations(), message.body());
        }
    }

    private void log(SessionState s, Head head) {
        batch.log(s, head.version(), new Logged.Message(head.serial()));
    }

    private void relog(SessionState s, Head before, Head after) {
        batch.unlog(s, before.version());
        log(s, after);
    }

    private void putVersion(SessionState s, long serial, Version version) {
        rows.put(
                Table.VERSIONS,
                MessageRows.versionKey(s.id(), serial, version.position()),
                MessageRows.version(version));
    }

    private void putWholeVersion(SessionState s, Head head, Action action, Body body) {
        putVersion(s, head.serial(), new Version(head.version(), action, head.previous(), head.operation(), body));
    }

    /** Appends a piece to a message. The cost does not depend on the size of the message. */
    void append(SessionState s, Head before, Head after, Body fragment) {
        if (!before.inPieces()) {
            Action first = before.grown() ? Action.APPEND : before.action();
            putWholeVersion(s, before, first, body(s, before));
            rows.put(Table.GROWING, SessionRows.positionKey(s.id(), after.serial()), MessageRows.growing(s.name()));
        }
        putVersion(
                s,
                after.serial(),
                new Version(after.version(), Action.APPEND, before.version(), after.operation(), fragment));
        putHead(s, after, null);
        relog(s, before, after);
    }

    /** Replaces a message. Its present version becomes an older one. Returns the new content. */
    Body replace(SessionState s, Head before, Head after, Body change) {
        Body old = body(s, before);
        dropPieces(s, before);
        putWholeVersion(s, before, before.action(), old);
        Body now = old.mixedWith(change);
        putHead(s, after, now);
        relog(s, before, after);
        return now;
    }

    /** Merges the pieces of a message. */
    void join(SessionState s, Head before, Head after) {
        Body whole = body(s, before);
        dropPieces(s, before);
        putHead(s, after, whole);
    }

    private void dropPieces(SessionState s, Head head) {
        if (head.inPieces()) {
            byte[] first = MessageRows.versionKey(s.id(), head.serial(), head.base());
            boolean ownVersion = MessageRows.version(first, Objects.requireNonNull(rows.get(Table.VERSIONS, first)))
                            .action()
                    != Action.APPEND;
            rows.removeRange(
                    Table.VERSIONS,
                    ownVersion ? MessageRows.versionKey(s.id(), head.serial(), head.base() + 1) : first,
                    MessageRows.versionKey(s.id(), head.serial() + 1, 0));
            rows.remove(Table.GROWING, SessionRows.positionKey(s.id(), head.serial()));
        }
    }

    /** The summaries of a message. */
    public Summaries summaries(SessionState s, long serial) {
        return summarizer.summaries(rows, s.id(), serial);
    }

    /**
     * The oldest messages of a session.
     *
     * @param bytes their size, roughly
     */
    public record Oldest(List<Head> messages, long bytes) {}

    /**
     * The oldest messages that have to be removed: those up to {@code upTo}, and further ones while the session is
     * larger than {@code maxBytes}.
     *
     * @param stored the size of a message with its annotations in bytes, roughly
     */
    public Oldest oldest(SessionState s, long upTo, long maxBytes, int limit, ToLongFunction<Head> stored) {
        List<Head> found = new ArrayList<>();
        long bytes = 0;
        try (Rows messages = rows.scan(Table.MESSAGES, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1))) {
            while (found.size() < limit) {
                Row row = messages.next();
                Head head = row == null
                        ? null
                        : MessageRows.message(row.key(), row.value()).head();
                if (head == null || (head.serial() > upTo && s.bytes() - bytes <= maxBytes)) {
                    break;
                }
                found.add(head);
                bytes += stored.applyAsLong(head);
            }
        }
        return new Oldest(found, bytes);
    }

    /**
     * Removes messages, which are those up to {@code upTo}, and their entries in the log. Other rows of theirs may come
     * later.
     */
    public void remove(SessionState s, long upTo, List<Head> messages) {
        byte[] from = SessionRows.idKey(s.id());
        byte[] to = SessionRows.positionKey(s.id(), upTo + 1);
        rows.removeRange(Table.MESSAGES, from, to);
        rows.removeRange(Table.VERSIONS, from, to);
        for (Head head : messages) {
            if (head.unique() && head.id() != null) {
                rows.remove(Table.MESSAGE_IDS, MessageRows.messageIdKey(s.id(), head.id()));
            }
            if (head.inPieces()) {
                rows.remove(Table.GROWING, SessionRows.positionKey(s.id(), head.serial()));
            }
            if (head.version() > upTo) {
                batch.unlog(s, head.version());
            }
        }
    }
}
