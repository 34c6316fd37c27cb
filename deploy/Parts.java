import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes into a package what it consists of: the SBOM, with the Java runtime, and for each library its licences and their texts.
 * Fails if there is no text for a library. Run as a source file by {@code package.bash}, with Jackson on the class path.
 */
final class Parts {
    private static final Pattern TEXT = Pattern.compile(
            "(META-INF/)?([\\w-]+-)?(LICEN[SC]E|NOTICE|COPYING)(\\.\\w+)?", Pattern.CASE_INSENSITIVE);

    /** Ours, which many libraries have as well. */
    private static final String APACHE = "Apache-2.0";

    private Parts() {}

    public static void main(String... arguments) throws IOException {
        Path bom = Path.of(arguments[0]);
        Path libraries = Path.of(arguments[1]);
        Path texts = Path.of(arguments[2]);
        Path stage = Path.of(arguments[3]);
        var json = JsonMapper.builder().build();
        ObjectNode parts = (ObjectNode) json.readTree(Files.readAllBytes(bom));

        Path licences = Files.createDirectories(stage.resolve("licences"));
        var rows = new ArrayList<String>();
        for (JsonNode part : parts.get("components")) {
            if (!"dev.parley".equals(part.path("group").stringValue(null))) {
                rows.add(row(part, libraries, texts, licences));
            }
        }
        rows.sort(null);
        Files.writeString(licences.resolve("README.md"), """
                # Licences

                Parley itself is licensed under Apache-2.0, see `../LICENSE`. The Java runtime has its licences in `../runtime/legal`. The
                libraries in `../lib/parley.jar` are:

                | library | version | licences, one of which applies | text |
                |---|---|---|---|
                """ + String.join("", rows));

        runtime(parts, stage.resolve("runtime/release"));
        Files.writeString(
                stage.resolve("sbom/parley.cdx.json"),
                json.writerWithDefaultPrettyPrinter().writeValueAsString(parts) + "\n");
    }

    private static String row(JsonNode part, Path libraries, Path texts, Path licences) throws IOException {
        String name = part.get("name").stringValue();
        String version = part.get("version").stringValue();
        List<String> ids = licencesOf(part);
        List<String> from = textsOf(name + "-" + version, libraries, licences);
        if (ids.contains(APACHE)) {
            from.add("[" + APACHE + "](../LICENSE)");
        }
        // A text may be that of a licence, or of the library if the licence names who has the rights.
        for (String title : Stream.concat(ids.stream(), Stream.of(name)).toList()) {
            String file = title + ".txt";
            if (Files.exists(texts.resolve(file))) {
                Files.copy(texts.resolve(file), licences.resolve(file), StandardCopyOption.REPLACE_EXISTING);
                from.add("[" + title + "](" + file + ")");
            }
        }
        if (from.isEmpty()) {
            throw new IOException("no text of a licence of " + name + " " + version + " " + ids
                    + ": put one into deploy/licences, named as the licence or the library");
        }
        return "| %s:%s | %s | %s | %s |%n"
                .formatted(part.get("group").stringValue(), name, version, String.join(", ", ids), String.join(", ", from));
    }

    private static List<String> licencesOf(JsonNode part) {
        var ids = new ArrayList<String>();
        for (JsonNode choice : part.path("licenses")) {
            JsonNode licence = choice.path("license");
            String url = licence.path("url").stringValue("");
            String id = licence.path("id").stringValue(licence.path("name").stringValue(""));
            // Some name a licence without its number, which is in the address then.
            ids.add(url.endsWith("/lgpl-2.1.html") ? "LGPL-2.1" : id);
        }
        return ids;
    }

    /** Copies the texts that the library brings, and returns links to them. */
    private static List<String> textsOf(String library, Path libraries, Path licences) throws IOException {
        Path jar;
        try (Stream<Path> files = Files.list(libraries)) {
            // A library for several kinds of machines has a jar for each.
            jar = files.filter(file -> file.getFileName().toString().startsWith(library))
                    .sorted()
                    .findFirst()
                    .orElseThrow(() -> new IOException(library + " is in the SBOM and not among the libraries"));
        }
        var links = new ArrayList<String>();
        Map<String, byte[]> found = new TreeMap<>();
        try (var opened = new JarFile(jar.toFile())) {
            for (JarEntry entry : opened.stream().filter(Parts::isText).toList()) {
                try (var in = opened.getInputStream(entry)) {
                    found.put(Path.of(entry.getName()).getFileName().toString(), in.readAllBytes());
                }
            }
        }
        for (Map.Entry<String, byte[]> text : found.entrySet()) {
            Path folder = Files.createDirectories(licences.resolve(library));
            Files.write(folder.resolve(text.getKey()), text.getValue());
            links.add("[%s](%s/%s)".formatted(text.getKey(), library, text.getKey()));
        }
        return links;
    }

    private static boolean isText(JarEntry entry) {
        return TEXT.matcher(entry.getName()).matches();
    }

    /** Adds the Java runtime, which no Maven plugin knows, as its release file describes it. */
    private static void runtime(ObjectNode parts, Path release) throws IOException {
        var facts = new TreeMap<String, String>();
        for (String line : Files.readAllLines(release)) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                facts.put(line.substring(0, equals), line.substring(equals + 1).replace("\"", ""));
            }
        }
        ObjectNode runtime = parts.withArray("components").addObject();
        runtime.put("type", "platform")
                .put("name", "OpenJDK runtime")
                .put("version", facts.getOrDefault("JAVA_RUNTIME_VERSION", facts.get("JAVA_VERSION")))
                .put("description", "Modules: " + facts.get("MODULES"));
        runtime.putObject("supplier").put("name", facts.getOrDefault("IMPLEMENTOR", "unknown"));
        runtime.putArray("licenses").addObject().put("expression", "GPL-2.0-only WITH Classpath-exception-2.0");
    }
}
