package dev.parley.engine.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The identities of a data folder lie in the store as they always did. */
class IdentityFormatTest {
    private static final byte[] KEY = "identities".getBytes(StandardCharsets.UTF_8);

    @Test
    void rows() throws IOException {
        GoldenBytes golden = new GoldenBytes("identity");
        SimulatedStore store = new SimulatedStore();
        for (boolean first : new boolean[] {true, false}) {
            store.write(List.of(new Change.Remove(Table.META, KEY)));
            StoreTx rows = new StoreTx(store);
            Identities.apply(new Identify(7, -2, first), 64, rows);
            Identities twice = Identities.apply(new Identify(8, 0x0102_0304_0506L, false), 128, rows);
            rows.commit();
            golden.example(
                    first ? "identities, the first one at the beginning" : "identities, the first one later",
                    twice,
                    written -> row(store),
                    IdentityFormatTest::read);
        }
        golden.complete();
    }

    private static byte[] row(SimulatedStore store) {
        byte[] row = store.get(Table.META, KEY);
        assertThat(row).isNotNull();
        return row;
    }

    private static Identities read(byte[] row) {
        SimulatedStore store = new SimulatedStore();
        store.write(List.of(new Change.Put(Table.META, KEY, row)));
        Identities read = Identities.in(store);
        assertThat(read).isNotNull();
        return read;
    }
}
