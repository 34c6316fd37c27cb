package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OriginsTest {

    @ParameterizedTest
    @CsvSource({
        "http://localhost:5173, true",
        "https://localhost, true",
        "http://app.localhost:1, true",
        "http://127.0.0.1:4438, true",
        "http://127.9.9.9, true",
        "http://[::1]:80, true",
        "null, false",
        "file://, false",
        "http://evil.example, false",
        "http://localhost.evil.example, false",
        "http://127.0.0.1.evil.example, false",
        "http://evil.example#localhost, false",
        "http://10.0.0.1, false",
        "http://evil.example:80@localhost%zz, false"
    })
    void whereNobodyIsAskedForAKeyOnlyPagesOfThisMachineMay(String origin, boolean allowed) {
        assertThat(Origins.of(List.of(), true).allow(origin)).isEqualTo(allowed);
        assertThat(Origins.of(List.of(), false).allow(origin)).isTrue();
    }

    @Test
    void whatIsConfiguredCountsAndNothingElse() {
        var one = Origins.of(List.of("https://a.example"), true);
        assertThat(one.allow("https://a.example")).isTrue();
        assertThat(one.allow("http://localhost:5173")).isFalse();
        assertThat(one.isAny()).isFalse();
        assertThat(Origins.of(List.of("*"), true).allow("https://b.example")).isTrue();
    }
}
