package dev.parley.server.realtime;

import dev.parley.server.auth.Operation;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.Flags;
import java.util.LinkedHashMap;
import java.util.Map;

/** The capability that each mode of an attachment needs. */
final class Modes {
    private static final Map<Integer, Operation> NEEDS = needs();

    private Modes() {}

    private static Map<Integer, Operation> needs() {
        Map<Integer, Operation> needs = new LinkedHashMap<>();
        needs.put(Flags.PRESENCE, Operation.PRESENCE);
        needs.put(Flags.PUBLISH, Operation.PUBLISH);
        needs.put(Flags.SUBSCRIBE, Operation.SUBSCRIBE);
        needs.put(Flags.PRESENCE_SUBSCRIBE, Operation.SUBSCRIBE);
        needs.put(Flags.ANNOTATION_PUBLISH, Operation.ANNOTATION_PUBLISH);
        needs.put(Flags.ANNOTATION_SUBSCRIBE, Operation.ANNOTATION_SUBSCRIBE);
        needs.put(Flags.OBJECT_SUBSCRIBE, Operation.OBJECT_SUBSCRIBE);
        needs.put(Flags.OBJECT_PUBLISH, Operation.OBJECT_PUBLISH);
        return needs;
    }

    /** The requested modes that {@code principal} may have on this channel. */
    static long granted(long asked, Principal principal, String channel) {
        long granted = 0;
        for (var need : NEEDS.entrySet()) {
            if ((asked & need.getKey()) != 0 && principal.may(need.getValue(), channel)) {
                granted |= need.getKey();
            }
        }
        if ((asked & Flags.PRESENCE_SUBSCRIBE) != 0 && principal.may(Operation.PRESENCE_SUBSCRIBE, channel)) {
            granted |= Flags.PRESENCE_SUBSCRIBE;
        }
        return granted;
    }
}
