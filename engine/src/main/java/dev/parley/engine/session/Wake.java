package dev.parley.engine.session;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an agent of a session is to do: there is one for each agent that has something to do. It stays until it was done, or
 * was given up.
 *
 * @param way how its agent comes to know of it
 * @param gaveUp the message that says that the wake was given up
 * @param order what is to be done
 * @param next what is to be done afterwards: what came when somebody had begun with the order already
 * @param attempts how often somebody has had the wake and did not do it
 * @param epoch how often somebody was given it; only whoever was given it last can settle it
 * @param holder who has it, or had it last; null if nobody has had it
 * @param leaseUntil until when the holder has it, in milliseconds since 1970; 0 if nobody has it
 * @param runId the run in which its holder says what the agent answers, which is over when the holder has the wake no longer; null if
 *     there is none, or if the agent says something by itself
 */
public record Wake(
        SessionName session,
        String agentId,
        Agent.Way way,
        RunTexts.Notice gaveUp,
        Order order,
        @Nullable Order next,
        int attempts,
        long epoch,
        @Nullable String holder,
        long leaseUntil,
        @Nullable String runId) {
    /** A wake is given up when so many have had it and did not do it. */
    public static final int MAX_ATTEMPTS = 16;

    /** A wake that nobody has is given up after this time. */
    public static final long MAX_AGE_MILLIS = 24 * 3_600_000;

    /** A wake that waits for somebody to watch the session is given up after this time. */
    public static final long MAX_UNWATCHED_MILLIS = 7 * MAX_AGE_MILLIS;

    /** The number of inputs that a wake names; of more, the newest. */
    public static final int MAX_INPUTS = 16;

    /** However much is said, an agent is woken after so many times its debounce. */
    static final int MAX_DEBOUNCES = 5;

    private static final long MIN_BACKOFF_MILLIS = 1_000;
    private static final long MAX_BACKOFF_MILLIS = 60_000;
    private static final int DOUBLINGS = 6;

    /**
     * Something that was said to the agent.
     *
     * @param eventId the id by which an invocation names it
     * @param position where it is in the log of the session
     */
    public record Input(String eventId, long position) {}

    /**
     * What is to be done: the answer to everything up to the last input.
     *
     * @param id no other one has it
     * @param inputs at least one, the oldest first
     * @param since the position of the first input, which may be none of {@code inputs}
     * @param createdAt in milliseconds since 1970
     * @param dueAt nobody is given it before this, in milliseconds since 1970
     */
    public record Order(String id, List<Input> inputs, long since, long createdAt, long dueAt) {
        /** An order for one input. */
        static Order of(String id, Input input, long time, long debounceMillis) {
            return new Order(id, List.of(input), input.position(), time, time + debounceMillis);
        }

        /** The newest input. */
        public Input newest() {
            return inputs.getLast();
        }

        private Order and(Input input, long time, long debounceMillis) {
            List<Input> all = new ArrayList<>(inputs);
            all.add(input);
            long latest = createdAt + MAX_DEBOUNCES * debounceMillis;
            return new Order(
                    id,
                    List.copyOf(all.subList(Math.max(0, all.size() - MAX_INPUTS), all.size())),
                    since,
                    createdAt,
                    Math.max(dueAt, Math.min(time + debounceMillis, latest)));
        }

        private Order dueAt(long time) {
            return new Order(id, inputs, since, createdAt, time);
        }

        private Order renewedAt(long time) {
            return new Order(id, inputs, since, time, Math.max(dueAt, time));
        }
    }

    /** A wake of {@code agent}, of which nobody knows yet. */
    public static Wake of(SessionName session, Agent agent, String id, Input input, long time) {
        return new Wake(
                session,
                agent.id(),
                agent.way(),
                agent.gaveUp(),
                Order.of(id, input, time, agent.debounceMillis()),
                null,
                0,
                0,
                null,
                0,
                null);
    }

    /** The id of what is to be done. */
    public String id() {
        return order.id();
    }

    /** Whether somebody has it. */
    public boolean isHeld() {
        return leaseUntil != 0;
    }

    /** Whether this is the wake and the lease that somebody names: nobody else has got it since. */
    public boolean isUnder(String wakeId, long lease) {
        return id().equals(wakeId) && epoch == lease;
    }

    /** When it is given up if nobody comes, or back if the holder says nothing more. */
    public long endsAt() {
        return isHeld() ? leaseUntil : order.createdAt() + MAX_AGE_MILLIS;
    }

    /** When it is given up if nobody watches the session until then. */
    public long endsUnwatchedAt() {
        return order.createdAt() + MAX_UNWATCHED_MILLIS;
    }

    /**
     * The wake with one more input. As long as nobody has been given it, it is a part of the same order; it would otherwise be lost
     * to whoever works at it already.
     *
     * @param id of the order, if it is another one
     */
    public Wake and(String id, Input input, long time, long debounceMillis) {
        if (epoch == 0) {
            return with(order.and(input, time, debounceMillis), null, attempts, epoch, holder, leaseUntil);
        }
        Order after = next == null ? Order.of(id, input, time, debounceMillis) : next.and(input, time, debounceMillis);
        return with(order, after, attempts, epoch, holder, leaseUntil);
    }

    /** The wake once it is given to somebody. */
    public Wake givenTo(String who, long until) {
        return with(order, next, attempts, epoch + 1, who, until);
    }

    /** The wake with a longer lease. */
    public Wake extended(long until) {
        return with(order, next, attempts, epoch, holder, Math.max(leaseUntil, until));
    }

    /** The wake after its holder has given it back, or has said nothing for too long. */
    public Wake failed(long dueAt) {
        return with(order.dueAt(dueAt), next, attempts + 1, epoch, holder, 0);
    }

    /** What is left of it once its order was done or given up; null if that is nothing. */
    public @Nullable Wake after() {
        return next == null ? null : with(next, null, 0, 0, null, 0);
    }

    /** The wake as one that waits from now on. */
    public Wake renewedAt(long time) {
        return with(order.renewedAt(time), next, attempts, epoch, holder, leaseUntil);
    }

    /** The wake of an agent that is named anew. */
    public Wake of(Agent agent) {
        return new Wake(
                session, agentId, agent.way(), agent.gaveUp(), order, next, attempts, epoch, holder, leaseUntil, runId);
    }

    private Wake with(
            Order orderNow,
            @Nullable Order nextNow,
            int attemptsNow,
            long epochNow,
            @Nullable String holderNow,
            long leaseNow) {
        // Whoever has a run has the wake.
        String runNow = leaseNow == 0 ? null : runId;
        return new Wake(
                session, agentId, way, gaveUp, orderNow, nextNow, attemptsNow, epochNow, holderNow, leaseNow, runNow);
    }

    /** The wake whose holder says in a run what the agent answers. */
    public Wake in(String run) {
        return new Wake(session, agentId, way, gaveUp, order, next, attempts, epoch, holder, leaseUntil, run);
    }

    /** The pause after an attempt that came to nothing, if {@code before} others came to nothing before it. */
    public static long backoffMillis(int before) {
        return Math.min(MIN_BACKOFF_MILLIS << Math.min(before, DOUBLINGS), MAX_BACKOFF_MILLIS);
    }
}
