package dev.parley.engine.identity;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.command.Command;

/**
 * Gives the data folder an identity. This is the first command in every log, and comes again when the folder was
 * restored from a backup.
 *
 * @param value a random number from the submitter
 * @param first whether nothing is in the log before it
 */
public record Identify(long time, long value, boolean first) implements Command<Identities> {
    private static final int KIND = 96;
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

    /** Whether a record of this kind is such a command. */
    public static boolean isKind(int kind) {
        return kind == KIND;
    }

    /** Writes the command. */
    public void write(BinaryWriter out) {
        out.u8(KIND).u8(VERSION).varint(time).fixed64(value).bool(first);
    }

    /** Reads a command whose kind byte has been read. */
    public static Identify read(int kind, BinaryReader in) {
        if (!isKind(kind)) {
            throw new MalformedBinaryException("an unknown command of kind " + kind, null);
        }
        in.version(VERSION);
        return new Identify(in.varint(), in.fixed64(), in.bool());
    }
}
