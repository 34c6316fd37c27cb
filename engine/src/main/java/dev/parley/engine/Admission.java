package dev.parley.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Waiting;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a command is accepted. It bounds the number of commands that wait for their outcome, the memory that
 * they hold and the disk space that they may use. An accepted command holds a {@link Ticket} until it is answered.
 * Thread-safe.
 */
final class Admission {
    private final int maxWaiting;
    private final Purse purse;
    private final DiskRoom disk;
    private final CallbackFailures failures;
    private final AtomicInteger waiting = new AtomicInteger();
    private final LongAdder commandNanos = new LongAdder();

    /** The listeners that wait for room, in the order in which they came. */
    @GuardedBy("itself")
    private final Set<Place> places = new LinkedHashSet<>();

    /** Whether a listener waits for room; can be read without the lock. */
    private volatile boolean isAwaited;

    /**
     * @param maxWaiting how many commands may wait
     * @param purse the memory that waiting commands may hold
     * @param disk the disk space for commands that store something
     * @param failures receives exceptions from replies that were told of a failure and from listeners that were told of
     *     room
     */
    Admission(int maxWaiting, Purse purse, DiskRoom disk, CallbackFailures failures) {
        this.maxWaiting = maxWaiting;
        this.purse = purse;
        this.disk = disk;
        this.failures = failures;
    }

    /**
     * Returns a ticket for {@code command}. Returns null if there is no room for the command; in that case
     * {@code reply} has been told of the failure.
     */
    <O> @Nullable Ticket<O> admit(Command<O> command, Reply<O> reply) {
        int weight = command.weight();
        if (command.stores() && !disk.take(weight)) {
            reply.failed(disk.refusal());
            return null;
        }
        if (waiting.incrementAndGet() > maxWaiting || !purse.tryReserve(weight)) {
            waiting.decrementAndGet();
            // For a moment, other threads saw less room than there is.
            tellOfRoom();
            reply.failed(new OverloadedException("too many commands are waiting"));
            return null;
        }
        return new Ticket<>(weight, reply);
    }

    /** Number of commands that were accepted and are not answered yet. */
    int waiting() {
        return waiting.get();
    }

    /** True if half of the room for waiting commands is used. Callers that can hold commands back should do so. */
    boolean isBusy() {
        return waiting.get() > maxWaiting / 2 || purse.held() > purse.capacity() / 2;
    }

    /** Sum of the times from the admission of commands to their outcomes, over all commands that had an outcome. */
    long commandNanos() {
        return commandNanos.sum();
    }

    /** See {@link Engine#whenRoom}. */
    Waiting whenRoom(Runnable listener) {
        Place place = new Place(listener);
        synchronized (places) {
            places.add(place);
            isAwaited = true;
        }
        // The last answer may have been given before anybody could see that this listener waits.
        tellOfRoom();
        return place;
    }

    private void tellOfRoom() {
        if (!isAwaited || isBusy()) {
            return;
        }
        List<Place> told;
        synchronized (places) {
            told = List.copyOf(places);
            places.clear();
            isAwaited = false;
        }
        told.forEach(place -> failures.run(place.listener));
    }

    /** The place of one listener in the line for room. */
    private final class Place implements Waiting {
        private final Runnable listener;

        Place(Runnable listener) {
            this.listener = listener;
        }

        @Override
        public boolean cancel() {
            synchronized (places) {
                boolean waited = places.remove(this);
                isAwaited = !places.isEmpty();
                return waited;
            }
        }
    }

    /**
     * The place of one accepted command. The first answer gives the place up; later answers are ignored. There is no other way
     * to give it up, because the submitter waits for an answer. The reply that travels with the command is itself the permit, so
     * that a command does not need one object more.
     */
    final class Ticket<O> implements Reply<O> {
        private final int weight;
        private final Reply<O> reply;
        private final AtomicBoolean answered = new AtomicBoolean();
        private final long since = System.nanoTime();

        private Ticket(int weight, Reply<O> reply) {
            this.weight = weight;
            this.reply = reply;
        }

        @Override
        public void done(O outcome) {
            if (leave()) {
                commandNanos.add(System.nanoTime() - since);
                reply.done(outcome);
            }
        }

        @Override
        public void failed(Exception e) {
            if (leave()) {
                failures.run(() -> reply.failed(e));
            }
        }

        private boolean leave() {
            if (!answered.compareAndSet(false, true)) {
                return false;
            }
            waiting.decrementAndGet();
            purse.giveBack(weight);
            tellOfRoom();
            return true;
        }
    }
}
