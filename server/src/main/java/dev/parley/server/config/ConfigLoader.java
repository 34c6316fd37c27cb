package dev.parley.server.config;

import dev.parley.server.apps.Namespace;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Collects the values of settings. A flag takes precedence over the environment, the environment over the file, and the
 * file over the default.
 */
public final class ConfigLoader {

    /** Variables with the prefix of settings that belong to the launcher or to commands that ask a server, or name the file. */
    private static final Set<String> NOT_SETTINGS = Set.of(
            "PARLEY_CONFIG",
            "PARLEY_URL",
            "PARLEY_KEY",
            "PARLEY_TRAIN",
            "PARLEY_SKIP_BUILD",
            "PARLEY_JAVA_HOME",
            "PARLEY_JAVA_OPTS",
            "PARLEY_TEST_FULL");

    private final Map<String, Given> file = new HashMap<>();
    private final Map<String, Given> environment = new HashMap<>();
    private final Map<String, Given> flags = new HashMap<>();

    /** A value as it was written, and its source, with which every error message about it begins. */
    private record Given(String where, JsonNode value) {

        ConfigException wrong(String what) {
            return new ConfigException(where + ": " + what);
        }

        String text() {
            if (!value.isValueNode()) {
                throw wrong("one value is expected, not a list or a map");
            }
            return value.isNull() ? "" : value.asString().trim();
        }
    }

    public ConfigLoader file(Path path) {
        JsonNode root;
        try {
            root = yaml(Files.readString(path));
        } catch (IOException | UncheckedIOException e) {
            throw new ConfigException("The configuration: " + whyUnreadable(path, e));
        } catch (JacksonException e) {
            var where = e.getLocation();
            // Without the whole message of the exception, because it quotes the file, which may contain secrets.
            throw new ConfigException("%s: no valid YAML at line %d, column %d"
                    .formatted(path, where == null ? 0 : where.getLineNr(), where == null ? 0 : where.getColumnNr()));
        }
        if (root.isMissingNode() || root.isNull()) {
            return this;
        }
        if (!root.isObject()) {
            throw new ConfigException(path + ": settings are expected, as in 'server: {port: 4437}'");
        }
        flatten(path, "", root);
        return this;
    }

    /** Says what is wrong with a file that an operator has named. */
    public static String whyUnreadable(Path path, Exception failure) {
        return switch (failure) {
            case NoSuchFileException e -> "there is no file " + path;
            case AccessDeniedException e -> "the file " + path + " may not be read by this user";
            case CharacterCodingException e -> "the file " + path + " is not text in UTF-8";
            default ->
                Files.isDirectory(path)
                        ? path + " is a folder, a file is expected"
                        : "the file " + path + " cannot be read: " + failure.getMessage();
        };
    }

    /** Parses YAML. The mapper is created when it is needed, because that takes longer than all the rest. */
    private static JsonNode yaml(String text) {
        return YAMLMapper.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build()
                .readTree(text);
    }

    private void flatten(Path path, String prefix, JsonNode node) {
        for (var property : node.properties()) {
            String name = prefix + property.getKey();
            JsonNode value = property.getValue();
            if (SettingsTable.find(name) != null) {
                if (file.put(name, new Given(path + ": " + name, value)) != null) {
                    throw new ConfigException(path + ": " + name + " is set twice");
                }
            } else if (value.isObject()) {
                flatten(path, name + ".", value);
            } else {
                throw unknown(path.toString(), name);
            }
        }
    }

    /** Adds the settings in environment variables; {@link #unknownVariables} finds those that were not understood. */
    public ConfigLoader environment(Map<String, String> variables) {
        for (var row : SettingsTable.ROWS) {
            String value = variables.get(row.environmentName());
            if (value != null) {
                environment.put(row.name(), new Given(row.environmentName(), StringNode.valueOf(value)));
            }
        }
        return this;
    }

