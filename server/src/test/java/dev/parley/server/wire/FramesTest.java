package dev.parley.server.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class FramesTest {
    private static final long POSITION = Positions.of(1_795_251_092_000L, 3);
    private static final ErrorInfo ERROR = ErrorInfo.badRequest("No.");

    private static MessageEntry message(long position, MessageEntry.Action action, Body body) {
        return new MessageEntry(
                position,
                action,
                POSITION,
                position == POSITION ? 0 : POSITION,
                "c:0:0",
                "ann",
                "c",
                body,
                position == POSITION ? null : new Operation("bob", "typo", "{\"k\":1}"));
    }

    private static Body body(Data data, @Nullable String encoding) {
        return new Body("greeting", data, encoding, "{\"headers\":{\"a\":\"b\"}}");
    }

    private static JsonNode json(byte[] frame) throws WireException {
        return WireFormat.JSON.read(frame);
    }

    @Test
    void messagesAndPresenceTakeTurnsInOrder() throws WireException {
        MessageEntry created = message(POSITION, MessageEntry.Action.CREATE, body(Data.of("hi"), "utf-8"));
        PresenceEntry entered = new PresenceEntry(
                POSITION + 1, PresenceEntry.Action.ENTER, "c:1:0", "ann", "c", new Body(null, null, null, null));
        MessageEntry appended =
                message(Positions.of(1_795_251_092_005L, 0), MessageEntry.Action.APPEND, body(Data.of(" there"), null));

        List<byte[]> frames =
                Frames.entries(WireFormat.JSON, "room", List.of(created, entered, appended), appended.position() + 9);

        assertThat(frames).hasSize(3);
        assertThat(json(frames.get(0))).hasToString("""
                {"action":15,"channel":"room","channelSerial":"01795251092000-0000003","timestamp":1795251092000,\
                "messages":[{"id":"c:0:0","clientId":"ann","connectionId":"c","timestamp":1795251092000,"action":0,\
                "serial":"01795251092000-0000003","name":"greeting","data":"hi","encoding":"utf-8",\
                "extras":{"headers":{"a":"b"}}}]}""");
        assertThat(json(frames.get(1))).hasToString("""
                {"action":14,"channel":"room","channelSerial":"01795251092000-0000004","timestamp":1795251092000,\
                "presence":[{"id":"c:1:0","action":2,"clientId":"ann","connectionId":"c","timestamp":1795251092000}]}""");
        assertThat(json(frames.get(2))).hasToString("""
                {"action":15,"channel":"room","channelSerial":"01795251092005-0000009","timestamp":1795251092005,\
                "messages":[{"id":"c:0:0","clientId":"ann","connectionId":"c","timestamp":1795251092000,"action":5,\
                "serial":"01795251092000-0000003","version":{"serial":"01795251092005-0000000",\
                "timestamp":1795251092005,"clientId":"bob","description":"typo","metadata":{"k":1}},\
                "name":"greeting","data":" there","extras":{"headers":{"a":"b"}}}]}""");
    }

    @ParameterizedTest
    @EnumSource
    void dataSurvivesTheWayThroughEitherFormat(WireFormat format) throws WireException {
        for (Body body : List.of(
                body(Data.of("grüß"), "json"),
                body(Data.of(new byte[] {0, -1, 7}), "utf-8/cipher+aes-256-cbc"),
                new Body(null, Data.of(new byte[0]), null, null),
                new Body(null, Data.of(""), null, null),
                Body.EMPTY)) {
            byte[] frame = Frames.entries(
                            format, "room", List.of(message(POSITION, MessageEntry.Action.CREATE, body)), POSITION)
                    .getFirst();

            assertThat(InboundFrame.read(format, frame).messages().getFirst().body())
                    .isEqualTo(body);
        }
    }

    @ParameterizedTest
    @EnumSource
    void connectionFrames(WireFormat format) throws WireException {
        ConnectionDetails details =
                new ConnectionDetails("*", "key", 65_536, 100, 262_144, 120_000, 15_000, "server", "site", 86_400_000);

        JsonNode connected = format.read(Frames.connected(format, "c", details, ERROR));
        assertThat(connected.path("action").intValue()).isEqualTo(4);
        assertThat(connected.path("connectionId").stringValue()).isEqualTo("c");
        assertThat(connected.path("connectionDetails"))
                .hasToString("{\"clientId\":\"*\",\"connectionKey\":\"key\",\"maxMessageSize\":65536,"
                        + "\"maxInboundRate\":100,\"maxFrameSize\":262144,\"connectionStateTtl\":120000,"
                        + "\"maxIdleInterval\":15000,\"serverId\":\"server\",\"siteCode\":\"site\","
                        + "\"objectsGCGracePeriod\":86400000}");
        assertThat(connected.path("error")).hasToString("{\"code\":40000,\"statusCode\":400,\"message\":\"No.\"}");
        assertThat(format.read(Frames.heartbeat(format, "h"))).hasToString("{\"action\":0,\"id\":\"h\"}");
        assertThat(format.read(Frames.heartbeat(format, null))).hasToString("{\"action\":0}");
        assertThat(format.read(Frames.disconnected(format, ERROR))
                        .path("action")
                        .intValue())
                .isEqualTo(6);
        assertThat(format.read(Frames.closed(format))).hasToString("{\"action\":8}");
        assertThat(format.read(Frames.auth(format))).hasToString("{\"action\":17}");
        assertThat(format.read(Frames.error(format, null, ERROR)).has("channel"))
                .isFalse();
        assertThat(format.read(Frames.error(format, "room", ERROR))
                        .path("channel")
                        .stringValue())
                .isEqualTo("room");
    }

    @ParameterizedTest
    @EnumSource
    void channelFrames(WireFormat format) throws WireException {
        assertThat(format.read(Frames.attached(
                        format,
                        "room",
                        ChannelSerial.at(POSITION),
                        Flags.RESUMED | Flags.SUBSCRIBE,
                        Map.of("rewind", "2"),
                        null)))
                .hasToString("{\"action\":11,\"channel\":\"room\",\"channelSerial\":\"01795251092000-0000003\","
                        + "\"flags\":262148,\"params\":{\"rewind\":\"2\"}}");
        assertThat(format.read(
                        Frames.attached(format, "room", ChannelSerial.at(0), 0, Map.of(), ErrorInfo.CONTINUITY_LOST)))
                .hasToString("{\"action\":11,\"channel\":\"room\",\"channelSerial\":\"00000000000000-0000000\","
                        + "\"flags\":0,\"error\":{\"code\":90003,\"statusCode\":404,\"message\":\""
                        + ErrorInfo.CONTINUITY_LOST.message() + "\"}}");
        assertThat(format.read(Frames.detached(format, "room", null)))
                .hasToString("{\"action\":13,\"channel\":\"room\"}");
        assertThat(format.read(Frames.ack(format, 5, List.of(List.of(POSITION, 0L), List.of()))))
                .hasToString("{\"action\":1,\"msgSerial\":5,\"count\":2,"
                        + "\"res\":[{\"serials\":[\"01795251092000-0000003\",null]},{\"serials\":[]}]}");
        assertThat(format.read(Frames.nack(format, 5, 1, ERROR)))
                .hasToString("{\"action\":2,\"msgSerial\":5,\"count\":1,"
                        + "\"error\":{\"code\":40000,\"statusCode\":400,\"message\":\"No.\"}}");
        PresenceEntry member = new PresenceEntry(
                POSITION, PresenceEntry.Action.PRESENT, "c:1:0", "ann", "c", new Body(null, Data.of("x"), null, null));
        assertThat(format.read(Frames.sync(format, "room", "s:", List.of(member))))
                .hasToString("{\"action\":16,\"channel\":\"room\",\"channelSerial\":\"s:\",\"presence\":["
                        + "{\"id\":\"c:1:0\",\"action\":1,\"clientId\":\"ann\",\"connectionId\":\"c\","
                        + "\"timestamp\":1795251092000,\"data\":\"x\"}]}");
        assertThat(format.read(Frames.transientMessage(format, "[meta]room", "i", 5, "[meta]occupancy", "{}")))
                .hasToString("{\"action\":15,\"channel\":\"[meta]room\",\"id\":\"i\",\"timestamp\":5,\"messages\":["
                        + "{\"id\":\"i:0\",\"timestamp\":5,\"name\":\"[meta]occupancy\",\"data\":\"{}\","
                        + "\"encoding\":\"json\"}]}");
    }

    private static InboundFrame read(String json) throws WireException {
        return InboundFrame.read(WireFormat.JSON, json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsWhatClientsSend() throws WireException {
        InboundFrame publish = read("""
                {"action":15,"channel":"room","msgSerial":7,"params":{"_forceNack":true},"messages":[
                  {"action":0,"id":null,"name":"n","data":"AQI=","encoding":"cipher/base64","clientId":"ann",
                   "extras":{"ephemeral":true}},
                  {"action":5,"serial":"s","data":"more","version":{"description":"d","metadata":{"a":1}}},
                  {"data":{"a":[1]}}]}""");

        assertThat(publish.action()).isEqualTo(Action.MESSAGE);
        assertThat(publish.msgSerial()).isEqualTo(7);
        assertThat(publish.params()).containsEntry("_forceNack", "true");
        InboundMessage first = publish.messages().get(0);
        assertThat(first.action()).isEqualTo(InboundMessage.Action.CREATE);
        assertThat(first.id()).isNull();
        assertThat(first.ephemeral()).isTrue();
        assertThat(first.body()).isEqualTo(new Body("n", Data.of(new byte[] {1, 2}), "cipher", "{\"ephemeral\":true}"));
        InboundMessage second = publish.messages().get(1);
        assertThat(second.action()).isEqualTo(InboundMessage.Action.APPEND);
        assertThat(second.serial()).isEqualTo("s");
        assertThat(second.operation()).isEqualTo(new Operation(null, "d", "{\"a\":1}"));
        assertThat(publish.messages().get(2).body()).isEqualTo(new Body(null, Data.of("{\"a\":[1]}"), "json", null));

        InboundFrame presence = read("{\"action\":14,\"presence\":[{\"action\":1,\"id\":\"c:0:0\"},{\"action\":3}]}");
        assertThat(presence.presence())
                .extracting(InboundPresence::action)
                .containsExactly(PresenceEntry.Action.PRESENT, PresenceEntry.Action.LEAVE);

        assertThat(read("{\"action\":17,\"auth\":{\"accessToken\":\"t\"}}").accessToken())
                .isEqualTo("t");
        assertThat(read("{\"action\":10,\"flags\":4294967296.0}").flags()).isEqualTo(1L << 32);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "{}",
                "{\"action\":\"15\"}",
                "{\"action\":22}",
                "{\"action\":15.5}",
                "{\"action\":1e300}",
                "{\"action\":15,\"channel\":5}",
                "{\"action\":10,\"params\":[]}",
                "{\"action\":17,\"auth\":\"t\"}"
            })
    void refusesWhatIsNoFrame(String frame) {
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> read(frame))
                .satisfies(refused -> assertThat(refused.error().statusCode()).isEqualTo(400));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"messages\":5",
                "\"messages\":[5]",
                "\"messages\":[{\"action\":6}]",
                "\"messages\":[{\"data\":5}]",
                "\"messages\":[{\"data\":\"!\",\"encoding\":\"base64\"}]",
                "\"messages\":[{\"data\":{},\"encoding\":\"utf-8\"}]",
                "\"messages\":[{},{\"extras\":\"e\"}]",
                "\"presence\":[{\"action\":0}]",
                "\"presence\":{\"a\":5}"
            })
    void aRequestThatMakesNoSenseKeepsItsNumber(String field) throws WireException {
        InboundFrame frame = read("{\"action\":15,\"msgSerial\":3," + field + "}");

        assertThat(frame.msgSerial()).isEqualTo(3);
        assertThat(frame.messages()).isEmpty();
        assertThat(frame.error()).isNotNull();
    }
}
