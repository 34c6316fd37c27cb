package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.parley.server.rest.ObjectPath.Segment;
import dev.parley.server.wire.WireException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectPathTest {
    private static List<Segment> keys(String... keys) {
        return Arrays.stream(keys).map(key -> new Segment(key, false)).toList();
    }

    @Test
    void dotsPartKeysAndABackslashHidesThem() throws WireException {
        assertThat(ObjectPath.parse("").segments()).isEmpty();
        assertThat(ObjectPath.parse("a").segments()).isEqualTo(keys("a"));
        assertThat(ObjectPath.parse("posts.post\\.123.up").segments()).isEqualTo(keys("posts", "post.123", "up"));
        assertThat(ObjectPath.parse("a\\\\.b").segments()).isEqualTo(keys("a\\", "b"));
        assertThat(ObjectPath.parse(".a.").segments()).isEqualTo(keys("", "a", ""));
    }

    @Test
    void aStarIsAnyKeyUnlessItIsHiddenOrPartOfOne() throws WireException {
        assertThat(ObjectPath.parse("a.*.b").segments())
                .containsExactly(new Segment("a", false), new Segment("*", true), new Segment("b", false));
        assertThat(ObjectPath.parse("\\*.a*").segments()).isEqualTo(keys("*", "a*"));
        assertThat(ObjectPath.parse("a.*").hasStar()).isTrue();
        assertThat(ObjectPath.parse("a.*").parent().hasStar()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\\",
                "a.b\\",
                "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
                        + "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"
            })
    void pathsWithoutSenseAreRefused(String path) {
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> ObjectPath.parse(path))
                .satisfies(e -> assertThat(e.error().code()).isEqualTo(92007));
    }
}
