package dev.parley.client;

import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a client wants from a session that it attaches.
 *
 * @param modes what it wants to do; empty for the server's default: messages, presence, and publishing annotations
 * @param rewindMessages how many of the newest messages are delivered first, up to 100; 0 for none
 * @param rewind how far back messages are delivered first; null for not at all
 * @param from the position after which delivery begins, as {@link Session#position} has returned it earlier, perhaps in
 *     another process; null to begin at the end of the log
 * @param wholeMessages whether growing messages are always delivered whole, as {@link Message.Action#UPDATE}
 * @param queueEvents how many events may wait for the session's listeners before the connection is paused
 * @param queueBytes how many bytes of events, as they are on the wire, may wait for them
 */
public record SessionOptions(
        Set<Mode> modes,
        int rewindMessages,
        @Nullable Duration rewind,
        @Nullable String from,
        boolean wholeMessages,
        int queueEvents,
        int queueBytes) {
    /** Everything as the server does it by default; 1,000 events or 1 MiB may wait. */
    public static final SessionOptions DEFAULT = new SessionOptions(Set.of(), 0, null, null, false, 1_000, 1 << 20);

    /** What a client can do in a session that it has attached. Each needs the capability of the same name. */
    public enum Mode {
        /** Be a presence member. */
        PRESENCE(1 << 16),
        /** Publish messages. */
        PUBLISH(1 << 17),
        /** Receive messages. */
        SUBSCRIBE(1 << 18),
        /** Receive presence events. */
        PRESENCE_SUBSCRIBE(1 << 19),
        /** Publish annotations. */
        ANNOTATION_PUBLISH(1 << 21),
        /** Receive annotations one by one; without it only their summaries. */
        ANNOTATION_SUBSCRIBE(1 << 22),
        /** Receive changes of shared objects. */
        OBJECT_SUBSCRIBE(1 << 24),
        /** Change shared objects. */
        OBJECT_PUBLISH(1 << 25);

        private final int flag;

        Mode(int flag) {
            this.flag = flag;
        }
    }

    /** Checks the sizes. */
    public SessionOptions {
        modes = Set.copyOf(modes);
        if (rewindMessages < 0 || queueEvents < 1 || queueBytes < 1) {
            throw new IllegalArgumentException("The sizes are not negative, and those of the queue not 0.");
        }
    }

    /**
     * {@return the same with these modes}
     *
     * @param first a mode
     * @param more further modes
     */
    public SessionOptions withModes(Mode first, Mode... more) {
        return new SessionOptions(
                EnumSet.of(first, more), rewindMessages, rewind, from, wholeMessages, queueEvents, queueBytes);
    }

    /**
     * {@return the same with the newest messages first}
     *
     * @param messages how many, up to 100
     */
    public SessionOptions withRewind(int messages) {
        return new SessionOptions(modes, messages, null, from, wholeMessages, queueEvents, queueBytes);
    }

    /**
     * {@return the same with the messages of this time first}
     *
     * @param time how far back, in whole seconds
     */
    public SessionOptions withRewind(Duration time) {
        return new SessionOptions(modes, 0, time, from, wholeMessages, queueEvents, queueBytes);
    }

    /**
     * {@return the same from this position on}
     *
     * @param position as {@link Session#position} has returned it; null for the end of the log
     */
    public SessionOptions withFrom(@Nullable String position) {
        return new SessionOptions(modes, rewindMessages, rewind, position, wholeMessages, queueEvents, queueBytes);
    }

    /**
     * {@return the same with a queue of this size}
     *
     * @param events how many events may wait
     * @param bytes how many bytes of events may wait
     */
    public SessionOptions withQueue(int events, int bytes) {
        return new SessionOptions(modes, rewindMessages, rewind, from, wholeMessages, events, bytes);
    }

    /** The modes as the protocol has them; 0 for the server's default. */
    int flags() {
        int flags = 0;
        for (Mode mode : modes) {
            flags |= mode.flag;
        }
        return flags;
    }

    /** The parameters of an ATTACH. */
    Map<String, String> params() {
        Map<String, String> params = new LinkedHashMap<>();
        if (rewindMessages > 0) {
            params.put("rewind", Integer.toString(rewindMessages));
        } else if (rewind != null) {
            params.put("rewind", Math.max(1, rewind.toSeconds()) + "s");
        }
        if (wholeMessages) {
            params.put("appendMode", "full");
        }
        return params;
    }
}
