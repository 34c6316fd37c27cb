package dev.parley.server.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.parley.server.wire.WireException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChannelNameTest {
    @ParameterizedTest
    @CsvSource({
        "room, '', room, room",
        "a:b/c d, '', a:b/c d, a:b/c d",
        "[meta]room, meta, room, [meta]room",
        "[?rewind=1]room, '', room, room",
        "[filter=abc?rewind=1]room, filter=abc, room, [filter=abc]room",
        "room[1], '', room[1], room[1]"
    })
    void takesApart(String full, String qualifier, String name, String session) throws WireException {
        ChannelName channel = ChannelName.parse(full);

        assertThat(channel.full()).isEqualTo(full);
        assertThat(channel.qualifier()).isEqualTo(qualifier);
        assertThat(channel.name()).isEqualTo(name);
        assertThat(channel.in("app").key()).isEqualTo("app/" + session);
    }

    @Test
    void readsParameters() throws WireException {
        assertThat(ChannelName.parse("[?rewind=2m&delta=a%26b&odd&=x]room").params())
                .isEqualTo(Map.of("rewind", "2m", "delta", "a&b"));
        assertThat(ChannelName.parse("room").params()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":room",
                "[room",
                "[meta]",
                "[meta]:room",
                "[a][b]room",
                "[?a=%]room",
                "a\nb",
                "a\0b",
                ".",
                "..",
                "[meta].."
            })
    void refusesWhatIsNoName(String name) {
        assertRefused(name);
    }

    @Test
    void namesAreBounded() throws WireException {
        assertThat(ChannelName.parse("x".repeat(ChannelName.MAX_CHARS)).name()).hasSize(ChannelName.MAX_CHARS);
        assertRefused("x".repeat(ChannelName.MAX_CHARS + 1));
    }

    private static void assertRefused(String name) {
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> ChannelName.parse(name))
                .satisfies(refused -> assertThat(refused.error().code()).isEqualTo(40010));
    }
}
