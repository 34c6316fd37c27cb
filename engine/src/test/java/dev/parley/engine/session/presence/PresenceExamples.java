package dev.parley.engine.session.presence;

import static dev.parley.engine.session.GoldenValues.FULL;
import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.PresenceEntry;

/** Members and presence events lie in the store as they always did. */
public final class PresenceExamples {
    private PresenceExamples() {}

    /** Checks all kinds of rows. */
    public static void check(GoldenBytes golden) {
        golden.bytes("memberKey", PresenceRows.memberKey(ID, "conn", "client"));
        for (PresenceEntry.Action action : PresenceEntry.Action.values()) {
            golden.example(
                    "presence of a member, " + action,
                    new PresenceEntry(SERIAL, action, "id", "client", "conn", FULL),
                    PresenceRows::presence,
                    PresenceRows::presence);
        }
        golden.haveAllOf(PresenceRows.class);
    }
}
