package dev.parley.server.reading;

import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Something that a client is sent page by page from the store.
 *
 * @param read reads the next page; blocks
 * @param weight how much room a page needs
 * @param send sends a page, for which there is room, on the client's event loop
 * @param putBack takes a page back for which there was no room, so that it is read again
 * @param ready the next page, if it was read before; null if it has to be read
 * @param <P> a page
 */
public record Pages<P>(
        Callable<P> read,
        ToLongFunction<P> weight,
        Consumer<P> send,
        Consumer<P> putBack,
        @Nullable P ready) {
    /** Pages that have to be read. */
    public Pages(Callable<P> read, ToLongFunction<P> weight, Consumer<P> send, Consumer<P> putBack) {
        this(read, weight, send, putBack, null);
    }

    /** Pages of something that goes on only when a page has been sent, so that nothing has to be put back. */
    public Pages(Callable<P> read, ToLongFunction<P> weight, Consumer<P> send) {
        this(read, weight, send, page -> {});
    }
}
