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
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Takes a fork through two shards: its source grants a pin, then the fork is created with it; and when the fork is gone,
 * the source gets its pin back.
 *
 * <p>Each step is a command of its own and may be repeated. What a crash leaves between two steps, {@link #recover} mends:
 * a note of the outbox is delivered again, and a pin without a fork is given back.
 */
final class Forks {
    /** How often a create starts over because its target came and went meanwhile. */
    private static final int MAX_TRIES = 3;

    private final Submitter submitter;
    private final Supplier<String> pinIds;

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
                fork.sourcePath(), command.time(), pinIds.get(), command.path(), fork.position(), fork.subOffset());
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
        submitter.submit(pinned, new Reply<>() {
            @Override
            public void done(StreamOutcome.OfCreate outcome) {
                if (outcome instanceof StreamOutcome.Created) {
                    reply.done(outcome);
                    return;
                }
                unpin(command.time(), fork.sourcePath(), pin.sourceId(), pin.pinId(), ignored -> {});
                if (outcome instanceof StreamOutcome.PinNeeded) {
                    create(command, reply, triesLeft);
                } else {
                    reply.done(outcome);
                }
            }

            @Override
            public void failed(Exception failure) {
                unpin(command.time(), fork.sourcePath(), pin.sourceId(), pin.pinId(), ignored -> {});
                reply.failed(failure);
            }
        });
    }

    /** Gives a gone fork's pin back to its source and then drops the note of it. */
    void release(ForkRelease release, long time) {
        unpin(time, release.sourcePath(), release.sourceId(), release.pinId(), outcome -> {
            if (release.note() != StreamCommand.NONE) {
                submitter.submit(new Settle(release.forkPath(), time, release.note()), ignore());
            }
        });
    }

    /** Delivers what an earlier run left undone. */
    void recover(Iterable<ForkRelease> undone, long time) {
        undone.forEach(release -> release(release, time));
    }

    private void unpin(long time, String path, long id, String pinId, Consumer<StreamOutcome.OfTouch> andThen) {
        submitter.submit(new Unpin(path, time, id, pinId), new Reply<>() {
            @Override
            public void done(StreamOutcome.OfTouch outcome) {
                andThen.accept(outcome);
            }

            @Override
            public void failed(Exception failure) {
                // The pin or the note stays in the store, and the next start gives it back.
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
                // The note stays in the store, and the next start delivers it again.
            }
        };
    }
}
