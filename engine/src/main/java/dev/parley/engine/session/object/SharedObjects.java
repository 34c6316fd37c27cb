package dev.parley.engine.session.object;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionStates;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Moment;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The shared objects of sessions, as readers see them. Thread-safe; reads block on the disk. */
public final class SharedObjects {
    private final Store store;

    /** Reads from {@code store}. */
    public SharedObjects(Store store) {
        this.store = store;
    }

    /**
     * Objects of a session.
     *
     * @param session id of the session that has them, or 0 if there is none
     * @param next where the next page begins, or null behind the last one
     * @param last the end of the log at that moment: what happened up to here is in them
     */
    public record ObjectPage(long session, List<ObjectPart> parts, byte @Nullable [] next, long last) {}

    /**
     * A page of all objects, deleted ones that are kept included. The root is in the first one, also of a session that
     * does not exist.
     *
     * @param from what the page before gave as {@code next}, or null for the first
     */
    public ObjectPage page(SessionName name, byte @Nullable [] from, int maxBytes) {
        try (Moment now = store.snapshot()) {
            SessionState state = SessionStates.find(name, now);
            if (state == null) {
                return new ObjectPage(
                        0, List.of(new ObjectPart(ObjectState.MapState.ROOT, new TreeMap<>())), null, Positions.START);
            }
            StoredObjects.Page page = StoredObjects.page(now, state.id(), from, maxBytes);
            return new ObjectPage(state.id(), page.parts(), page.next(), state.last());
        }
    }

    /** What {@code read} finds in the objects of a session, all at one moment. */
    public <T> T read(SessionState session, Function<ObjectTable, T> read) {
        try (Moment now = store.snapshot()) {
            return read.apply(StoredObjects.in(now, session.id()));
        }
    }
}
