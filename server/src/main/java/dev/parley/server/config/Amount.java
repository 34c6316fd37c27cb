package dev.parley.server.config;

import dev.parley.server.config.Setting.Unit;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A whole number in a setting, with or without a unit, such as {@code 7d}, {@code 64MiB} or {@code 30000}. */
public final class Amount {
    private static final Pattern FORM = Pattern.compile("(-?\\d{1,19})(?: ?([A-Za-z]+))?");

    private record Scale(String name, long factor) {}

    private static final List<Scale> DURATIONS = List.of(
            new Scale("ms", 1),
            new Scale("s", 1_000),
            new Scale("m", 60_000),
            new Scale("h", 3_600_000),
            new Scale("d", 86_400_000));

    private static final List<Scale> SIZES = List.of(
            new Scale("B", 1),
            new Scale("KiB", 1L << 10),
            new Scale("MiB", 1L << 20),
            new Scale("GiB", 1L << 30),
            new Scale("TiB", 1L << 40),
            new Scale("kB", 1_000),
            new Scale("MB", 1_000_000),
            new Scale("GB", 1_000_000_000),
            new Scale("TB", 1_000_000_000_000L));

    private Amount() {}

    /**
     * The number in {@code text}: milliseconds for a duration, bytes for a size.
     *
     * @throws IllegalArgumentException with a message that says what is allowed
     */
    public static long parse(String text, Unit unit) {
        Matcher form = FORM.matcher(text);
        if (form.matches()) {
            try {
                long number = Long.parseLong(form.group(1));
                String name = form.group(2);
                if (name == null) {
                    return number;
                }
                for (Scale scale : scales(unit)) {
                    if (scale.name().equals(name)) {
                        return Math.multiplyExact(number, scale.factor());
                    }
                }
            } catch (NumberFormatException | ArithmeticException e) {
                throw new IllegalArgumentException("'" + text + "' is too large", e);
            }
        }
        throw new IllegalArgumentException("'" + text + "' is no whole number" + allowed(unit));
    }

    private static List<Scale> scales(Unit unit) {
        return switch (unit) {
            case NONE -> List.of();
            case MILLISECONDS -> DURATIONS;
            case BYTES -> SIZES;
        };
    }

    private static String allowed(Unit unit) {
        List<String> names = scales(unit).stream().map(Scale::name).toList();
        return names.isEmpty()
                ? ""
                : " of " + unit.name().toLowerCase(Locale.ROOT) + ", and none with one of the units "
                        + String.join(", ", names);
    }
}
