package dev.parley.engine.delivery;

import dev.parley.engine.session.SessionEntry;
import java.util.List;

/**
 * A reader's place in a session: history, then live, without a seam. Opened by {@code Delivery.tail(SessionName, ...)}.
 *
 * <p>The tail holds a position and no queue. It is told that there is more and asks when it can take more. An APPEND is
 * only given to a reader who had the message before: to others, and to whoever fell behind, the message comes whole, as an
 * UPDATE at its newest version; what lies between is skipped. Called by one thread at a time.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class SessionTail implements AutoCloseable {
    /** What a tail yields at one moment. */
    public sealed interface Next {}

    /** Entries in order; the reader's place, {@code to}, is at the last of them or behind it. */
    public record More(List<SessionEntry> entries, long from, long to) implements Next {}

    /** Nothing to read yet; the listener is called when there is. */
    public record Nothing() implements Next {}

    /** What comes next is not in memory in the form that this reader needs: call {@link #readStore}, which blocks. */
    public record InStore() implements Next {}

    /** Entries behind the reader's place are gone: it has to attach anew, and to be told so. */
    public record Lost() implements Next {}

    /** The reader's place: everything up to here has been read. */
    public long position() {
        throw new UnsupportedOperationException();
    }

    /** True if the place asked for was one from which nothing is missing, so that the reader's copy is still good. */
    public boolean resumed() {
        throw new UnsupportedOperationException();
    }

    /** What comes next, as far as memory has it; never blocks. */
    public Next poll(int maxBytes) {
        throw new UnsupportedOperationException(String.valueOf(maxBytes));
    }

    /** What comes next, from the store; blocks on the disk. */
    public Next readStore(int maxBytes) {
        throw new UnsupportedOperationException(String.valueOf(maxBytes) + List.of());
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
