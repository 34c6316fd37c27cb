package dev.parley.engine;

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
 * Who comes in: bounds how many commands wait for their outcome, what memory they hold and what they may take of the disk.
 * A command that was let in holds a {@link Ticket} until it is answered. Thread-safe.
 */
final class Admission {
    private final int maxWaiting;
    private final Purse purse;
    private final DiskRoom disk;
    private final CallbackFailures failures;
    private final AtomicInteger waiting = new AtomicInteger();
    private final LongAdder commandNanos = new LongAdder();

    /** Who wants to hear of room, in the order in which they came. Guarded by itself. */
    private final Set<Place> places = new LinkedHashSet<>();

    /** Whether anybody wants to, to be asked without the lock. */
    private volatile boolean isAwaited;

    /**
     * @param maxWaiting how many commands may wait
     * @param purse the memory that they may hold
     * @param disk the room for those that store something
     * @param failures hears what those throw who are told of a failure or of room
     */
    Admission(int maxWaiting, Purse purse, DiskRoom disk, CallbackFailures failures) {
        this.maxWaiting = maxWaiting;
        this.purse = purse;
        this.disk = disk;
        this.failures = failures;
    }

    /** A ticket for {@code command}, or null if there is no room for it, which {@code reply} has heard then. */
    <O> @Nullable Ticket<O> admit(Command<O> command, Reply<O> reply) {
        int weight = command.weight();
        if (command.stores() && !disk.take(weight)) {
            reply.failed(disk.refusal());
            return null;
        }
        if (waiting.incrementAndGet() > maxWaiting || !purse.tryReserve(weight)) {
            waiting.decrementAndGet();
            // For a moment it looked as if there was less room than there is.
            tellOfRoom();
            reply.failed(new OverloadedException("too many commands are waiting"));
            return null;
        }
        return new Ticket<>(weight, reply);
    }

    /** Commands that were let in and are not answered yet. */
    int waiting() {
        return waiting.get();
    }

    /** True if half of the room for waiting commands is taken: who can hold commands back had better do so. */
    boolean isBusy() {
        return waiting.get() > maxWaiting / 2 || purse.held() > purse.capacity() / 2;
    }

    /** Time from the admission of commands to their outcomes, summed over all that had one. */
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
        // The last answer may have gone out before anybody could see that we wait.
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

    /** A place among those who wait for room. */
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

    /** A place among the waiting commands, which its reply gives up; whoever answers first has answered. */
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
