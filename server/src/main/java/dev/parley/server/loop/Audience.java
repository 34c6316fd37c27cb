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
    /** Longest pause between two rounds. */
    private static final long MAX_PAUSE_NANOS = 50_000_000;

    /** A shorter pause is not worth a timer. */
    private static final long MIN_PAUSE_NANOS = 1_000_000;

    private final Vertx vertx;
    private final Mailbox mailbox;
    private final Consumer<M> pump;
    private final LinkedHashSet<M> members = new LinkedHashSet<>();

    /** The members as a list that a round can walk while some leave; null after a change. */
    private @Nullable List<M> seated;

    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener = this::tell;
    private long restUntilNanos = System.nanoTime();

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

    /**
     * One round to all members. A round that takes long is followed by a pause as long, so that entries of a busy log
     * gather into fewer and larger writes while the loop stays free for others; a quick one is not.
     */
    private void round() {
        long start = System.nanoTime();
        long rest = restUntilNanos - start;
        if (rest > MIN_PAUSE_NANOS) {
            vertx.setTimer(Math.ceilDiv(rest, 1_000_000L), timer -> round());
            return;
        }
        told.set(false);
        for (M member : seated()) {
            pump.accept(member);
        }
        long end = System.nanoTime();
        restUntilNanos = end + Math.min(MAX_PAUSE_NANOS, end - start);
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
