package dev.parley.server.reading;

/** How much a client can be sent. All readers for the client share it. Used on the client's event loop. */
public interface ClientRoom {
    /** Whether entries may be sent. If not, the readers are told when that is so again. */
    boolean hasRoom();

    /**
     * Reserves room for so many bytes, which the caller sends at once. If there is no room, returns false, and the readers
     * are told when there is.
     */
    boolean reserve(long bytes);

    /**
     * Reserves room for a page of about so many bytes, which is read from the store first. The caller gives it back with
     * {@link #read} before it reserves room for what the page really holds.
     */
    boolean book(long bytes);

    /** The page for which so many bytes were booked has been read, or could not be. */
    void read(long bytes);

    /** Lets other readers who wait have the room that is left. */
    void passOn();
}
