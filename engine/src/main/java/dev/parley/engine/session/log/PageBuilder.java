package dev.parley.engine.session.log;

import dev.parley.engine.session.SessionEntry;
import java.util.ArrayList;
import java.util.List;

/** Collects a page up to a number of entries and bytes. The page has at least one entry, whatever its size. */
public final class PageBuilder<E extends SessionEntry> {
    private final List<E> entries = new ArrayList<>();
    private final int limit;
    private final int maxBytes;
    private long bytes;
    private boolean more;

    /** An empty page, for at most {@code limit} entries with {@code maxBytes} bytes. */
    public PageBuilder(int limit, int maxBytes) {
        this.limit = limit;
        this.maxBytes = maxBytes;
    }

    /** Adds {@code next} if there is room. If there is none, nothing further must be added. */
    public boolean takes(E next) {
        bytes += next.weight();
        more = entries.size() >= limit || (bytes > maxBytes && !entries.isEmpty());
        return !more && entries.add(next);
    }

    /** The page. */
    public Page<E> page() {
        return new Page<>(entries, more);
    }
}
