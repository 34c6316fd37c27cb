package dev.parley.engine.session;

/**
 * What a session knows of a connection that was lost at least once and has left something in it: members, or the outcomes
 * of requests that it may send again.
 *
 * @param epoch when the connection was lost or came back, as a number that grows each time it arrives
 * @param leaveAt when its members leave, in milliseconds since 1970, or 0 if they need not, or have left
 * @param forgetAt when its requests are forgotten, or 0 while the connection is back
 */
record Attendance(long epoch, long leaveAt, long forgetAt) {
    static Attendance back(long epoch) {
        return new Attendance(epoch, 0, 0);
    }

    boolean isLost() {
        return forgetAt != 0;
    }

    /** When something is to be done next, or 0. */
    long due() {
        return leaveAt != 0 ? leaveAt : forgetAt;
    }

    Attendance withMembersGone() {
        return new Attendance(epoch, 0, forgetAt);
    }
}
