package dev.parley.server.loop;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All who read one log live on one event loop. They hear of news together, in rounds. Used on that loop only, but for the
 * listener.
 *
 * @param <M> a reader
 */
public final class Audience<M> {
    /** How long a round keeps the loop from everything else. */
    private static final long MAX_TURN_NANOS = 2_000_000;

    /** How long entries gather at most, however long a round took. */
    private static final long MAX_REST_MILLIS = 100;

    private final EventLoop loop;
    private final Mailbox mailbox;
    private final Consumer<M> pump;
    private final double restPerWork;
    private final LinkedHashSet<M> members = new LinkedHashSet<>();

    /** The members as a list that a round can walk while some leave; null after a change. */
    private @Nullable List<M> seated;

    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener = this::tell;

    /** Those whom the round that is under way goes to, and how many of them have had their turn. */
    private List<M> round = List.of();

    private int served;

    /** How long the loop has been busy with that round. */
    private long workedNanos;

    private boolean resting;

    /** Something came in during the round or the rest after it. */
    private boolean again;

    /**
     * An audience without members.
     *
     * @param pump lets a member take what there is for it
     * @param restPerWork how many times as long as a round took the loop belongs to others before the next one. The
     *     higher, the more entries of a busy log gather into one write to each member, and the longer they wait for it
     */
    Audience(EventLoop loop, Mailbox mailbox, Consumer<M> pump, double restPerWork) {
        this.loop = loop;
        this.mailbox = mailbox;
        this.pump = pump;
        this.restPerWork = restPerWork;
    }

    /** To be called from any thread when there is something new; always the same object. */
    public Runnable listener() {
        return listener;
    }

    /** Passes the word from the applier to the loop, once for all entries that come in meanwhile. */
    private void tell() {
        if (told.compareAndSet(false, true)) {
            mailbox.post(this::round);
        }
    }

    /** Lets all members take what has come in. */
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

    /** Goes on with the round. A long one lets others have the loop between its turns. */
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

    /** Ends the round. One to few members has cost next to nothing, and the next may follow at once. */
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

    /** How many there are. */
    public int size() {
        return members.size();
    }

    /** True if nobody is there. */
    public boolean isEmpty() {
        return members.isEmpty();
    }

    /** Who came first. */
    public M first() {
        return members.getFirst();
    }

    /** Walks the members; none may join or leave meanwhile. */
    public void forEach(Consumer<? super M> action) {
        members.forEach(action);
    }
}
