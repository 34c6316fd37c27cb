package dev.parley.server.auth;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** The operations of capabilities: on a stream, or in a session. */
public enum CapabilityOp {
    // On streams. One word of capabilities stands for the operations subscribe of both families.
    READ,
    APPEND,
    CREATE,
    DELETE,
    SUBSCRIBE_STREAMS("subscribe"),

    // In sessions.
    AGENT_INVOKE,
    AGENT_MANAGE,
    AGENT_WORK,
    ANNOTATION_PUBLISH,
    ANNOTATION_SUBSCRIBE,
    CHANNEL_METADATA,
    CONTROL,
    CONTROL_ANY,
    HISTORY,
    MESSAGE_DELETE_ANY,
    MESSAGE_DELETE_OWN,
    MESSAGE_UPDATE_ANY,
    MESSAGE_UPDATE_OWN,
    OBJECT_PUBLISH,
    OBJECT_SUBSCRIBE,
    PRESENCE,
    PRESENCE_SUBSCRIBE,
    PRIVILEGED_HEADERS,
    PUBLISH,
    PUSH_ADMIN,
    PUSH_SUBSCRIBE,
    SESSION_CREATE,
    SESSION_ERASE,
    SESSION_LABEL,
    STATS,
    SUBSCRIBE;

    private final String wireName;

    CapabilityOp() {
        this.wireName = name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    CapabilityOp(String wireName) {
        this.wireName = wireName;
    }

    /** The name in a capability. */
    public String wireName() {
        return wireName;
    }

    /** Whether its resource is the path of a stream. Otherwise it is the name of a session. */
    boolean concernsStreams() {
        return compareTo(SUBSCRIBE_STREAMS) <= 0;
    }

    /** The operations in sessions. */
    public static Set<CapabilityOp> ofSessions() {
        return EnumSet.range(AGENT_INVOKE, SUBSCRIBE);
    }

    static Set<CapabilityOp> ofWireName(String name) {
        var operations = EnumSet.noneOf(CapabilityOp.class);
        Arrays.stream(values())
                .filter(operation -> operation.wireName.equals(name))
                .forEach(operations::add);
        if (operations.isEmpty()) {
            throw new IllegalArgumentException("there is no operation '" + name + "'");
        }
        return operations;
    }
}
