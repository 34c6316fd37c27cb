package dev.parley.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Java in the documents is code that is compiled and tested: a comment before each snippet names the region of the file that it
 * shows. A difference is written into the document, and fails.
 */
class SnippetsTest {
    private static final Path ROOT = Path.of("..", "..");
    private static final Pattern SNIPPET =
            Pattern.compile("<!-- (\\S+)#(\\S+) -->\n```(\\w+)\n(.*?)\n```\n", Pattern.DOTALL);
    private static final Pattern JAVA = Pattern.compile("(?m)^```java$");

    private static List<Path> pages() throws IOException {
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            List<Path> pages =
                    new ArrayList<>(docs.filter(path -> path.toString().endsWith(".md"))
                            .sorted()
                            .toList());
            pages.add(ROOT.resolve("README.md"));
            return pages;
        }
    }

    @Test
    void theSnippetsInTheDocumentsAreThoseOfTheExamples() throws IOException {
        List<Path> outdated = new ArrayList<>();
        for (Path path : pages()) {
            String page = Files.readString(path);
            String current = SNIPPET.matcher(page).replaceAll(SnippetsTest::renewed);
            if (!page.equals(current)) {
                Files.writeString(path, current);
                outdated.add(path);
            }
        }
        assertThat(outdated)
                .describedAs("these documents were out of date and have been written anew: look at them, commit them")
                .isEmpty();
    }

    @Test
    void allJavaInTheDocumentsIsCompiled() throws IOException {
        for (Path path : pages()) {
            String page = Files.readString(path);
            long known = SNIPPET.matcher(page)
                    .results()
                    .filter(snippet -> snippet.group(3).equals("java"))
                    .count();
            assertThat(JAVA.matcher(page).results().count())
                    .describedAs(
                            "%s has Java that is no region of an example: put it into examples/java between "
                                    + "'// region NAME' and '// endregion', and <!-- FILE#NAME --> before the snippet",
                            path)
                    .isEqualTo(known);
        }
    }

    private static String renewed(MatchResult snippet) {
        String file = snippet.group(1);
        String name = snippet.group(2);
        return Matcher.quoteReplacement("<!-- " + file + "#" + name + " -->\n```" + snippet.group(3) + "\n"
                + region(ROOT.resolve(file), name) + "\n```\n");
    }

    /** The lines between the comments that begin and end the region, without what all of them are indented by. */
    private static String region(Path file, String name) {
        try {
            List<String> lines = Files.readAllLines(file);
            int begin = index(lines, 0, "region " + name, file);
            int end = index(lines, begin, "endregion", file);
            return lines.subList(begin + 1, end).stream()
                    .collect(Collectors.joining("\n"))
                    .stripIndent()
                    .stripTrailing();
        } catch (IOException e) {
            throw new AssertionError("A document shows a file that cannot be read: " + file, e);
        }
    }

    private static int index(List<String> lines, int from, String mark, Path file) {
        for (int i = from; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.equals("// " + mark) || line.equals("# " + mark)) {
                return i;
            }
        }
        throw new AssertionError("There is no '" + mark + "' in " + file + ".");
    }
}
