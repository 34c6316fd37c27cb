package dev.parley.engine.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a format as data folders have them: a text table among the test resources, with one line for each example. A
 * line has the number of the data folder's format that brought it, the example's name, and its bytes in hex.
 *
 * <p>A line is never changed, as what it shows lies in somebody's folder. When an encoding changes, its line becomes the one
 * of an {@link #old} example, which is read and no longer written, and the new encoding gets a line of its own. Lines that
 * are missing are written into the table, and the test fails once so that somebody looks at them.
 */
public final class GoldenBytes {
    private static final Path TABLES = Path.of("src", "test", "resources", "golden");
    private static final HexFormat HEX = HexFormat.of();

    private final Path table;
    private final Map<String, String> golden = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();
    private final List<String> missing = new ArrayList<>();
    private final Variety variety = new Variety();

    /** A line of a table. */
    public record Line(int format, String name, String hex) {
        static Line parse(String line) {
            String[] parts = line.split(" \\| ", -1);
            assertThat(parts).as("a golden line: %s", line).hasSize(3);
            return new Line(Integer.parseInt(parts[0]), parts[1], parts[2]);
        }

        @Override
        public String toString() {
            return format + " | " + name + " | " + hex;
        }
    }

    /** The table called {@code name}. */
    public GoldenBytes(String name) throws IOException {
        table = TABLES.resolve(name + ".txt");
        if (Files.exists(table)) {
            for (Line line : lines(table)) {
                assertThat(golden.put(line.name(), line.hex()))
                        .as("two lines for %s", line.name())
                        .isNull();
            }
        }
    }

    private static List<Line> lines(Path table) throws IOException {
        return Files.readAllLines(table).stream().map(Line::parse).toList();
    }

    /** The lines of all tables, by the name of the table. */
    public static Map<String, List<Line>> all() throws IOException {
        Map<String, List<Line>> all = new LinkedHashMap<>();
        try (var tables = Files.list(TABLES)) {
            for (Path table : tables.sorted().toList()) {
                all.put(table.getFileName().toString().replace(".txt", ""), lines(table));
            }
        }
        return all;
    }

    /** Checks that {@code value} is written as the table says, and that those bytes are read as an equal value. */
    public <T> void example(String name, T value, Function<T, byte[]> write, Function<byte[], ? extends T> read) {
        bytes(name, write.apply(value));
        old(name, value, read);
        variety.look(value);
    }

    /** Checks what is written and never read, such as a key that begins or ends a range. */
    public void bytes(String name, byte[] written) {
        String expected = golden.get(name);
        if (expected == null) {
            missing.add(new Line(FolderFormat.NEWEST, name, HEX.formatHex(written)).toString());
            golden.put(name, HEX.formatHex(written));
        } else {
            assertThat(HEX.formatHex(written))
                    .as(
                            "%s in %s: data folders have the golden bytes. If the new ones are meant, give them a version of"
                                    + " their own, make this line one that is read only (GoldenBytes.old), and see ADR 9",
                            name, table)
                    .isEqualTo(expected);
        }
        used.add(name);
    }

    /** Checks that what an older program has written is read as {@code expected}. */
    public <T> void old(String name, T expected, Function<byte[], ? extends T> read) {
        String hex = golden.get(name);
        assertThat(hex).as("golden bytes of %s", name).isNotNull();
        assertThat(read.apply(HEX.parseHex(hex))).as("%s as it is read", name).isEqualTo(expected);
        used.add(name);
    }

    /** Leaves out a sealed type, of which not all kinds are written down. */
    public GoldenBytes without(Class<?> sealed) {
        variety.without.add(sealed);
        return this;
    }

    /** Fails for each method of {@code rows} that makes bytes and has no line, whose name begins with the method's. */
    public void haveAllOf(Class<?> rows) {
        Set<String> methods = new TreeSet<>();
        for (var method : rows.getDeclaredMethods()) {
            boolean isPrivate = Modifier.isPrivate(method.getModifiers());
            if (Modifier.isStatic(method.getModifiers()) && !isPrivate && method.getReturnType() == byte[].class) {
                methods.add(method.getName());
            }
        }
        used.forEach(name -> methods.remove(name.replaceFirst("[^A-Za-z].*", "")));
        assertThat(methods).as("methods of %s without golden bytes", rows).isEmpty();
    }

    /** All values that were seen as examples, or as a part of one, by their class. */
    public Set<Class<?>> kinds() {
        return variety.kinds;
    }

    /** Checks that nothing is missing: no line, no kind of a sealed type, no constant, no field both present and absent. */
    public void complete() throws IOException {
        if (!missing.isEmpty()) {
            Files.createDirectories(TABLES);
            Files.write(table, missing, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
        assertThat(missing)
                .as("lines that were missing and are in %s now: look at them, commit them", table)
                .isEmpty();
        assertThat(used).as("examples of %s", table).containsExactlyInAnyOrderElementsOf(golden.keySet());
        assertThat(variety.unseen()).as("what no example of %s shows", table).isEmpty();
    }

    /** What examples have shown of the types in them, and what else there is to be shown. */
    private static final class Variety {
        final Set<Class<?>> kinds = new HashSet<>();
        final Set<Class<?>> without = new HashSet<>();
        private final Set<String> wanted = new TreeSet<>();
        private final Set<String> shown = new HashSet<>();

        Set<String> unseen() {
            Set<String> unseen = new TreeSet<>(wanted);
            unseen.removeAll(shown);
            return unseen;
        }

        void look(@Nullable Object value) {
            switch (value) {
                case null -> {}
                case Record r -> lookInto(r);
                case Enum<?> constant -> {
                    for (Object other : constant.getDeclaringClass().getEnumConstants()) {
                        wanted.add(name(constant.getDeclaringClass()) + "." + other);
                    }
                    shown.add(name(constant.getDeclaringClass()) + "." + constant);
                }
                case Collection<?> elements -> elements.forEach(this::look);
                case Map<?, ?> map -> map.values().forEach(this::look);
                default -> {}
            }
        }

        private void lookInto(Record value) {
            Class<?> type = value.getClass();
            if (kinds.add(type)) {
                for (Class<?> above : type.getInterfaces()) {
                    wantAll(above);
                }
            }
            shown.add(name(type));
            for (RecordComponent component : type.getRecordComponents()) {
                Object part = read(component, value);
                String name = name(type) + "." + component.getName();
                if (component.getType() == boolean.class) {
                    wanted.addAll(List.of(name + "=true", name + "=false"));
                    shown.add(name + "=" + part);
                } else if (component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
                    wanted.addAll(List.of(name + "=null", name + "=something"));
                    shown.add(name + "=" + (part == null ? "null" : "something"));
                } else if (part instanceof Collection<?> || part instanceof Map<?, ?>) {
                    wanted.add(name + " with elements");
                    boolean empty = part instanceof Collection<?> c ? c.isEmpty() : ((Map<?, ?>) part).isEmpty();
                    shown.add(empty ? name + " without" : name + " with elements");
                }
                look(part);
            }
        }

        private void wantAll(Class<?> type) {
            if (type.isSealed() && !without.contains(type)) {
                for (Class<?> kind : type.getPermittedSubclasses()) {
                    if (kind.isSealed()) {
                        wantAll(kind);
                    } else {
                        wanted.add(name(kind));
                    }
                }
            }
        }

        private static @Nullable Object read(RecordComponent component, Record value) {
            try {
                component.getAccessor().setAccessible(true);
                return component.getAccessor().invoke(value);
            } catch (ReflectiveOperationException e) {
                throw new LinkageError(e.getMessage(), e);
            }
        }

        private static String name(Class<?> type) {
            return type.getName().replaceFirst(".*\\.", "").replace('$', '.');
        }
    }
}
