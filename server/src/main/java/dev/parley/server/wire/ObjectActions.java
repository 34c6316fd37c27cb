package dev.parley.server.wire;

import dev.parley.engine.session.ObjectOperation;

/** The operations on objects. */
enum ObjectActions {
    MAP_CREATE(0),
    MAP_SET(1),
    MAP_REMOVE(2),
    COUNTER_CREATE(3),
    COUNTER_INC(4),
    OBJECT_DELETE(5),
    MAP_CLEAR(6);

    private final int number;

    ObjectActions(int number) {
        this.number = number;
    }

    /** Its number on the wire. */
    int number() {
        return number;
    }

    static ObjectActions of(long number) throws WireException {
        for (ObjectActions action : values()) {
            if (action.number == number) {
                return action;
            }
        }
        throw new WireException(
                ErrorInfo.invalidObjectMessage("There is no object operation with the action " + number + "."));
    }

    static ObjectActions of(ObjectOperation operation) {
        return switch (operation) {
            case ObjectOperation.MapCreate op -> MAP_CREATE;
            case ObjectOperation.MapSet op -> MAP_SET;
            case ObjectOperation.MapRemove op -> MAP_REMOVE;
            case ObjectOperation.CounterCreate op -> COUNTER_CREATE;
            case ObjectOperation.CounterInc op -> COUNTER_INC;
            case ObjectOperation.ObjectDelete op -> OBJECT_DELETE;
            case ObjectOperation.MapClear op -> MAP_CLEAR;
        };
    }
}
