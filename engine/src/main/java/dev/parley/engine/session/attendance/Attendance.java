package dev.parley.engine.session.attendance;

/**
 * What a session knows of a connection that has left something in it: members, the outcomes of requests that it may send
 * again, or runs at which it works. Times are in milliseconds since 1970, and 0 if nothing is to be done, or it has been
 * done; all are 0 while the connection is there.
 *
 * @param epoch when the connection arrived, or was lost, as a number that grows each time it arrives
 * @param leaveAt when its members leave
 * @param forgetAt when its requests are forgotten
 * @param awayAt when the session is told that the agent of its runs is away
 * @param endAt when its runs end
 * @param told whether the session was told that the agent of its runs is away
 */
record Attendance(long epoch, long leaveAt, long forgetAt, long awayAt, long endAt, boolean told) {
    static Attendance here(long epoch) {
        return new Attendance(epoch, 0, 0, 0, 0, false);
    }

    boolean isLost() {
        return due() != 0;
    }

    /** When something is to be done next, or 0. */
    long due() {
        return earlier(earlier(leaveAt, forgetAt), earlier(awayAt, endAt));
    }

    private static long earlier(long one, long other) {
        return one == 0 || other == 0 ? one + other : Math.min(one, other);
    }

    private static boolean isDue(long at, long now) {
        return at != 0 && at <= now;
    }

    private static long after(long at, long now) {
        return isDue(at, now) ? 0 : at;
    }

    boolean membersLeave(long now) {
        return isDue(leaveAt, now) || isDue(forgetAt, now);
    }

    boolean requestsAreForgotten(long now) {
        return isDue(forgetAt, now);
    }

    /** If the runs end at the same time, that is what there is to be told. */
    boolean agentIsAway(long now) {
        return isDue(awayAt, now) && !runsEnd(now);
    }

    boolean runsEnd(long now) {
        return isDue(endAt, now);
    }

    /** Once all is done that is due. */
    Attendance after(long now) {
        return new Attendance(
                epoch,
                after(leaveAt, now),
                after(forgetAt, now),
                after(awayAt, now),
                after(endAt, now),
                !runsEnd(now) && (told || agentIsAway(now)));
    }

    /** With requests that are to be forgotten at the latest when all else is done. */
    Attendance withRequests() {
        return forgetAt != 0
                ? this
                : new Attendance(epoch, leaveAt, Math.max(leaveAt, Math.max(awayAt, endAt)), awayAt, endAt, told);
    }

    /** Once the connection is over: members and requests are gone, and what becomes of its runs stays. */
    Attendance withRunsOnly() {
        return new Attendance(epoch, 0, 0, awayAt, endAt, told);
    }
}
