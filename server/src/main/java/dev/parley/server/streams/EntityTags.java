package dev.parley.server.streams;

import dev.parley.engine.stream.StreamState;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The entity tags of answers: strings by which clients and caches recognise an answer that they have. A tag names the part of
 * the stream that the answer has, so that the answer to a condition is found without reading anything.
 */
final class EntityTags {
    private static final String FULL = ":f";
    private static final String CLOSED = ":c";
    private static final String COMPRESSED = "-gzip";
    private static final Pattern TAG_END = Pattern.compile("([0-9]{1,18})(:[cf])?(-gzip)?\"");

    private final Offsets offsets;

    EntityTags(Offsets offsets) {
        this.offsets = offsets;
    }

    /**
     * The beginning of the tags of all answers that start at {@code start}. No other stream, in this or another data
     * folder, has tags with this beginning.
     */
    private static String beginning(Offsets offsets, StreamState state, long start) {
        return '"' + offsets.name(state) + ':' + start + ':';
    }

    /**
     * The tag of an answer. An answer that was full before the tail, and therefore stays as it is, has another tag than one
     * that ends at the tail. The tag also changes when the stream is closed, because closing changes no byte, and clients
     * must notice it nevertheless.
     */
    static String tag(Offsets offsets, StreamState state, long start, long to, boolean compressed) {
        String kind = to < state.shown() ? FULL : state.closed() ? CLOSED : "";
        return beginning(offsets, state, start) + to + kind + (compressed ? COMPRESSED : "") + '"';
    }

    String tag(StreamState state, long start, long to, boolean compressed) {
        return tag(offsets, state, start, to, compressed);
    }

    /** An answer that the client has, and that is still the answer. */
    record Known(long to, boolean compressed) {}

    /**
     * The answer that the client has, if it is still the answer, or null. Nothing is read: the end in the tag is compared
     * with the tail.
     *
     * @param condition the header If-None-Match, or null
     * @param compresses whether the client may get a compressed answer
     */
    @Nullable
    Known unchanged(@Nullable String condition, StreamState state, long start, boolean compresses) {
        if (condition == null) {
            return null;
        }
        String ours = beginning(offsets, state, start);
        for (String candidate : condition.split(",", -1)) {
            String tag = strong(candidate);
            if (tag.startsWith(ours)) {
                Matcher end = TAG_END.matcher(tag).region(ours.length(), tag.length());
                if (end.matches()) {
                    long to = Long.parseLong(end.group(1));
                    boolean compressed = end.group(3) != null;
                    if (to >= start
                            && to <= state.shown()
                            && (!compressed || compresses)
                            && tag.equals(tag(state, start, to, compressed))) {
                        return new Known(to, compressed);
                    }
                }
            }
        }
        return null;
    }

    /** Whether a condition names {@code tag}, or any tag. */
    static boolean matches(@Nullable String condition, String tag) {
        if (condition == null) {
            return false;
        }
        for (String candidate : condition.split(",", -1)) {
            if (candidate.strip().equals("*") || strong(candidate).equals(tag)) {
                return true;
            }
        }
        return false;
    }

    /** The tag without the mark of weak tags. */
    private static String strong(String candidate) {
        String stripped = candidate.strip();
        return stripped.startsWith("W/") ? stripped.substring(2) : stripped;
    }
}
