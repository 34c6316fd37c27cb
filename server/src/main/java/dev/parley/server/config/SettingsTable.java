package dev.parley.server.config;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The table of the settings that {@link Config} declares, and the way from their values to a {@link Config}. */
public final class SettingsTable {

    static final List<Row> ROWS = Stream.of(Config.class.getRecordComponents())
            .flatMap(section -> Stream.of(section.getType().getRecordComponents())
                    .map(setting -> new Row(
                            Config.kebab(section.getName()) + "." + Config.kebab(setting.getName()),
                            setting,
                            Objects.requireNonNull(setting.getAnnotation(Setting.class)))))
            .toList();

    private static final Map<String, Row> BY_NAME =
            ROWS.stream().collect(Collectors.toMap(Row::name, Function.identity()));

    private SettingsTable() {}

    /** One setting. */
    record Row(String name, RecordComponent component, Setting setting) {

        String environmentName() {
            return "PARLEY_" + name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
        }

        Class<?> type() {
            return component.getType();
        }

        /** Whether the setting may have no value. */
        boolean isOptional() {
            return component.getAnnotatedType().isAnnotationPresent(Nullable.class);
        }

        private String typeInWords() {
            if (type().isEnum()) {
                return Stream.of(type().getEnumConstants())
                        .map(constant -> "`" + constant.toString().toLowerCase(Locale.ROOT) + "`")
                        .collect(Collectors.joining(", "));
            }
            String unit = switch (setting.unit()) {
                case NONE -> "";
                case MILLISECONDS -> ", ms";
                case BYTES -> ", bytes";
            };
            String word = "text";
            if (type() == int.class || type() == long.class || type() == Duration.class) {
                String bounds = setting.max() == Long.MAX_VALUE
                        ? "from " + setting.min()
                        : setting.min() + " to " + setting.max();
                return "number" + unit + ", " + bounds;
            } else if (type() == boolean.class) {
                word = "`true`, `false`";
            } else if (type() == Path.class) {
                word = "path";
            } else if (type() == List.class) {
                word = "list";
            }
            return word;
        }
    }

    static @Nullable Row find(String name) {
        return BY_NAME.get(name);
    }

    /** The known name that is most similar, by the number of edits. */
    static String nearest(String wrong, Function<Row, String> naming) {
        return ROWS.stream()
                .map(naming)
                .min((a, b) -> Integer.compare(distance(wrong, a), distance(wrong, b)))
                .orElseThrow();
    }

    /** Builds the records. {@code valueOf} returns the value of a row. */
    static Config build(Function<Row, @Nullable Object> valueOf) {
        var rows = ROWS.iterator();
        Object[] sections = Stream.of(Config.class.getRecordComponents())
                .map(section -> {
                    Object[] values = Arrays.stream(section.getType().getRecordComponents())
                            .map(component -> valueOf.apply(rows.next()))
                            .toArray();
                    return instantiate(section.getType(), values);
                })
                .toArray();
        return (Config) instantiate(Config.class, sections);
    }

    private static Object instantiate(Class<?> record, Object[] values) {
        Class<?>[] types = Arrays.stream(record.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            Constructor<?> constructor = record.getDeclaredConstructor(types);
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof ConfigException cause) {
                throw cause;
            }
            throw new IllegalStateException(record + " refused its settings", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(record + " cannot be made", e);
        }
    }

    /** The table in docs/configuration.md. */
    public static String markdown() {
        var text = new StringBuilder("| setting | default | values | what it does |\n|---|---|---|---|\n");
        for (Row row : ROWS) {
            String fallback = row.setting().value();
            text.append("| `")
                    .append(row.name())
                    .append("` | ")
                    .append(fallback.isEmpty() ? "none" : "`" + fallback + "`")
                    .append(" | ")
                    .append(row.typeInWords())
                    .append(" | ")
                    .append(row.setting().doc())
                    .append(" |\n");
        }
        return text.toString();
    }

    /** The Levenshtein distance. */
    private static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        Arrays.setAll(previous, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int[] current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replace, 1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