    /**
     * Warnings about variables that look like settings and are not. This is not an error, because container platforms
     * create variables such as PARLEY_SERVICE_HOST by themselves.
     */
    public static List<String> unknownVariables(Map<String, String> variables) {
        return variables.keySet().stream()
                .filter(name -> name.startsWith("PARLEY_") && !NOT_SETTINGS.contains(name))
                .filter(name -> SettingsTable.ROWS.stream()
                        .noneMatch(row -> row.environmentName().equals(name)))
                .sorted()
                .map(name -> "The environment variable %s is not a setting, and is ignored. The most similar one is %s."
                        .formatted(name, SettingsTable.nearest(name, SettingsTable.Row::environmentName)))
                .toList();
    }

    /** Adds values by the names of their settings. */
    public ConfigLoader flags(Map<String, String> values) {
        values.forEach((name, value) -> {
            if (SettingsTable.find(name) == null) {
                throw unknown("--set", name);
            }
            flags.put(name, new Given("--set " + name, StringNode.valueOf(value)));
        });
        return this;
    }

    public Config load() {
        return SettingsTable.build(row -> {
            for (var source : List.of(flags, environment, file)) {
                Given given = source.get(row.name());
                if (given != null) {
                    return parse(row, given);
                }
            }
            return parse(
                    row, new Given(row.name(), StringNode.valueOf(row.setting().value())));
        });
    }

    private static ConfigException unknown(String where, String name) {
        return new ConfigException("%s: there is no setting '%s'. Do you mean '%s'?"
                .formatted(where, name, SettingsTable.nearest(name, SettingsTable.Row::name)));
    }

