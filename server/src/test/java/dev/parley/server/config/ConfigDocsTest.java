package dev.parley.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Keeps the table in the documentation equal to the one in the code: a difference is written there, and fails. */
class ConfigDocsTest {

    private static final Path PAGE = Path.of("..", "docs", "configuration.md");
    private static final String BEGIN = "<!-- settings: written by ConfigDocsTest -->\n";
    private static final String END = "<!-- end of settings -->";

    @Test
    void theDocumentedTableIsThatOfTheCode() throws IOException {
        String page = Files.readString(PAGE);
        int begin = page.indexOf(BEGIN) + BEGIN.length();
        int end = page.indexOf(END);
        assertThat(page).contains(BEGIN, END);

        String expected = page.substring(0, begin) + "\n" + SettingsTable.markdown() + "\n" + page.substring(end);
        if (!page.equals(expected)) {
            Files.writeString(PAGE, expected);
        }

        assertThat(page)
                .describedAs("docs/configuration.md was out of date and has been written anew: look at it, commit it")
                .isEqualTo(expected);
    }
}
