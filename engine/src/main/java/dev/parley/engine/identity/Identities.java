package dev.parley.engine.identity;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The identities that a data folder has had. Offsets, for example, contain the newest one, so that they are not taken
 * for those of another folder, or of a time before a restore.
 *
 * @param since the journal position of the first identity: offsets from before contain none
 * @param first whether there is nothing from before
 * @param values oldest first; never empty
 */
public record Identities(long since, boolean first, List<Long> values) {
    /** The greatest number of identities that are remembered. Older ones are treated as those of another folder. */
    public static final int MAX_REMEMBERED = 64;

    private static final byte[] KEY = "identities".getBytes(StandardCharsets.UTF_8);
    private static final int VERSION = 1;

    /** The present identity. */
    public long newest() {
        return values.getLast();
    }

    /** Whether the folder was restored from a backup since it has an identity. */
    public boolean wasRestored() {
        return values.size() > 1;
    }

    /** The identities in {@code store}, or null before the first command. */
    public static @Nullable Identities in(Store store) {
        return decode(store.get(Table.META, KEY));
    }

    /** Applies {@code command}, which is at {@code position} in the journal. */
    public static Identities apply(Identify command, long position, StoreTx rows) {
        Identities before = decode(rows.get(Table.META, KEY));
        if (before != null && command.first()) {
            // The command was submitted twice, or by two nodes that begin a log together. The first one counts.
            return before;
        }
        List<Long> values = new ArrayList<>(before == null ? List.of() : before.values());
        values.add(command.value());
        Identities after = new Identities(
                before == null ? position : before.since(),
                before == null ? command.first() : before.first(),
                List.copyOf(values.subList(Math.max(0, values.size() - MAX_REMEMBERED), values.size())));
        rows.put(Table.META, KEY, after.encode());
        return after;
    }

    private byte[] encode() {
        BinaryWriter out =
                new BinaryWriter(32).u8(VERSION).fixed64(since).bool(first).varint(values.size());
        values.forEach(out::fixed64);
        return out.toBytes();
    }

    private static @Nullable Identities decode(byte @Nullable [] row) {
        if (row == null) {
            return null;
        }
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        long since = in.fixed64();
        boolean first = in.bool();
        List<Long> values = new ArrayList<>();
        for (int left = in.count(); left > 0; left--) {
            values.add(in.fixed64());
        }
        return new Identities(since, first, List.copyOf(values));
    }
}
