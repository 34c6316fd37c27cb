package dev.parley.server.loop;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The readers of one log on one event loop. They are told of news together, in rounds. Used on that loop only, except
 * for the listener.
 *
 * @param <M> a reader
 */
public final class Audience<M> {
    /** How long a round may keep the event loop from other work. */
    private static final long MAX_TURN_NANOS = 2_000_000;

    /** The longest pause after a round, in which entries gather. */
    private static final long MAX_REST_MILLIS = 100;

    private final EventLoop loop;
    private final Mailbox mailbox;
    private final Consumer<M> pump;
    private final double restPerWork;
    /** Most logs have few readers, so the set begins small. */
    private final LinkedHashSet<M> members = LinkedHashSet.newLinkedHashSet(1);

    /** The members as a list that a round can iterate over while some leave; null after a change. */
    private @Nullable List<M> seated;

    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener = this::tell;

    /** The members of the present round, of which the first {@link #served} have been pumped. */
    private List<M> round = List.of();

    private int served;

    /** How long the loop has worked on the present round. */
    private long workedNanos;

    private boolean resting;

    /** Whether something has arrived during the round or the pause after it. */
    private boolean again;

    /**
     * An audience without members.
     *
     * @param pump lets a member take everything that is available for it
     * @param restPerWork the duration of the pause after a round as a multiple of the duration of the round. The higher
     *     it is, the more entries of a busy log are sent in one write to each member, and the longer they wait.
     */
    Audience(EventLoop loop, Mailbox mailbox, Consumer<M> pump, double restPerWork) {
        this.loop = loop;
        this.mailbox = mailbox;
        this.pump = pump;
        this.restPerWork = restPerWork;
    }

    /**
     * The listener to call when there is something new. It may be called by any thread, and is always the same object.
     */
    public Runnable listener() {
        return listener;
    }

    /** Posts a round to the loop, one for all entries that arrive until it begins. */
    private void tell() {
        if (told.compareAndSet(false, true)) {
            mailbox.post(this::round);
        }
    }

    /** Begins a round, in which all members take what is new. */
    private void round() {
        if (resting || !round.isEmpty()) {
            again = true;
            return;
        }
        told.set(false);
        round = seated();
        if (!round.isEmpty()) {
            turn();
        }
    }

    /** Continues the round. A long round is divided into turns, between which the loop does other work. */
    private void turn() {
        assert loop.isHere() : "an audience belongs to one event loop";
        long start = System.nanoTime();
        long now = start;
        try {
            do {
                pump.accept(round.get(served++));
                now = System.nanoTime();
            } while (served < round.size() && now - start < MAX_TURN_NANOS);
        } finally {
            workedNanos += now - start;
            if (served < round.size()) {
                mailbox.afterOthers(this::turn);
            } else {
                rest();
            }
        }
    }

    /** Ends the round. A round to few members takes almost no time, so the next one may follow at once. */
    private void rest() {
        long millis = Math.min(MAX_REST_MILLIS, TimeUnit.NANOSECONDS.toMillis((long) (workedNanos * restPerWork)));
        round = List.of();
        served = 0;
        workedNanos = 0;
        resting = true;
        if (millis > 0) {
            loop.vertx().setTimer(millis, timer -> rested());
        } else {
            rested();
        }
    }

    private void rested() {
        resting = false;
        if (again) {
            again = false;
            mailbox.post(this::round);
        }
    }

    private List<M> seated() {
        List<M> now = seated;
        if (now == null) {
            now = new ArrayList<>(members);
            seated = now;
        }
        return now;
    }

    /** Adds a member. */
    public void join(M member) {
        assert loop.isHere() : "an audience belongs to one event loop";
        members.add(member);
        seated = null;
    }

    /** Removes a member. */
    public void leave(M member) {
        assert loop.isHere() : "an audience belongs to one event loop";
        members.remove(member);
        seated = null;
    }

    /** The number of members. */
    public int size() {
        return members.size();
    }

    /** Whether there are no members. */
    public boolean isEmpty() {
        return members.isEmpty();
    }

    /** The member that has been here for the longest time. */
    public M first() {
        return members.getFirst();
    }

    /** Calls {@code action} for each member. No member may join or leave meanwhile. */
    public void forEach(Consumer<? super M> action) {
        members.forEach(action);
    }
}
