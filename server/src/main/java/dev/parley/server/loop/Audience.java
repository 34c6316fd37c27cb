package dev.parley.server.loop;

import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
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
    private static final long MAX_TURN_NANOS = 1_000_000;

    /** How long the loop then belongs to others. */
    private static final long PAUSE_MILLIS = 2;

    private final Vertx vertx;
    private final Mailbox mailbox;
    private final Consumer<M> pump;
    private final LinkedHashSet<M> members = new LinkedHashSet<>();

    /** The members as a list that a round can walk while some leave; null after a change. */
    private @Nullable List<M> seated;

    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener = this::tell;

    /** Those whom the round that is under way goes to, and how many of them have had their turn. */
    private List<M> round = List.of();

    private int served;

    /** Something came in during the round. */
    private boolean again;

    /**
     * An audience without members.
     *
     * @param pump lets a member take what there is for it
     */
    public Audience(Vertx vertx, Mailbox mailbox, Consumer<M> pump) {
        this.vertx = vertx;
        this.mailbox = mailbox;
        this.pump = pump;
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
        if (!round.isEmpty()) {
            again = true;
            return;
        }
        told.set(false);
        round = seated();
        if (!round.isEmpty()) {
            turn();
        }
    }

    /**
     * Goes on with the round. A long one makes pauses, so that the loop stays free for others, while the entries of a busy
     * log gather into fewer and larger writes; one to few members ends at once.
     */
    private void turn() {
        long start = System.nanoTime();
        try {
            do {
                pump.accept(round.get(served++));
            } while (served < round.size() && System.nanoTime() - start < MAX_TURN_NANOS);
        } finally {
            if (served < round.size()) {
                vertx.setTimer(PAUSE_MILLIS, timer -> turn());
            } else {
                round = List.of();
                served = 0;
                if (again) {
                    again = false;
                    vertx.setTimer(PAUSE_MILLIS, timer -> round());
                }
            }
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
        members.add(member);
        seated = null;
    }

    /** Removes a member. */
    public void leave(M member) {
        members.remove(member);
        seated = null;
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
