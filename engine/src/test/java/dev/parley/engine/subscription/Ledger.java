package dev.parley.engine.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.store.RocksStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.StoreTx;
import java.nio.file.Path;
import java.util.Objects;

/** Subscriptions over a real store, without an engine: commands go through their encoding and are applied at once. */
final class Ledger implements AutoCloseable {
    private final Store store;
    private Subscriptions subscriptions;
    private long position;

    Ledger(Path folder) {
        store = new RocksStore(folder, 1 << 20, 8 << 20);
        restart();
    }

    @SuppressWarnings("unchecked") // a command's outcome is of its type parameter
    <O extends SubscriptionOutcome> O apply(SubscriptionCommand<O> command) {
        BinaryWriter journalRecord = new BinaryWriter(64);
        SubscriptionCommandCodec.write(command, journalRecord);
        BinaryReader in = new BinaryReader(journalRecord.toBytes());
        SubscriptionCommand<?> read = SubscriptionCommandCodec.read(in.u8(), in);
        assertThat(in.remaining()).isZero();
        assertThat(read).isEqualTo(command);

        StoreTx rows = new StoreTx(store);
        SubscriptionTx tx = new SubscriptionTx(subscriptions, rows);
        SubscriptionOutcome outcome = SubscriptionMachine.apply(read, ++position, tx);
        tx.write();
        rows.commit();
        tx.show();
        return (O) outcome;
    }

    /** Forgets what is in memory and reads the store. */
    void restart() {
        subscriptions = new Subscriptions(store, Memory.ofHeap().subscriptions());
    }

    Subscriptions subscriptions() {
        return subscriptions;
    }

    Subscription get(String id) {
        return Objects.requireNonNull(subscriptions.find(id));
    }

    SubscriptionState state(String id) {
        return get(id).state();
    }

    @Override
    public void close() {
        store.close();
    }
}
