package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.stream.ForkRelease;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Inherited;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Pinned;
import dev.parley.engine.stream.StreamCommand.Settle;
import dev.parley.engine.stream.StreamCommand.Unpin;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.Streams;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/**
 * Creates and releases forks whose source may be in another shard. To create a fork, the source grants a pin, and the
 * fork is then created with it. When the fork is gone, the pin is given back to the source.
 *
 * <p>Each step is a command of its own and may be repeated. {@link #recover} completes the steps that a crash left
 * undone: a note in the outbox is delivered again, and a pin without a fork is given back. {@link #retry} repeats
 * commands that were refused because too many commands were waiting or the disk was full.
 */
final class Forks {
    /** How often a create is repeated because its target or its source appeared and disappeared meanwhile. */
    private static final int MAX_TRIES = 3;

    private final Submitter submitter;
    private final Streams streams;
    private final PinIds pinIds;
    /**
     * Pins whose release was refused. Each pin is here once or twice, so the queue is never much longer than there are
     * pins.
     */
    private final Queue<ForkRelease> refused = new ConcurrentLinkedQueue<>();

    /** Submits a command to the journal. */
    interface Submitter {
        <O> void submit(Command<O> command, Reply<O> reply);
    }

    Forks(Submitter submitter, Streams streams, PinIds pinIds) {
        this.submitter = submitter;
        this.streams = streams;
        this.pinIds = pinIds;
    }

    /** Creates a fork. If the target already exists, this is answered without asking the source. */
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
        Inherited inherited =
                fork.subOffset() > 0 ? streams.inherited(fork.sourcePath(), fork.place()) : new Inherited.Unknown();
        Pin pin = new Pin(
                fork.sourcePath(),
                command.time(),
                pinIds.next(),
                command.path(),
                fork.place(),
                fork.subOffset(),
                inherited);
        submitter.submit(pin, then(reply, granted -> {
            if (granted instanceof StreamOutcome.PinGranted grant) {
                createPinned(command, fork, grant.pin(), reply, triesLeft);
            } else if (granted instanceof StreamOutcome.EntryNeeded && triesLeft > 0) {
                pin(command, fork, reply, triesLeft - 1);
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

    /** Gives the pin of an erased fork back to its source, and then drops the note about it if there is one. */
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

    /** Repeats up to {@code limit} releases that were refused. One call at a time. */
    void retry(long time, int limit) {
        // Removed from the queue before the first release is repeated, because a release that is refused again is put
        // back at the end.
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

    /**
     * Repeats the releases that were not completed, and gives back pins whose forks were not created.
     *
     * @param orphans pins without a fork; only those for which an earlier life of this node asked are given back
     */
    void recover(Iterable<ForkRelease> undone, Iterable<ForkRelease> orphans, long time) {
        undone.forEach(release -> release(release, time));
        orphans.forEach(orphan -> {
            if (pinIds.isOwn(orphan.pinId())) {
                release(orphan, time);
            }
        });
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
                // The reason for the command is still in the store, where the next sweep finds it.
            }
        };
    }
}