    private static Path path(String text, Given given) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw given.wrong("no path: " + e.getReason());
        }
    }

    private static URI webAddress(String text, Given given) {
        if (text.matches("https?://[^/?#\\s]+")) {
            try {
                return URI.create(text);
            } catch (IllegalArgumentException e) {
                // Refused below, like any other text.
            }
        }
        throw given.wrong("'%s' is not scheme, host and port, such as https://parley.example".formatted(text));
    }

    private static @Nullable Object parse(SettingsTable.Row row, Given given) {
        Class<?> type = row.type();
        if (type == List.class) {
            return switch (row.name()) {
                case "auth.keys" -> elements(given, ConfigLoader::key);
                case "sessions.namespaces" -> elements(given, ConfigLoader::namespace);
                default -> texts(given);
            };
        }
        String text = given.text();
        if (text.isEmpty()) {
            if (row.isOptional()) {
                return null;
            }
            throw given.wrong("a value is missing");
        }
        if (type == int.class) {
            return Math.toIntExact(number(row, given, Math.min(row.setting().max(), Integer.MAX_VALUE)));
        } else if (type == long.class) {
            return number(row, given, row.setting().max());
        } else if (type == Duration.class) {
            return Duration.ofMillis(number(row, given, row.setting().max()));
        } else if (type == boolean.class) {
            return switch (text) {
                case "true" -> true;
                case "false" -> false;
                default -> throw given.wrong("'" + text + "' is neither true nor false");
            };
        } else if (type.isEnum()) {
            return Arrays.stream(type.getEnumConstants())
                    .filter(constant ->
                            constant.toString().toLowerCase(Locale.ROOT).equals(text))
                    .findAny()
                    .orElseThrow(() -> given.wrong("'%s' is none of %s"
                            .formatted(
                                    text,
                                    Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT))));
        } else if (type == Path.class) {
            return path(text, given);
        } else if (type == URI.class) {
            return webAddress(text, given);
        } else if (type == String.class) {
            return text;
        }
        throw new IllegalStateException("no parser for " + type + " of " + row.name());
    }

    private static long number(SettingsTable.Row row, Given given, long max) {
        long min = row.setting().min();
        long number;
        try {
            number = Amount.parse(given.text(), row.setting().unit());
        } catch (IllegalArgumentException e) {
            throw given.wrong(String.valueOf(e.getMessage()));
        }
        if (number < min || number > max) {
            throw given.wrong("%d is out of bounds, allowed is %d to %d".formatted(number, min, max));
        }
        return number;
    }

    private static List<String> texts(Given given) {
        if (given.value().isArray()) {
            return given.value()
                    .valueStream()
                    .map(element -> new Given(given.where(), element).text())
                    .toList();
        }
        return Arrays.stream(given.text().split(","))
                .map(String::trim)
                .filter(text -> !text.isEmpty())
                .toList();
    }

    // No message may quote the value, because it contains secrets.

    private static <T> List<T> elements(Given given, BiFunction<Given, JsonNode, T> parser) {
        JsonNode value = given.value();
        if (value.isString()) {
            if (value.asString().isBlank()) {
                return List.of();
            }
            try {
                value = yaml(value.asString());
            } catch (JacksonException e) {
                throw given.wrong("no valid YAML");
            }
        }
        if (!value.isArray()) {
            return List.of(parser.apply(given, value));
        }
        return value.valueStream().map(element -> parser.apply(given, element)).toList();
    }

    private static ApiKey key(Given given, JsonNode node) {
        try {
            if (node.isString()) {
                return ApiKey.parse(node.asString(), Capabilities.ALL);
            }
            JsonNode key = node.get("key");
            JsonNode capability = node.get("capability");
            JsonNode revocable = node.get("revocable-tokens");
            if (key == null
                    || !key.isString()
                    || capability == null
                    || (revocable != null && !revocable.isBoolean())
                    || node.size() != (revocable == null ? 2 : 3)) {
                throw given.wrong(
                        "a key is expected to look like {key: 'app.id:secret', capability: {'chat/*': [read]}}");
            }
            return ApiKey.parse(
                    key.asString(),
                    capability.isString() ? Capabilities.parse(capability.asString()) : Capabilities.of(capability),
                    new ApiKey.Uses(true, revocable == null || revocable.asBoolean()));
        } catch (IllegalArgumentException e) {
            throw given.wrong(String.valueOf(e.getMessage()));
        }
    }

    private static Namespace namespace(Given given, JsonNode node) {
        JsonNode id = node.get("id");
        if (id == null || !id.isString()) {
            throw given.wrong("a namespace is expected to look like {id: logs, retention-age: 86400000}");
        }
        Namespace rules = Namespace.DEFAULT;
        boolean mutable = rules.mutableMessages();
        boolean persisted = true;
        long age = rules.retentionAge().toMillis();
        long bytes = rules.retentionBytes();
        int members = rules.maxMembers();
        boolean cancels = rules.redeliverCancels();
        boolean runs = rules.endAbandonedRuns();
        for (var field : node.properties()) {
            JsonNode value = field.getValue();
            switch (field.getKey()) {
                case "id" -> {}
                case "persisted" -> persisted = truth(given, field.getKey(), value);
                case "mutable-messages" -> mutable = truth(given, field.getKey(), value);
                case "retention-age" ->
                    age = amount(given, field.getKey(), value, Long.MAX_VALUE, Setting.Unit.MILLISECONDS);
                case "retention-bytes" ->
                    bytes = amount(given, field.getKey(), value, Long.MAX_VALUE, Setting.Unit.BYTES);
                case "max-members" ->
                    members = (int) amount(given, field.getKey(), value, Integer.MAX_VALUE, Setting.Unit.NONE);
                case "redeliver-cancels" -> cancels = truth(given, field.getKey(), value);
                case "end-abandoned-runs" -> runs = truth(given, field.getKey(), value);
                default -> throw given.wrong("a namespace has no '" + field.getKey() + "'");
            }
        }
        try {
            return new Namespace(
                    id.asString(),
                    mutable,
                    persisted ? Duration.ofMillis(age) : Namespace.NOT_PERSISTED,
                    bytes,
                    members,
                    cancels,
                    runs);
        } catch (IllegalArgumentException e) {
            throw given.wrong(String.valueOf(e.getMessage()));
        }
    }

    private static boolean truth(Given given, String field, JsonNode value) {
        if (!value.isBoolean()) {
            throw given.wrong("'" + field + "' must be true or false");
        }
        return value.asBoolean();
    }

    private static long amount(Given given, String field, JsonNode value, long max, Setting.Unit unit) {
        try {
            long amount = Amount.parse(value.isValueNode() ? value.asString() : "", unit);
            if (amount >= 0 && amount <= max) {
                return amount;
            }
        } catch (IllegalArgumentException e) {
            throw given.wrong("'" + field + "' must be a whole number: " + e.getMessage());
        }
        throw given.wrong("'" + field + "' must be a whole number, 0 to " + max);
    }
}
