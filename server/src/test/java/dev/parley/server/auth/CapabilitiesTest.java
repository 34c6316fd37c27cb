package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CapabilitiesTest {

    @ParameterizedTest
    @CsvSource({
        "*,        anything/at/all, true",
        "chat/*,   chat/a,          true",
        "chat/*,   chat/a/b,        true",
        "chat/*,   chat/,           true",
        "chat/*,   chat,            false",
        "chat/*,   chatter/a,       false",
        "chat/*,   %63hat/a,        false",
        "chat/*,   chat%2Fa,        false",
        "chat/*,   x/chat/a,        false",
        "room:*,   room:1,          true",
        "room:*,   room,            false",
        "chat,     chat,            true",
        "chat,     chat/a,          false",
    })
    void patternsAreNamesOrPrefixes(String pattern, String resource, boolean allowed) {
        var capabilities = Capabilities.parse("{\"%s\":[\"read\"]}".formatted(pattern));

        assertThat(capabilities.allows(Operation.READ, resource)).isEqualTo(allowed);
        assertThat(capabilities.allows(Operation.APPEND, resource)).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"*":["*"]}             | {"a":["read"]}            | {"a":["read"]}
            {"a":["read"]}          | {"*":["*"]}               | {"a":["read"]}
            {"a/*":["read"]}        | {"a/b/*":["*"]}           | {"a/b/*":["read"]}
            {"a/*":["read"],"*":["append"]} | {"a/b":["*"]}     | {"a/b":["read","append"]}
            {"*":["read","append"]} | {"x":["append","delete"]} | {"x":["append"]}
            """)
    void intersectionAllowsWhatBothAllow(String ours, String theirs, String both) {
        assertThat(Capabilities.parse(ours).intersect(Capabilities.parse(theirs)))
                .isEqualTo(Capabilities.parse(both));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"a":["read"]}   | {"b":["read"]}
            {"a":["read"]}   | {"a":["append"]}
            {"a/*":["read"]} | {"a":["read"]}
            {"a/*":["read"]} | {"a:*":["read"]}
            """)
    void intersectionMayBeEmpty(String ours, String theirs) {
        assertThat(Capabilities.parse(ours).intersect(Capabilities.parse(theirs)))
                .isEqualTo(Capabilities.NONE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "[]",
                "{}",
                "{\"a\":[]}",
                "{\"a\":\"read\"}",
                "{\"a\":[1]}",
                "{\"a\":[\"fly\"]}",
                "{\"a\":[\"*\",\"read\"]}",
                "{\"\":[\"read\"]}",
                "{\"a*\":[\"read\"]}",
                "{\"a*b\":[\"read\"]}",
                "{\"*/a\":[\"read\"]}",
                "{\"**\":[\"read\"]}"
            })
    void refusesWhatItDoesNotUnderstand(String json) {
        assertThatIllegalArgumentException().isThrownBy(() -> Capabilities.parse(json));
    }

    @Test
    void refusesTooManyPatterns() {
        var json = new StringBuilder("{\"p\":[\"read\"]");
        for (int i = 0; i < Capabilities.MAX_PATTERNS; i++) {
            json.append(",\"p").append(i).append("\":[\"read\"]");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Capabilities.parse(json.append('}').toString()));
    }
}
