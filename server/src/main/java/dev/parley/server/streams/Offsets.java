package dev.parley.server.streams;

import dev.parley.engine.identity.Identities;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamState;
import org.jspecify.annotations.Nullable;

/**
 * Offsets of Durable Streams (section 8): the incarnation of the stream in 24 characters, an underscore, and the
 * position in 16 digits.
 *
 * <p>The incarnation consists of the stream's id in 11 digits to the base 36 and a mark of 13. The mark contains the
 * hash of the path, and 32 bits that are derived from the id and the identity of the data folder. The order of texts is
 * therefore the order of incarnations, then of positions; and an offset of another data folder, or of this one before a
 * restore, is not taken for a valid one. The start of every incarnation is 16 zeros, an underscore and 16 zeros, which
 * is before all other offsets. See ADR 8.
 */
public final class Offsets {
    /** The offset of the start of every stream. */
    public static final String START = "0".repeat(16) + "_" + "0".repeat(16);

    private static final int POSITION_DIGITS = 16;
    static final int ID_DIGITS = 11;
    private static final int MARK_DIGITS = 13;
    static final int NAME_LENGTH = ID_DIGITS + MARK_DIGITS;
    static final int BASE = 36;
    private static final char[] DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz".toCharArray();
    private static final String UNNAMED = "0".repeat(16);

    private final Identities identities;

    /** Offsets of the data folder that has {@code identities}. */
    public Offsets(Identities identities) {
        this.identities = identities;
    }

    /** The offset of {@code position} in {@code stream}. */
    public String render(StreamState stream, long position) {
        return render(stream.place(position));
    }

    /** The offset of {@code position} in the incarnation with id {@code streamId}, which is or was at {@code path}. */
    public String render(long streamId, String path, long position) {
        return render(new Place.Named(streamId, path.hashCode(), position));
    }

    private String render(Place.Named place) {
        if (place.position() == 0) {
            return START;
        }
        char[] text = new char[NAME_LENGTH + 1 + POSITION_DIGITS];
        name(text, place.streamId(), place.pathHash());
        text[NAME_LENGTH] = '_';
        decimal(text, NAME_LENGTH + 1, POSITION_DIGITS, place.position());
        return new String(text);
    }

    /** The name of {@code stream} in tags of answers. */
    String name(StreamState stream) {
        return name(stream.id(), stream.pathHash());
    }

    /** The name of an incarnation of something else than a stream, whose own name has this hash. */
    String name(long id, int nameHash) {
        char[] text = new char[NAME_LENGTH];
        name(text, id, nameHash);
        return new String(text);
    }

    private void name(char[] text, long streamId, int pathHash) {
        base36(text, 0, ID_DIGITS, streamId);
        long seal = seal(identities.newest(), streamId);
        long mark = (long) (pathHash ^ (int) seal) << 32 | seal >>> 32;
        base36(text, ID_DIGITS, MARK_DIGITS, mark);
    }

    /** Writes an unsigned number. Every append is answered with one, and a division by a constant is much faster. */
    private static void base36(char[] text, int at, int count, long number) {
        long rest = number;
        int end = at + count;
        if (rest < 0) {
            text[--end] = DIGITS[(int) Long.remainderUnsigned(rest, BASE)];
            rest = Long.divideUnsigned(rest, BASE);
        }
        while (end > at) {
            long quotient = rest / BASE;
            text[--end] = DIGITS[(int) (rest - quotient * BASE)];
            rest = quotient;
        }
    }

    private static void decimal(char[] text, int at, int count, long number) {
        long rest = number;
        for (int end = at + count; end > at; ) {
            long quotient = rest / 10;
            text[--end] = DIGITS[(int) (rest - quotient * 10)];
            rest = quotient;
        }
    }

    /** Bits that nobody can guess without the identity. The mixing function is that of SplitMix64. */
    private static long seal(long identity, long streamId) {
        long z = identity + streamId * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** The place that {@code offset} names, or null if this data folder has never given it out. */
    public @Nullable Place parse(String offset) {
        int positionAt = offset.length() - POSITION_DIGITS;
        if (positionAt < 1 || offset.charAt(positionAt - 1) != '_') {
            return null;
        }
        long position = number(offset, positionAt, POSITION_DIGITS, 10);
        if (position < 0) {
            return null;
        }
        int nameLength = positionAt - 1;
        if (nameLength == UNNAMED.length() && offset.startsWith(UNNAMED)) {
            return unnamed(position);
        }
        return nameLength == NAME_LENGTH ? named(offset, position) : null;
    }

    /** The place of an offset in the form of earlier versions, which did not name incarnations. */
    private @Nullable Place unnamed(long position) {
        if (position == 0) {
            return new Place.Start();
        }
        if (identities.first()) {
            return null;
        }
        // After a restore, it is not certain that it belongs to the present data.
        return new Place.Unnamed(identities.wasRestored() ? 0 : identities.since(), position);
    }

    private @Nullable Place named(String offset, long position) {
        long streamId = number(offset, 0, ID_DIGITS, BASE);
        if (streamId < 0) {
            return null;
        }
        long mark;
        try {
            mark = Long.parseUnsignedLong(offset, ID_DIGITS, NAME_LENGTH, BASE);
        } catch (NumberFormatException e) {
            return null;
        }
        for (int i = identities.values().size() - 1; i >= 0; i--) {
            long seal = seal(identities.values().get(i), streamId);
            if ((int) (seal >>> 32) == (int) mark) {
                int pathHash = (int) (mark >>> 32) ^ (int) seal;
                return i == identities.values().size() - 1
                        ? new Place.Named(streamId, pathHash, position)
                        : new Place.Lapsed(pathHash);
            }
        }
        return null;
    }

    /**
     * Parses a number of this number of digits. Returns -1 if it is not one, or too large. Upper case was never used.
     */
    static long number(String text, int at, int count, int base) {
        long number = 0;
        for (int i = at; i < at + count; i++) {
            char c = text.charAt(i);
            int digit = c >= 'A' && c <= 'Z' ? -1 : Character.digit(c, base);
            if (digit < 0 || c > 'z') {
                return -1;
            }
            number = number * base + digit;
        }
        return number;
    }
}
