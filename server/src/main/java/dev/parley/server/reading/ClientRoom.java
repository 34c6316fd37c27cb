package dev.parley.server.reading;

import java.util.function.LongPredicate;

/**
 * The room for data that is sent to a client. All readers for the client share it. Used on the client's event loop. As a
 * predicate, it tells whether it could {@link #reserve} a number of bytes.
 */
public interface ClientRoom extends LongPredicate {
    /** Whether entries may be sent. If not, the readers are told when there is room again. */
    boolean hasRoom();

    /**
     * Reserves room for bytes that the caller sends at once. If there is no room, returns false, and the readers are
     * told when there is.
     */
    boolean reserve(long bytes);

    @Override
    default boolean test(long bytes) {
        return reserve(bytes);
    }

    /**
     * Reserves room for a page of about this size, which is read from the store first. The caller gives it back with
     * {@link #read} before it reserves room for the real size of the page.
     */
    boolean book(long bytes);

    /** Gives back the room of {@link #book}: the page has been read, or could not be read. */
    void read(long bytes);

    /** Lets other readers that wait use the room that is left. */
    void passOn();
}
