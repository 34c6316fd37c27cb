package dev.parley.engine.session.erasure;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Tombstone;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What remains of erased sessions lies in the store as it always did. */
class ErasureFormatTest {
    private static final long TIME = 1_700_000_000_000L;

    @Test
    void erasures() throws IOException {
        GoldenBytes golden = new GoldenBytes("erasures");
        golden.bytes("tombstoneKey", ErasureRows.tombstoneKey(NAME.key()));
        golden.example(
                "tombstone of a session",
                new Tombstone(NAME, ID, TIME, "client", "txid", SERIAL, 0),
                ErasureRows::tombstone,
                ErasureRows::tombstone);
        golden.example(
                "tombstone of a session that is purged",
                new Tombstone(NAME, ID, TIME, null, null, SERIAL, TIME + 300),
                ErasureRows::tombstone,
                ErasureRows::tombstone);
        golden.example("pendingKey", ID, ErasureRows::pendingKey, ErasureRows::pending);
        golden.bytes("pendingEnd", ErasureRows.pendingEnd());
        golden.example("pending of a session", NAME, ErasureRows::pending, ErasureRows::name);
        golden.haveAllOf(ErasureRows.class);
        golden.complete();
    }
}
