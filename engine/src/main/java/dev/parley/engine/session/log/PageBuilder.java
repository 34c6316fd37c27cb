package dev.parley.engine.session.log;

import dev.parley.engine.session.SessionEntry;
import java.util.ArrayList;
import java.util.List;

/** Gathers a page of at most so many entries and bytes; of one entry at least, whatever its size. */
public final class PageBuilder<E extends SessionEntry> {
    private final List<E> entries = new ArrayList<>();
    private final int limit;
    private final int maxBytes;
    private long bytes;
    private boolean more;

    /** A page of at most so many entries, with so many bytes. */
    public PageBuilder(int limit, int maxBytes) {
        this.limit = limit;
        this.maxBytes = maxBytes;
    }

    /** Whether {@code next} found room; what comes behind it is not to be asked for then. */
    public boolean takes(E next) {
        bytes += next.weight();
        more = entries.size() >= limit || (bytes > maxBytes && !entries.isEmpty());
        return !more && entries.add(next);
    }

    /** What was gathered. */
    public Page<E> page() {
        return new Page<>(entries, more);
    }
}
