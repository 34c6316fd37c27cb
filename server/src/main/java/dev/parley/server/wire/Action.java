package dev.parley.server.wire;

import org.jspecify.annotations.Nullable;

/** The actions of frames of the realtime protocol. */
public enum Action {
    HEARTBEAT(0),
    ACK(1),
    NACK(2),
    CONNECT(3),
    CONNECTED(4),
    DISCONNECT(5),
    DISCONNECTED(6),
    CLOSE(7),
    CLOSED(8),
    ERROR(9),
    ATTACH(10),
    ATTACHED(11),
    DETACH(12),
    DETACHED(13),
    PRESENCE(14),
    MESSAGE(15),
    SYNC(16),
    AUTH(17),
    ACTIVATE(18),
    OBJECT(19),
    OBJECT_SYNC(20),
    ANNOTATION(21);

    private static final Action[] BY_NUMBER = new Action[values().length];

    static {
        for (Action action : values()) {
            BY_NUMBER[action.number] = action;
        }
    }

    private final int number;

    Action(int number) {
        this.number = number;
    }

    /** Its number on the wire. */
    int number() {
        return number;
    }

    /** The action with this number, or null. */
    static @Nullable Action of(long number) {
        return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[(int) number] : null;
    }
}
