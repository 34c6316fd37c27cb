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
 * How a client wants to be attached.
 *
 * @param echoed the parameters that were understood
 * @param modes what it asks for
 * @param rewind the past that it wants first, or null
 * @param whole whether messages always come whole, never as an append
 * @param occupancy whether it wants to be told who is attached
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
     * A number of messages, or those of a time.
     *
     * @param wanted how many at most
     * @param millis 0: as old as they may be
     */
    record Rewind(int wanted, long millis) {
        static final int MAX_MESSAGES = 100;

        /** How many it can be. */
        int limit() {
            return Math.min(wanted, MAX_MESSAGES);
        }

        /** Where to begin at {@code now}. */
        long from(long now) {
            return millis == 0 ? Positions.START + 1 : Positions.startOf(Math.max(0, now - millis));
        }
    }

    /**
     * What an ATTACH says.
     *
     * @param flags its flags; the parameter goes before the modes in it
     * @param inName the parameters that stand in the channel's name
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
                // It allows us to send differences; each message is sent whole, which every client must expect anyway.
                case "delta" -> known = value.equals("vcdiff");
                default -> known = false;
            }
            if (known) {
                echoed.put(param.getKey(), value);
            }
        }
        return new AttachParams(echoed, modes == 0 ? Flags.DEFAULT_MODES : modes, rewind, whole, occupancy);
    }

    /** The same for a channel with a filter, which judges messages as wholes and shows nothing else. */
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
