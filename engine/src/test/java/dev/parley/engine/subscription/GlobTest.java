package dev.parley.engine.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class GlobTest {
    @ParameterizedTest
    @CsvSource({
        "events/*, events/a, true",
        "events/*, events, false",
        "events/*, events/a/b, false",
        "events/*, other/a, false",
        "*, a, true",
        "*, a/b, false",
        "**, a, true",
        "**, a/b/c, true",
        "events/**, events, true",
        "events/**, events/a/b, true",
        "events/**, eventsx, false",
        "**/log, log, true",
        "**/log, a/b/log, true",
        "**/log, a/log/b, false",
        "a/**/b/*/c, a/b/x/c, true",
        "a/**/b/*/c, a/b/b/x/c, true",
        "a/**/b/*/c, a/b/c, false",
        "**/a/**/a, a/x/a/y/a, true",
        "events/x, events/x, true",
        "events/x, events/y, false",
    })
    void covers(String pattern, String path, boolean expected) {
        assertThat(Glob.matches(pattern, path)).isEqualTo(expected);
        if (expected) {
            assertThat(path).startsWith(Glob.literalPrefix(pattern));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "events/**, events",
        "events/**/**, events",
        "events/*/**, events/*",
        "events/*, events/*",
        "**, **",
        "**/log, **/log",
        "events**, events**",
    })
    void endsWithoutThoseOfNoSegment(String pattern, String expected) {
        assertThat(Glob.withoutTrailingAny(pattern)).isEqualTo(expected);
    }

    @Test
    void takesNoLongForPatternsThatCouldMatchInManyWays() {
        assertThat(Glob.matches("**/a/".repeat(200) + "b", "a/".repeat(500) + "c"))
                .isFalse();
    }
}
