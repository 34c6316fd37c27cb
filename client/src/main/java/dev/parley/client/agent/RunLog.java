package dev.parley.client.agent;

import dev.parley.client.NewMessage;
import dev.parley.client.Session;
import dev.parley.conversation.OutboundMessage;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes what happens in a run into the log of its session, one thing at a time, and waits for what the server says about it. All
 * that is not said to be otherwise is called under its lock.
 */
final class RunLog {
    private static final long PAUSE_MILLIS = 200;

    private final SharedConversation shared;
    private final Duration answerTimeout;

    /** Is told why something was refused. */
    private final Consumer<Throwable> onRefusal;

    /** Held while something is written. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile String lastWritten = "";

    /** Whether the end is being written, and until when that may take. */
    private boolean ending;

    private long endBy;
    private boolean interruptedAtEnd;

    /** What is waited for under the lock, and whether it is not to be waited for any more, since the run has to end. */
    private volatile @Nullable CompletableFuture<?> awaited;

    private volatile boolean givenUp;

    /**
     * The log of one run.
     *
     * @param answerTimeout how long the server may take for the end of the run
     * @param onRefusal is told why something was refused
     */
    RunLog(SharedConversation shared, Duration answerTimeout, Consumer<Throwable> onRefusal) {
        this.shared = shared;
        this.answerTimeout = answerTimeout;
        this.onRefusal = onRefusal;
    }

    Session session() {
        return shared.session();
    }

    /** Does something that nothing else is written in between; takes the lock. */
    <T> T alone(Supplier<T> task) {
        lock.lock();
        try {
            return task.get();
        } finally {
            lock.unlock();
        }
    }

    /** Does something that nothing else is written in between; takes the lock. */
    void doAlone(Runnable task) {
        lock.lock();
        try {
            task.run();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Does what ends the run; takes the lock. What is being written under it has as long as a request may take, and is then not
     * waited for any more; what ends the run has as long again, and no longer. An interrupt is meant for what the agent was doing;
     * the end is written all the same.
     *
     * @param since when it was asked for, on the clock of {@link System#nanoTime}
     * @return false if the lock could not be had: whoever has it does not wait for the server, but for something in this process
     */
    boolean end(Runnable write, long since) {
        boolean interrupted = Thread.interrupted();
        long first = since + answerTimeout.toNanos();
        boolean locked = isLockedBy(first);
        if (!locked) {
            giveUp();
        }
        // As long again from now on, but not longer than for what is ended together with this and had to wait.
        long last = first + Math.min(0, System.nanoTime() - first) + answerTimeout.toNanos();
        try {
            if (!locked && !isLockedBy(last)) {
                return false;
            }
            endBy = last;
            try {
                write.run();
                return true;
            } finally {
                interrupted |= interruptedAtEnd;
                lock.unlock();
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits from now on, for all together, no longer than what ends the run may take. */
    void limitWaits() {
        ending = true;
    }

    private void giveUp() {
        givenUp = true;
        CompletableFuture<?> waiting = awaited;
        if (waiting != null) {
            waiting.completeExceptionally(notInTime(null));
        }
    }

    private boolean isLockedBy(long time) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return lock.tryLock(time - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Publishes a message, and gives its serial. */
    String publish(OutboundMessage message) {
        return publish(SessionMessages.write(message));
    }

    /** Publishes a message, and gives its serial. */
    String publish(NewMessage message) {
        String serial = await(session().publishAsync(message)).get(0);
        wrote(serial);
        return serial;
    }

    /** Notes the version of something that was written; needs no lock. */
    synchronized void wrote(String version) {
        lastWritten = version.compareTo(lastWritten) > 0 ? version : lastWritten;
    }

    /** Waits until everything is known that stands in the session before what was written here last; without the lock. */
    void awaitDelivery() {
        shared.awaitSeen(lastWritten);
    }

    /**
     * Waits for what the server says: for as long as that takes, but no longer if another thread has to end the run; and at the
     * end only as long as a request may take, and then also in a thread that is interrupted.
     */
    <T> T await(CompletableFuture<T> future) {
        while (true) {
            try {
                return ending
                        ? future.get(endBy - System.nanoTime(), TimeUnit.NANOSECONDS)
                        : untilGivenUp(future).get();
            } catch (InterruptedException e) {
                if (!ending) {
                    throw SharedConversation.interrupted(e);
                }
                interruptedAtEnd = true;
            } catch (TimeoutException e) {
                throw notInTime(e);
            } catch (ExecutionException e) {
                refused(e);
                if (e.getCause() instanceof RuntimeException known) {
                    throw known;
                }
                throw new IllegalStateException(e.getCause());
            } finally {
                awaited = null;
            }
        }
    }

    /** Something that was written was refused; needs no lock. */
    void refused(Throwable error) {
        onRefusal.accept(error instanceof ExecutionException && error.getCause() != null ? error.getCause() : error);
    }

    private <T> CompletableFuture<T> untilGivenUp(CompletableFuture<T> future) {
        if (future.isDone()) {
            return future;
        }
        CompletableFuture<T> waiting = future.copy();
        awaited = waiting;
        if (givenUp) {
            // Both sides look after they have said that they are there.
            waiting.completeExceptionally(notInTime(null));
        }
        return waiting;
    }

    private static IllegalStateException notInTime(@Nullable Throwable cause) {
        return new IllegalStateException(
                "The server has not answered in time. What was written is stored as soon as it is reached.", cause);
    }

    /** A pause before another attempt. */
    void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            if (!ending) {
                throw SharedConversation.interrupted(e);
            }
            interruptedAtEnd = true;
        }
    }
}
