package dev.parley.conversation;

import org.jspecify.annotations.Nullable;

/** How a run stands. */
public enum RunStatus {
    /** An agent is at work. */
    ACTIVE("active"),
    /** It waits for somebody. */
    SUSPENDED("suspended"),
    /** It has reached its end. */
    COMPLETE(WireForm.COMPLETE),
    /** It was stopped. */
    CANCELLED(WireForm.CANCELLED),
    /** It has failed. */
    ERROR(WireForm.ERROR);

    private final String wireName;

    RunStatus(String wireName) {
        this.wireName = wireName;
    }

    /** {@return the status's name, which is the reason on the wire if the run has ended} */
    public String wireName() {
        return wireName;
    }

    /** {@return whether the run has ended, which is for ever} */
    public boolean isTerminal() {
        return compareTo(COMPLETE) >= 0;
    }

    static RunStatus ofReason(@Nullable String reason) {
        if (WireForm.CANCELLED.equals(reason)) {
            return CANCELLED;
        }
        return WireForm.ERROR.equals(reason) ? ERROR : COMPLETE;
    }
}
