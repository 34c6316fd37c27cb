package dev.parley.client;

/** Reads the history of a session. */
@FunctionalInterface
interface History {
    /**
     * Reads a page; blocks.
     *
     * @param query the query of the request, encoded
     */
    Page<Message> read(String query);
}
