package dev.parley.server.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.server.wire.WireException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageFilterTest {
    private static MessageFilter filter(String expression) throws WireException {
        return MessageFilter.parse(Base64.getEncoder().encodeToString(expression.getBytes(StandardCharsets.UTF_8)));
    }

    private static MessageEntry message(@Nullable String name, @Nullable String extras) {
        var body = new Body(name, null, null, extras);
        return new MessageEntry(1, MessageEntry.Action.CREATE, 1, 0, "id", "alice", null, body, null);
    }

    private static final MessageEntry ORDER = message(
            "order",
            "{\"headers\":{\"number\":26095,\"price\":1.5,\"paid\":true,\"to\":\"Lorem [&{ Choo\",\"x-y\":null}}");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "name == `\"order\"` && headers.number == `26095`",
                "name == 'order'",
                "headers.paid",
                "headers.price < `2` && (headers.number > `26094.5` || headers.missing)",
                "!headers.missing",
                "starts_with(headers.to, 'Lorem')",
                "headers.to == 'Lorem [&{ Choo' && headers.\"x-y\" == `null`",
                "clientId == 'alice' && id == 'id'",
                "contains(headers.*, `true`)",
            })
    void shows(String expression) throws WireException {
        assertThat(filter(expression).passes(ORDER)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "name == 'other'",
                "headers.number == `26096`",
                "headers.missing",
                "headers.to > `1`",
                "starts_with(headers.number, 'a')",
                "data",
            })
    void hides(String expression) throws WireException {
        assertThat(filter(expression).passes(ORDER)).isFalse();
    }

    @Test
    void messagesWithoutHeadersHaveNone() throws WireException {
        assertThat(filter("headers.paid").passes(message(null, null))).isFalse();
        assertThat(filter("headers.paid").passes(message(null, "{\"ai\":{}}"))).isFalse();
        assertThat(filter("headers.paid").passes(message(null, "{\"headers\":\"paid\"}")))
                .isFalse();
        assertThat(filter("!name").passes(message(null, null))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "name ==",
                "name == `{`",
                "nosuchfunction(name)",
                "[@,@][]|[@,@][]|[@,@][]",
                "{a:@,b:@}",
                "map(&a,headers.*)",
                "headers[0]",
                "a &&& b",
            })
    void refusesWhatIsNoExpressionOrCostsTooMuch(String expression) {
        assertThatThrownBy(() -> filter(expression)).isInstanceOf(WireException.class);
    }

    @Test
    void refusesWhatIsTooLong() throws WireException {
        String nested = "(".repeat(250) + "name" + ")".repeat(250);
        assertThat(filter(nested).passes(ORDER)).isTrue();
        assertThatThrownBy(() -> filter("(" + nested + ")" + " ".repeat(10))).isInstanceOf(WireException.class);
        assertThatThrownBy(() -> MessageFilter.parse("not base64!")).isInstanceOf(WireException.class);
    }
}
