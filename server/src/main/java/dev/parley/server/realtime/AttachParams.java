package dev.parley.server.realtime;

import dev.parley.engine.session.Positions;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.WireException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The options that a client has set for its attachment.
 *
 * @param echoed the parameters that the server understood
 * @param modes the modes that the client asks for
 * @param rewind the part of the history that the client wants first, or null
 * @param whole whether messages are always sent whole, never as an append
 * @param occupancy whether the client wants to receive occupancy
 */
record AttachParams(
        Map<String, String> echoed, long modes, @Nullable Rewind rewind, boolean whole, boolean occupancy) {
    private static final Pattern REWIND = Pattern.compile("([0-9]{1,9})([sm]?)");
    private static final Map<String, Integer> MODES = Map.of(
            "presence", Flags.PRESENCE,
            "publish", Flags.PUBLISH,
            "subscribe", Flags.SUBSCRIBE,
            "presence_subscribe", Flags.PRESENCE_SUBSCRIBE,
            "annotation_publish", Flags.ANNOTATION_PUBLISH,
            "annotation_subscribe", Flags.ANNOTATION_SUBSCRIBE,
            "object_subscribe", Flags.OBJECT_SUBSCRIBE,
            "object_publish", Flags.OBJECT_PUBLISH);

    /**
     * A number of messages, or the messages of a period.
     *
     * @param wanted the greatest number of messages
     * @param millis the length of the period; 0 means that there is no limit of age
     */
    record Rewind(int wanted, long millis) {
        static final int MAX_MESSAGES = 100;

        /** Where to begin at {@code now}. */
        long from(long now) {
            return millis == 0 ? Positions.START + 1 : Positions.startOf(Math.max(0, now - millis));
        }
    }

    /**
     * Reads the options of an ATTACH.
     *
     * @param flags its flags; the parameter for modes takes precedence over the modes in the flags
     * @param inName the parameters in the channel's name
     */
    static AttachParams read(long flags, Map<String, String> inName, Map<String, String> params) throws WireException {
        Map<String, String> all = new LinkedHashMap<>(inName);
        all.putAll(params);
        Map<String, String> echoed = new LinkedHashMap<>();
        long modes = flags & Flags.ALL_MODES;
        Rewind rewind = null;
        boolean whole = false;
        boolean occupancy = false;
        for (var param : all.entrySet()) {
            String value = param.getValue();
            boolean known = true;
            switch (param.getKey()) {
                case "rewind" -> rewind = rewind(value);
                case "modes" -> modes = modes(value);
                case "appendMode" -> {
                    whole = value.equals("full");
                    known = whole;
                }
                case "occupancy" -> {
                    occupancy = value.equals("metrics") || value.startsWith("metrics.");
                    known = occupancy;
                }
                // The parameter allows the server to send differences. The server sends every message whole, which
                // every client must be able to receive anyway.
                case "delta" -> known = value.equals("vcdiff");
                default -> known = false;
            }
            if (known) {
                echoed.put(param.getKey(), value);
            }
        }
        return new AttachParams(echoed, modes == 0 ? Flags.DEFAULT_MODES : modes, rewind, whole, occupancy);
    }

    /**
     * The same options for a channel with a filter. A filter judges whole messages, and such a channel shows nothing
     * but messages.
     */
    AttachParams filtered() {
        return new AttachParams(echoed, modes & Flags.SUBSCRIBE, rewind, true, occupancy);
    }

    private static Rewind rewind(String value) throws WireException {
        Matcher parts = REWIND.matcher(value);
        if (!parts.matches()) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The parameter rewind is a number of messages, or a time such as 15s or 2m."));
        }
        int number = Integer.parseInt(parts.group(1));
        return switch (parts.group(2)) {
            case "s" -> new Rewind(Integer.MAX_VALUE, Math.max(1, number * 1_000L));
            case "m" -> new Rewind(Integer.MAX_VALUE, Math.max(1, number * 60_000L));
            default -> new Rewind(number, 0);
        };
    }

    private static long modes(String value) throws WireException {
        long modes = 0;
        for (String name : value.split(",", -1)) {
            Integer mode = MODES.get(name.strip().toLowerCase(Locale.ROOT));
            if (mode == null) {
                throw new WireException(ErrorInfo.invalidValue("There is no mode '" + name + "'."));
            }
            modes |= mode;
        }
        return modes;
    }
}
