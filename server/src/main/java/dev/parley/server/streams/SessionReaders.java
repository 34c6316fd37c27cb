package dev.parley.server.streams;

import dev.parley.engine.session.SessionName;
import dev.parley.server.loop.Audience;
import dev.parley.server.loop.EventLoop;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The live readers of sessions' streams on one event loop. Those of one session are told of news together. */
final class SessionReaders {
    /** The pause after a round as a multiple of its duration, as for other streams. */
    private static final double REST_PER_WORK = 2;

    private final EventLoop loop;
    private final Map<SessionName, Audience<SessionRead>> readers = new HashMap<>();
    private boolean draining;

    SessionReaders(EventLoop loop) {
        this.loop = loop;
    }

    /** Adds a reader, and gives what is to be called when there is news for it. */
    Runnable join(SessionRead reader) {
        Audience<SessionRead> audience =
                readers.computeIfAbsent(reader.session(), name -> loop.audience(SessionRead::news, REST_PER_WORK));
        audience.join(reader);
        return audience.listener();
    }

    void leave(SessionRead reader) {
        Audience<SessionRead> audience = readers.get(reader.session());
        if (audience != null) {
            audience.leave(reader);
            if (audience.isEmpty()) {
                readers.remove(reader.session());
            }
        }
    }

    /** Whether live reads have to end. This applies to reads that begin now, too. */
    boolean isDraining() {
        return draining;
    }

    /** Ends all live reads of this loop. */
    void drain() {
        draining = true;
        List<SessionRead> all = new ArrayList<>();
        readers.values().forEach(audience -> audience.forEach(all::add));
        all.forEach(SessionRead::drain);
    }
}
