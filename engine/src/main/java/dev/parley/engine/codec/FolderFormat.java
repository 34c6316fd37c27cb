package dev.parley.engine.codec;

/**
 * The number of the format of all that a data folder holds: journal, commands, tables and rows, taken together. Each may
 * have versions of its own; this number tells an older program, before it has touched anything, that it cannot read the
 * folder. ADR 9 says when to raise it.
 */
public final class FolderFormat {
    /** What this program writes. It reads everything from format 1 on. */
    public static final int NEWEST = 2;

    private FolderFormat() {}
}
