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
        "a/*/c,    a/b/c,           true",
        "a/*/c,    a/b:b/c,         true",
        "a/*/c,    a/b/b/c,         false",
        "a/*/c,    a//c,            false",
        "a/*/c,    a/b/c/d,         false",
        "*/c,      b/c,             true",
        "*/c,      a/b/c,           false",
        "room:*,   room,            false",
        "chat,     chat,            true",
        "chat,     chat/a,          false",
    })
    void patternsAreNamesOrPrefixes(String pattern, String resource, boolean allowed) {
        var capabilities = Capabilities.parse("{\"%s\":[\"read\"]}".formatted(pattern));

        assertThat(capabilities.allows(CapabilityOp.READ, resource)).isEqualTo(allowed);
        assertThat(capabilities.allows(CapabilityOp.APPEND, resource)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "*,           chat,               true",
        "*,           [meta]chat,         false",
        "*,           [filter=YQ==]chat,  false",
        "*,           [?rewind=1]chat,    true",
        "[*]*,        chat,               true",
        "[*]*,        [meta]chat,         true",
        "[*]*,        [filter=YQ==]chat,  true",
        "[meta]*,     [meta]chat,         true",
        "[meta]*,     [meta?rewind=1]x,   true",
        "[meta]*,     chat,               false",
        "[filter]a:*, [filter=YQ==]a:b,   true",
        "[filter]a:*, [filter=YQ==]b,     false",
        "[*]a:*,      a:b,                true",
        "[*]a:*,      [meta]b,            false",
        "a:*,         [meta]a:b,          false",
        "a:*,         a,                  false",
        "a:*,         a:,                 true",
        "a:*:c,       a:b:c,              true",
        "a:*:c,       a:b/b:c,            true",
        "a:*:c,       a:b:b:c,            false",
        "a:*:c,       a::c,               false",
        "a:*:c,       [meta]a:b:c,        false",
        "[*]a:*:c,    [meta]a:b:c,        true",
        "a:*:c:*,     a:b:c:d:e,          true",
        "a:*:c:*,     a:b:c,              false",
        "*:c,         b:c,                true",
        "*:*,         a:b:c,              true",
        "*:*,         a,                  false",
        "a:*/c,       a:b/c,              true",
        "a:*/c,       a:b:b/c,            false",
        "foo*,        foo*,               true",
        "foo*,        foobar,             false",
        "a:b*:c,      a:b*:c,             true",
        "a:b*:c,      a:bb:c,             false",
        "**,          a,                  false",
        "chat,        [meta]chat,         false",
        "[broken,     [broken,            true",
        "*,           [broken,            true",
    })
    void theQualifierOfASessionMustMatchToo(String pattern, String session, boolean allowed) {
        var capabilities = Capabilities.parse("{\"%s\":[\"publish\"]}".formatted(pattern));

        assertThat(capabilities.allows(CapabilityOp.PUBLISH, session)).isEqualTo(allowed);
    }

    @Test
    void thePathOfAStreamHasNoQualifier() {
        assertThat(Capabilities.parse("{\"*\":[\"read\"]}").allows(CapabilityOp.READ, "[meta]x"))
                .isTrue();
        assertThat(Capabilities.ALL.allows(CapabilityOp.READ, "[meta]x")).isTrue();
    }

    @Test
    void subscribeStandsForStreamsAndSessions() {
        var capabilities = Capabilities.parse("{\"a\":[\"subscribe\"]}");

        assertThat(capabilities.allows(CapabilityOp.SUBSCRIBE, "a")).isTrue();
        assertThat(capabilities.allows(CapabilityOp.SUBSCRIBE_STREAMS, "a")).isTrue();
        assertThat(capabilities.toJson()).isEqualTo("{\"a\":[\"subscribe\"]}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"b":["publish","presence"],"a":["*"]} | {"a":["*"],"b":["presence","publish"]}
            {"[*]*":["*"]}                         | {"[*]*":["*"]}
            {"*":["message-update-own","history"]} | {"*":["history","message-update-own"]}
            """)
    void isWrittenInOneWay(String written, String json) {
        assertThat(Capabilities.parse(written).toJson()).isEqualTo(json);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"*":["*"]}             | {"a":["read"]}            | {"a":["read"]}
            {"a":["read"]}          | {"*":["*"]}               | {"a":["read"]}
            {"a/*":["read"]}        | {"a/b/*":["*"]}           | {"a/b/*":["read"]}
            {"a/*":["read"],"*":["append"]} | {"a/b":["*"]}     | {"a/b":["read","append"]}
            {"*":["read","append"]} | {"x":["append","delete"]} | {"x":["append"]}
            {"channel2":["publish","subscribe"],"channel5":["presence"]} | {"channel2":["presence","subscribe"],"x":["*"]} | {"channel2":["subscribe"]}
            {"channel2":["publish","subscribe"]}  | {"channel2":["*"]}          | {"channel2":["publish","subscribe"]}
            {"channel6":["*"]}      | {"channel6":["publish","subscribe"]}      | {"channel6":["publish","subscribe"]}
            {"*":["subscribe"]}     | {"cansubscribe:*":["subscribe"]}          | {"cansubscribe:*":["subscribe"]}
            {"p:*":["publish"],"p:a":["presence"]} | {"p:*":["publish"],"p:a":["presence"]} | {"p:*":["publish"],"p:a":["presence"]}
            {"[*]*":["*"]}          | {"*":["*"]}                               | {"*":["*"]}
            {"[*]*":["publish"]}    | {"[meta]*":["*"],"a":["*"]}               | {"[meta]*":["publish"],"a":["publish"]}
            {"[*]a:*":["publish"]}  | {"[meta]*":["publish"]}                   | {"[meta]a:*":["publish"]}
            {"[meta]*":["publish"]} | {"[*]a:*":["publish"]}                    | {"[meta]a:*":["publish"]}
            {"a:*:c":["publish"]}   | {"a:b:*":["publish"]}                     | {"a:b:c":["publish"]}
            {"a:b:*":["publish"]}   | {"a:*:c":["publish"]}                     | {"a:b:c":["publish"]}
            {"a:*:c":["publish"]}   | {"a:*":["publish"]}                       | {"a:*:c":["publish"]}
            {"*:b":["publish"]}     | {"a:*":["publish"]}                       | {"a:b":["publish"]}
            {"*:b:*":["publish"]}   | {"a:*:c":["publish"]}                     | {"a:b:c":["publish"]}
            {"*:b:*":["publish"]}   | {"a:*":["publish"]}                       | {"a:b:*":["publish"]}
            {"[*]*:b":["publish"]}  | {"[meta]a:*":["publish"]}                 | {"[meta]a:b":["publish"]}
            {"foo*":["publish"]}    | {"*":["publish"]}                         | {"foo*":["publish"]}
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
            {"a:*:c":["publish"]} | {"a:b:d":["publish"]}
            {"a:*:c":["publish"]} | {"*:c":["publish"]}
            {"foo*":["publish"]} | {"foobar":["publish"]}
            {"[meta]*":["publish"]} | {"[log]*":["publish"]}
            {"*":["read"]}   | {"[meta]a":["read"]}
            {"canpublish:*":["publish"]} | {"canpublish:test":["subscribe"]}
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
                "{\"[meta]\":[\"publish\"]}",
                "{\"[m*]a\":[\"publish\"]}",
                "{\"[*]\":[\"publish\"]}",
                "{\"channel0\":[\"publish_\"]}"
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

    @Test
    void refusesIntersectionsWithTooManyPatterns() {
        var ours = new StringBuilder("{\"p\":[\"publish\"]");
        var theirs = new StringBuilder(ours);
        for (int i = 0; i < 30; i++) {
            ours.append(",\"[*]n").append(i).append(":*\":[\"publish\"]");
            theirs.append(",\"[q").append(i).append("]*\":[\"publish\"]");
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Capabilities.parse(ours + "}").intersect(Capabilities.parse(theirs + "}")));
    }
}
