package dev.parley.server.realtime;

import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.Flags;
import java.util.LinkedHashMap;
import java.util.Map;

/** The capability that each mode of an attachment needs. */
final class Modes {
    private static final Map<Integer, CapabilityOp> NEEDS = needs();

    private Modes() {}

    private static Map<Integer, CapabilityOp> needs() {
        Map<Integer, CapabilityOp> needs = new LinkedHashMap<>();
        needs.put(Flags.PRESENCE, CapabilityOp.PRESENCE);
        needs.put(Flags.PUBLISH, CapabilityOp.PUBLISH);
        needs.put(Flags.SUBSCRIBE, CapabilityOp.SUBSCRIBE);
        needs.put(Flags.PRESENCE_SUBSCRIBE, CapabilityOp.SUBSCRIBE);
        needs.put(Flags.ANNOTATION_PUBLISH, CapabilityOp.ANNOTATION_PUBLISH);
        needs.put(Flags.ANNOTATION_SUBSCRIBE, CapabilityOp.ANNOTATION_SUBSCRIBE);
        needs.put(Flags.OBJECT_SUBSCRIBE, CapabilityOp.OBJECT_SUBSCRIBE);
        needs.put(Flags.OBJECT_PUBLISH, CapabilityOp.OBJECT_PUBLISH);
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
        if ((asked & Flags.PRESENCE_SUBSCRIBE) != 0 && principal.may(CapabilityOp.PRESENCE_SUBSCRIBE, channel)) {
            granted |= Flags.PRESENCE_SUBSCRIBE;
        }
        return granted;
    }
}
