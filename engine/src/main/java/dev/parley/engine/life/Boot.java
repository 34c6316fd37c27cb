package dev.parley.engine.life;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.command.Command;

/**
 * A node begins a life. This ends the life that it had before, with all connections of it. The outcome is the number of the
 * life, see {@link Lives}.
 *
 * @param node the node; the only one of a local log is 0
 */
public record Boot(long time, long node) implements Command<Long> {
    private static final int KIND = 97;
    private static final int VERSION = 1;

    @Override
    public String key() {
        return "";
    }

    @Override
    public int weight() {
        return 64;
    }

    @Override
    public boolean stores() {
        return false;
    }

    /** True if a record of this kind is such a command. */
    public static boolean isKind(int kind) {
        return kind == KIND;
    }

    /** Writes the command. */
    public void write(BinaryWriter out) {
        out.u8(KIND).u8(VERSION).varint(time).fixed64(node);
    }

    /** Reads a command whose kind byte has been read. */
    public static Boot read(int kind, BinaryReader in) {
        if (!isKind(kind)) {
            throw new MalformedBinaryException("an unknown command of kind " + kind, null);
        }
        in.version(VERSION);
        return new Boot(in.varint(), in.fixed64());
    }
}
