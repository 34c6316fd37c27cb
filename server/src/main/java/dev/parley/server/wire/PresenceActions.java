package dev.parley.server.wire;

import dev.parley.engine.session.PresenceEntry;
import org.jspecify.annotations.Nullable;

/** The numbers of presence actions. */
final class PresenceActions {
    /** Only clients use this action, for members during a sync. */
    static final int ABSENT = 0;

    private PresenceActions() {}

    static int number(PresenceEntry.Action action) {
        return switch (action) {
            case PRESENT -> 1;
            case ENTER -> 2;
            case LEAVE -> 3;
            case UPDATE -> 4;
        };
    }

    static PresenceEntry.@Nullable Action of(long number) {
        for (PresenceEntry.Action action : PresenceEntry.Action.values()) {
            if (number(action) == number) {
                return action;
            }
        }
        return null;
    }
}
