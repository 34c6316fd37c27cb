package dev.parley.engine;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.SubmissionId;
import dev.parley.engine.life.Boot;
import dev.parley.engine.life.Lives;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.registry.RegistryMachine;
import dev.parley.engine.registry.RegistryTx;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.machine.SessionMachine;
import dev.parley.engine.session.machine.SessionTx;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.stream.ForkRelease;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamMachine;
import dev.parley.engine.stream.StreamTx;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionMachine;
import dev.parley.engine.subscription.SubscriptionTx;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Applies the durable commands of its share of all names, in journal order, one batch at a time.
 *
 * <p>A batch is applied, written to the store and shown to readers, and only then answered. When callbacks are told of
 * the batch, it is complete: an exception that they throw does not affect it. Called by one thread.
 */
final class Shard {
    /**
     * A durable command with its position in the log.
     *
     * @param id the id under which it was submitted to a shared log, or null if the log has each record once
     * @param reply waits for the outcome; null if the command was replayed, or submitted by another node
     */
    record Work(
            long position,
            Command<?> command,
            @Nullable SubmissionId id,
            @Nullable Reply<?> reply) {}

    /** Stands for the outcome of a record that has no effect; see {@link Submitters}. */
    private enum NoEffect {
        NO_EFFECT
    }

    private final int number;
    private final Store store;
    private final Projections projections;
    private final Consumer<ForkRelease> onRelease;
    private final CallbackFailures failures;
    private long applied;

    Shard(
            int number,
            Store store,
            Projections projections,
            Consumer<ForkRelease> onRelease,
            CallbackFailures failures) {
        this.number = number;
        this.store = store;
        this.projections = projections;
        this.onRelease = onRelease;
        this.failures = failures;
        byte[] mark = store.get(Table.META, markKey());
        this.applied = mark == null ? 0 : new BinaryReader(mark).fixed64();
    }

    /** Index of the shard, out of {@code shards}, that applies {@code command}. */
    static int indexOf(Command<?> command, int shards) {
        // The multiplier spreads names that differ only in their last letters.
        return shards == 1 ? 0 : Math.floorMod(command.key().hashCode() * 0x9E3779B9, shards);
    }

    /** Journal position of the last command that the store reflects. */
    long applied() {
        return applied;
    }

    /** Applies commands whose positions are after {@link #applied()}. */
    void apply(List<Work> batch) {
        StoreTx rows = new StoreTx(store);
        StreamTx streamTx = new StreamTx(projections.streams(), rows);
        SubscriptionTx subscriptionTx = new SubscriptionTx(projections.subscriptions(), rows);
        SessionTx sessionTx = new SessionTx(projections.sessions(), rows);
        RegistryTx registryTx = new RegistryTx(projections.registry(), rows);
        List<Object> outcomes = new ArrayList<>(batch.size());
        Submitters submitters = null;
        long last = applied;
        for (Work work : batch) {
            if (work.position() <= last) {
                throw new IllegalStateException("position " + work.position() + " after " + last);
            }
            last = work.position();
            if (work.id() != null) {
                submitters = submitters == null ? new Submitters(rows) : submitters;
                if (!submitters.accept(work.id())) {
                    outcomes.add(NoEffect.NO_EFFECT);
                    continue;
                }
            }
            outcomes.add(
                    switch (work.command()) {
                        case StreamCommand<?> c -> StreamMachine.apply(c, work.position(), streamTx);
                        case SubscriptionCommand<?> c -> SubscriptionMachine.apply(c, work.position(), subscriptionTx);
                        case SessionCommand<?> c -> SessionMachine.apply(c, work.position(), sessionTx);
                        case RegistryCommand<?> c -> RegistryMachine.apply(c, registryTx);
                        case Identify c -> Identities.apply(c, work.position(), rows);
                        case Boot c -> Lives.apply(c, rows);
                        default -> throw new IllegalArgumentException("no machine for " + work.command());
                    });
        }
        subscriptionTx.write();
        sessionTx.write();
        if (submitters != null) {
            submitters.write();
        }
        rows.append(Table.META, markKey(), new BinaryWriter(8).fixed64(last).toBytes());
        rows.commit();
        applied = last;
        projections.delivery().show(streamTx);
        projections.delivery().show(sessionTx);
        subscriptionTx.show();
        registryTx.show();
        // Before the replies: whoever asked for the end of something may wait for those who have heard of it.
        projections.registry().tell(registryTx, failures::run);
        for (int i = 0; i < outcomes.size(); i++) {
            Reply<?> reply = batch.get(i).reply();
            Object outcome = outcomes.get(i);
            failures.run(() -> answer(reply, outcome));
        }
        sessionTx.tell(projections.sessions(), failures::run);
        streamTx.releases().forEach(onRelease);
        failures.run(() -> projections.subscriptions().tell(streamTx.changed().keySet(), subscriptionTx.changed()));
    }

    /** Records that there is no command for this shard between {@link #applied()} and {@code position}. */
    void mark(long position) {
        if (position > applied) {
            StoreTx rows = new StoreTx(store);
            rows.append(
                    Table.META, markKey(), new BinaryWriter(8).fixed64(position).toBytes());
            rows.commit();
            applied = position;
        }
    }

    private byte[] markKey() {
        return ("applied/" + number).getBytes(StandardCharsets.UTF_8);
    }

    @SuppressWarnings("unchecked") // a command and its reply share their type parameter, and so does the outcome
    private static void answer(@Nullable Reply<?> reply, Object outcome) {
        if (reply != null && outcome == NoEffect.NO_EFFECT) {
            reply.failed(new OverloadedException("a later life of this node has begun"));
        } else if (reply != null) {
            ((Reply<Object>) reply).done(outcome);
        }
    }
}
