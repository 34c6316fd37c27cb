package dev.parley.client;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A page of a list that the server has cut into pages.
 *
 * @param <T> what is in the list
 */
public final class Page<T> {
    private final List<T> items;
    private final @Nullable String next;
    private final Function<String, Page<T>> read;

    Page(List<T> items, @Nullable String next, Function<String, Page<T>> read) {
        this.items = List.copyOf(items);
        this.next = next;
        this.read = read;
    }

    /** {@return what is on this page, in the order of the list} */
    public List<T> items() {
        return items;
    }

    /** {@return whether there is another page} */
    public boolean hasNext() {
        return next != null;
    }

    /**
     * Reads the next page; blocks. Null if this is the last one.
     *
     * @return the next page; null if this is the last one
     */
    public @Nullable Page<T> next() {
        return next == null ? null : read.apply(next);
    }
}
