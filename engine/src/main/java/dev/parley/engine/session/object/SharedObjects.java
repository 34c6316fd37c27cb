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
     * A page of the objects of a session.
     *
     * @param session the id of the session, or 0 if it does not exist
     * @param next where the next page begins; null after the last one
     * @param last the end of the log at that moment: changes up to here are included
     */
    public record ObjectPage(long session, List<ObjectPart> parts, byte @Nullable [] next, long last) {}

    /**
     * A page of all objects, including deleted ones that are kept. The root is on the first page, even if the session
     * does not exist.
     *
     * @param from {@code next} of the previous page; null for the first page
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

    /** Calls {@code read} with the objects of a session as they are at one moment, and returns its result. */
    public <T> T read(SessionState session, Function<ObjectTable, T> read) {
        try (Moment now = store.snapshot()) {
            return read.apply(StoredObjects.in(now, session.id()));
        }
    }
}
