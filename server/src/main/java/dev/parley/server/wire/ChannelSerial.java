package dev.parley.server.wire;

import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A client's place in a channel, which ATTACHED and all frames with entries carry in {@code channelSerial}. While a
 * client is being sent messages from before its attach point, its place also says which of them are still to come, so
 * that a client whose connection is cut meanwhile gets the rest when it comes back.
 *
 * <p>The text is the serial of the position, followed by {@code c} and a serial if there are cancels to come, and by
 * {@code r} and a serial if there are messages of a rewind to come. Clients treat it as opaque.
 *
 * @param position the position up to which the client has everything, except for the messages that are still to come
 * @param cancelsFrom the position at which the cancels begin that are still to come, or {@link #NONE}
 * @param rewindFrom the position at which the messages of the rewind begin that are still to come, or {@link #NONE}
 */
public record ChannelSerial(long position, long cancelsFrom, long rewindFrom) {
    /** Says that no such messages are to come. */
    public static final long NONE = -1;

    private static final char CANCELS = 'c';
    private static final char REWIND = 'r';

    /** The place of a client that has everything up to {@code position}. */
    public static ChannelSerial at(long position) {
        return new ChannelSerial(position, NONE, NONE);
    }

    /** Whether no messages from before the position are still to come. */
    public boolean isComplete() {
        return cancelsFrom == NONE && rewindFrom == NONE;
    }

    /** The place as text. */
    public String render() {
        String text = Serials.render(position);
        text += cancelsFrom == NONE ? "" : CANCELS + Serials.render(cancelsFrom);
        return text + (rewindFrom == NONE ? "" : REWIND + Serials.render(rewindFrom));
    }

    /** Parses the place that a client sends. Returns null if this server has never given it out. */
    public static @Nullable ChannelSerial parse(@Nullable String text) {
        if (text == null || text.length() < Serials.LENGTH) {
            return null;
        }
        OptionalLong position = Serials.parse(text.substring(0, Serials.LENGTH));
        long cancelsFrom = NONE;
        long rewindFrom = NONE;
        int at = Serials.LENGTH;
        OptionalLong cancels = part(text, at, CANCELS);
        if (cancels.isPresent()) {
            cancelsFrom = cancels.getAsLong();
            at += 1 + Serials.LENGTH;
        }
        OptionalLong rewind = part(text, at, REWIND);
        if (rewind.isPresent()) {
            rewindFrom = rewind.getAsLong();
            at += 1 + Serials.LENGTH;
        }
        if (position.isEmpty() || at != text.length()) {
            return null;
        }
        long end = position.getAsLong();
        boolean ordered = cancelsFrom <= end && rewindFrom <= end && (rewindFrom == NONE || cancelsFrom < rewindFrom);
        return ordered ? new ChannelSerial(end, cancelsFrom, rewindFrom) : null;
    }

    private static OptionalLong part(String text, int at, char name) {
        int end = at + 1 + Serials.LENGTH;
        return text.length() >= end && text.charAt(at) == name
                ? Serials.parse(text.substring(at + 1, end))
                : OptionalLong.empty();
    }
}
