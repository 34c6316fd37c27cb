package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.stream.ForkRelease;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Pinned;
import dev.parley.engine.stream.StreamCommand.Settle;
import dev.parley.engine.stream.StreamCommand.Unpin;
import dev.parley.engine.stream.StreamOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Takes a fork through two shards: its source grants a pin, then the fork is created with it; and when the fork is gone,
 * the source gets its pin back.
 *
 * <p>Each step is a command of its own and may be repeated. What a crash leaves between two steps, {@link #recover} mends:
 * a note of the outbox is delivered again, and a pin without a fork is given back. What is refused because too much waits or
 * the disk is full, {@link #retry} sends again.
 */
final class Forks {
    /** How often a create starts over because its target came and went meanwhile. */
    private static final int MAX_TRIES = 3;

    private final Submitter submitter;
    private final Supplier<String> pinIds;
    /** Pins whose way back was refused. Each is here once or twice, so there are never many more than there are pins. */
    private final Queue<ForkRelease> refused = new ConcurrentLinkedQueue<>();

    /** Submits a command to the journal. */
    interface Submitter {
        <O> void submit(Command<O> command, Reply<O> reply);
    }

    Forks(Submitter submitter, Supplier<String> pinIds) {
        this.submitter = submitter;
        this.pinIds = pinIds;
    }

    /** Creates a fork. A target that exists already is answered without asking the source. */
    void create(Create command, Reply<StreamOutcome.OfCreate> reply) {
        create(command, reply, MAX_TRIES);
    }

    private void create(Create command, Reply<StreamOutcome.OfCreate> reply, int triesLeft) {
        submitter.submit(command, then(reply, outcome -> {
            if (outcome instanceof StreamOutcome.PinNeeded && triesLeft > 0) {
                pin(command, Objects.requireNonNull(command.fork()), reply, triesLeft - 1);
            } else {
                reply.done(outcome);
            }
        }));
    }

    private void pin(Create command, Fork fork, Reply<StreamOutcome.OfCreate> reply, int triesLeft) {
        Pin pin = new Pin(
                fork.sourcePath(), command.time(), pinIds.get(), command.path(), fork.place(), fork.subOffset());
        submitter.submit(pin, then(reply, granted -> {
            if (granted instanceof StreamOutcome.PinGranted grant) {
                createPinned(command, fork, grant.pin(), reply, triesLeft);
            } else {
                reply.done(new StreamOutcome.ForkRefused(granted));
            }
        }));
    }

    private void createPinned(
            Create command, Fork fork, Pinned pin, Reply<StreamOutcome.OfCreate> reply, int triesLeft) {
        Create pinned = new Create(
                command.path(),
                command.time(),
                command.contentType(),
                command.ttlMillis(),
                command.expiresAt(),
                command.closed(),
                command.payload(),
                fork.with(pin));
        ForkRelease unused =
                new ForkRelease(StreamCommand.NONE, command.path(), fork.sourcePath(), pin.sourceId(), pin.pinId());
        submitter.submit(pinned, new Reply<>() {
            @Override
            public void done(StreamOutcome.OfCreate outcome) {
                if (outcome instanceof StreamOutcome.Created) {
                    reply.done(outcome);
                    return;
                }
                release(unused, command.time());
                if (outcome instanceof StreamOutcome.PinNeeded) {
                    create(command, reply, triesLeft);
                } else {
                    reply.done(outcome);
                }
            }

            @Override
            public void failed(Exception failure) {
                release(unused, command.time());
                reply.failed(failure);
            }
        });
    }

    /** Gives a gone fork's pin back to its source and then drops the note of it, if there is one. */
    void release(ForkRelease release, long time) {
        Unpin unpin = new Unpin(release.sourcePath(), time, release.sourceId(), release.pinId());
        Reply<StreamOutcome.OfTouch> again = new Reply<>() {
            @Override
            public void done(StreamOutcome.OfTouch outcome) {}

            @Override
            public void failed(Exception failure) {
                refused.add(release);
            }
        };
        submitter.submit(unpin, then(again, unpinned -> {
            if (release.note() != StreamCommand.NONE) {
                submitter.submit(new Settle(release.forkPath(), time, release.note()), again);
            }
        }));
    }

    /** Gives back pins whose way back was refused, at most {@code limit} of them. One call at a time. */
    void retry(long time, int limit) {
        // Taken out before the first goes: what is refused at once comes in again behind them.
        List<ForkRelease> again = new ArrayList<>();
        while (again.size() < limit && !refused.isEmpty()) {
            again.add(refused.remove());
        }
        again.forEach(release -> release(release, time));
    }

    /** True if {@link #retry} has something to do. */
    boolean hasRefused() {
        return !refused.isEmpty();
    }

    /** Delivers what an earlier run left undone. */
    void recover(Iterable<ForkRelease> undone, long time) {
        undone.forEach(release -> release(release, time));
    }

    private static <A, B> Reply<A> then(Reply<B> failures, Consumer<A> action) {
        return new Reply<>() {
            @Override
            public void done(A outcome) {
                action.accept(outcome);
            }

            @Override
            public void failed(Exception failure) {
                failures.failed(failure);
            }
        };
    }

    static <A> Reply<A> ignore() {
        return new Reply<>() {
            @Override
            public void done(A outcome) {}

            @Override
            public void failed(Exception failure) {
                // What it was about is still in the store, and the next sweep finds it there.
            }
        };
    }
}
