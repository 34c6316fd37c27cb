package dev.parley.server.realtime;

import dev.parley.engine.Reply;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.ErrorInfo;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Submits the commands of one connection to the engine, and acknowledges the requests by their outcomes. Used on the
 * connection's event loop.
 */
final class Submissions {
    /** After what time members leave a channel if the engine had no room for it before. */
    private static final long LEAVE_AGAIN_MILLIS = 100;

    private static final Logger LOG = LoggerFactory.getLogger(Submissions.class);

    private final Client client;
    private final Acks acks;
    private final Runnable onAcknowledged;
    private final Appends appends;

    /** Whether acknowledgements will be sent soon. */
    private boolean flushing;

    private boolean closed;

    /**
     * Starts without commands.
     *
     * @param onAcknowledged called when requests may have been acknowledged
     */
    Submissions(Client client, Acks acks, Runnable onAcknowledged) {
        this.client = client;
        this.acks = acks;
        this.onAcknowledged = onAcknowledged;
        this.appends = new Appends(client.loop().vertx(), client.wishes().appendWindowMillis(), this::submitAppends);
    }

    /** Refuses a request. */
    void refuse(Acks.Request request, ErrorInfo error) {
        request.refuse(error);
        flushSoon();
    }

    /** Submits an append to a message, perhaps together with others. */
    void append(Acks.Request request, SessionName session, Change append, long msgSerial) {
        appends.add(session, append, request, msgSerial);
    }

    /**
     * Submits the command of a request, after all earlier appends.
     *
     * @param refusal returns what is wrong with an outcome, or null
     */
    <O extends SessionOutcome> void submit(
            Acks.Request request, SessionCommand<O> command, Function<O, @Nullable ErrorInfo> refusal) {
        submit(request, command, refusal, () -> {});
    }

    /**
     * Submits the command of a request, after all earlier appends.
     *
     * @param refusal returns what is wrong with an outcome, or null
     * @param refused called if the command has had no effect
     */
    <O extends SessionOutcome> void submit(
            Acks.Request request,
            SessionCommand<O> command,
            Function<O, @Nullable ErrorInfo> refusal,
            Runnable refused) {
        client.footprint().requests(command.session());
        appends.flush(command.session());
        submit(command, acknowledging(request, refusal, () -> {}, refused));
    }

    /** Makes this connection's members leave the session, and runs {@code then} when they have. */
    void leave(SessionName session, Runnable then) {
        if (!client.footprint().leaves(session)) {
            then.run();
            return;
        }
        appends.flush(session);
        long epoch = client.footprint().epoch();
        var leave = new SessionCommand.Leave(session, client.site().clock().millis(), client.id(), false, epoch, null);
        client.site().engine().submit(leave, new Reply<SessionOutcome.Done>() {
            @Override
            public void done(SessionOutcome.Done outcome) {
                client.loop().post(then);
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("connection {} cannot leave {} now", client.id(), session, failure);
                client.footprint().enters(session);
                client.loop().post(() -> {
                    // If the connection ends before, they leave with it.
                    if (!closed) {
                        client.loop().vertx().setTimer(LEAVE_AGAIN_MILLIS, again -> leave(session, then));
                    }
                });
            }
        });
    }

    /** Submits all appends that were collected. What is submitted later is submitted as before. */
    void close() {
        closed = true;
        appends.flush(null);
    }

    private void submitAppends(SessionName session, long serial, List<Appends.Append> batch, Runnable done) {
        client.footprint().requests(session);
        long now = client.site().clock().millis();
        if (batch.size() == 1) {
            submitAlone(session, now, serial, batch.getFirst(), done);
            return;
        }
        List<SessionCommand.Part> parts =
                batch.stream().map(Appends.Append::part).toList();
        submit(
                new SessionCommand.Rollup(
                        session, now, client.id(), client.footprint().epoch(), serial, parts),
                new Outcome<>() {
                    @Override
                    public void done(SessionOutcome.OfPublish outcome) {
                        if (outcome instanceof SessionOutcome.Accepted accepted) {
                            for (int i = 0; i < batch.size(); i++) {
                                batch.get(i)
                                        .request()
                                        .accept(List.of(accepted.positions().get(i)));
                            }
                            flushSoon();
                            done.run();
                        } else {
                            // Each one is submitted on its own, to find out which of them is at fault. Other appends of
                            // the
                            // message wait for all of them.
                            for (int i = 0; i < batch.size(); i++) {
                                boolean last = i == batch.size() - 1;
                                submitAlone(session, now, serial, batch.get(i), last ? done : () -> {});
                            }
                        }
                    }

                    @Override
                    public void failed(ErrorInfo error) {
                        batch.forEach(append -> append.request().refuse(error));
                        flushSoon();
                        done.run();
                    }
                });
    }

    private void submitAlone(SessionName session, long time, long serial, Appends.Append append, Runnable done) {
        SessionCommand.Part part = append.part();
        var change = new Change(
                MessageEntry.Action.APPEND,
                serial,
                part.fragment(),
                part.operation(),
                part.any(),
                false,
                part.maxBytes());
        var sender = client.sender(part.msgSerial());
        submit(
                new SessionCommand.Publish(session, time, sender, List.of(change)),
                acknowledging(append.request(), Refusals::of, done, () -> {}));
    }

    /** Receives the outcome of a command, on the connection's event loop. */
    private interface Outcome<O> {
        void done(O outcome);

        void failed(ErrorInfo error);
    }

    /**
     * Acknowledges a request.
     *
     * @param refusal returns what is wrong with an outcome, or null
     * @param done called last, whatever the outcome
     * @param refused called before if the command has had no effect
     */
    private <O extends SessionOutcome> Outcome<O> acknowledging(
            Acks.Request request, Function<O, @Nullable ErrorInfo> refusal, Runnable done, Runnable refused) {
        return new Outcome<>() {
            @Override
            public void done(O outcome) {
                ErrorInfo error = refusal.apply(outcome);
                if (error == null && outcome instanceof SessionOutcome.Accepted accepted) {
                    request.accept(accepted.positions());
                } else {
                    refused.run();
                    request.refuse(error == null ? ErrorInfo.INTERNAL : error);
                }
                flushSoon();
                done.run();
            }

            @Override
            public void failed(ErrorInfo error) {
                refused.run();
                refuse(request, error);
                done.run();
            }
        };
    }

    private <O extends SessionOutcome> void submit(SessionCommand<O> command, Outcome<O> outcome) {
        client.site().engine().submit(command, new Reply<O>() {
            @Override
            public void done(O result) {
                client.loop().post(() -> outcome.done(result));
            }

            @Override
            public void failed(Exception failure) {
                client.loop().post(() -> outcome.failed(Refusals.because(failure)));
            }
        });
    }

    /** Acknowledges requests together if their outcomes arrive together. */
    private void flushSoon() {
        if (!flushing) {
            flushing = true;
            client.loop().post(() -> {
                flushing = false;
                acks.flush(client.outbox());
                onAcknowledged.run();
            });
        }
    }
}
