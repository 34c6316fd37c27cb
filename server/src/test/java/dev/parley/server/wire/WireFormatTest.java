package dev.parley.server.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.parley.engine.session.Data;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class WireFormatTest {
    private static void everything(WireWriter to) {
        to.beginObject()
                .field("text", "grüß \"Gott\" \u0001 \uD83D\uDE00")
                .field("absent", null)
                .field("small", 1)
                .field("millis", 1_795_251_092_000L)
                .field("negative", -3)
                .field("largest", Long.MAX_VALUE)
                .field("yes", true)
                .jsonField("extras", "{\"a\":[1,2.5,{\"b\":null}],\"c\":\"d\",\"e\":false,\"f\":12345678901}")
                .jsonField("nothing", null)
                .name("list")
                .beginArray()
                .value("a")
                .nothing()
                .value(7)
                .beginObject()
                .endObject()
                .beginArray()
                .endArray()
                .endArray()
                .field("last", "x".repeat(70_000))
                .endObject();
    }

    @ParameterizedTest
    @EnumSource
    void readsWhatItWrites(WireFormat format) throws WireException {
        JsonNode read = format.read(format.write(WireFormatTest::everything));

        assertThat(read.path("text").stringValue()).isEqualTo("grüß \"Gott\" \u0001 \uD83D\uDE00");
        assertThat(read.has("absent")).isFalse();
        assertThat(read.path("millis").longValue()).isEqualTo(1_795_251_092_000L);
        assertThat(read.path("millis").isIntegralNumber()).isTrue();
        assertThat(read.path("negative").longValue()).isEqualTo(-3);
        assertThat(read.path("largest").longValue()).isEqualTo(Long.MAX_VALUE);
        assertThat(read.path("yes").booleanValue()).isTrue();
        assertThat(read.path("extras"))
                .hasToString("{\"a\":[1,2.5,{\"b\":null}],\"c\":\"d\",\"e\":false,\"f\":12345678901}");
        assertThat(read.path("list")).hasToString("[\"a\",null,7,{},[]]");
        assertThat(read.path("last").stringValue()).hasSize(70_000);
        assertThat(read.propertyNames())
                .containsExactly("text", "small", "millis", "negative", "largest", "yes", "extras", "list", "last");
    }

    @Test
    void bytesAreBase64InJsonAndBytesInMsgpack() throws WireException {
        Consumer<WireWriter> value = to ->
                to.beginObject().data(Data.of(new byte[] {1, 2, -1}), "cipher").endObject();

        assertThat(WireFormat.JSON.read(WireFormat.JSON.write(value)))
                .hasToString("{\"data\":\"AQL/\",\"encoding\":\"cipher/base64\"}");
        JsonNode msgpack = WireFormat.MSGPACK.read(WireFormat.MSGPACK.write(value));
        assertThat(msgpack.path("data").binaryValue()).containsExactly(1, 2, -1);
        assertThat(msgpack.path("encoding").stringValue()).isEqualTo("cipher");
    }

    @Test
    void undefinedOfJavaScriptIsNull() throws WireException {
        assertThat(WireFormat.MSGPACK.read(bytes(0x81, 0xa1, 'a', 0xd4, 0, 0))).hasToString("{\"a\":null}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"a\":}", "nonsense", "{} {}", "[1,]"})
    void refusesWhatIsNoJson(String text) {
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> WireFormat.JSON.read(text.getBytes(StandardCharsets.UTF_8)))
                .satisfies(refused -> assertThat(refused.error().code()).isEqualTo(40001));
    }

    @ParameterizedTest
    @EnumSource
    void refusesEveryTruncation(WireFormat format) {
        byte[] whole = format.write(WireFormatTest::everything);
        for (int length = 0; length < 250; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatExceptionOfType(WireException.class).isThrownBy(() -> format.read(part));
        }
    }

    @Test
    void refusesLengthsBeyondTheBytesThereAre() {
        assertRefused(bytes(0xdd, 0xff, 0xff, 0xff, 0xff)); // array
        assertRefused(bytes(0xdd, 0x7f, 0xff, 0xff, 0xff));
        assertRefused(bytes(0xdf, 0x7f, 0xff, 0xff, 0xff)); // map
        assertRefused(bytes(0xdb, 0x7f, 0xff, 0xff, 0xff, 'a')); // text
        assertRefused(bytes(0xc6, 0x7f, 0xff, 0xff, 0xff, 'a')); // bytes
        assertRefused(bytes(0xc6, 0xff, 0xff, 0xff, 0xff, 'a'));
        assertRefused(bytes(0xc9, 0x7f, 0xff, 0xff, 0xff, 0)); // extension
    }

    @Test
    void refusesWhatNoClientWrites() {
        assertRefused(bytes(0xc1)); // no format
        assertRefused(bytes(0x81, 0x01, 0x01)); // a map with a number for a name
        assertRefused(bytes(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)); // beyond 63 bits
        assertRefused(bytes(0x01, 0x01)); // two values
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '~', textBlock = """
            \\ud83d\\ude00,     \uD83D\uDE00
            a\\uD83Db,          a\uFFFDb
            a\\ude00b,          a\uFFFDb
            \\ud83d\\ud83d\\ude00, \uFFFD\uD83D\uDE00
            \\ude00\\ud83d,     \uFFFD\uFFFD
            \\ud83d\\n,         ~\uFFFD\n~
            \\\\ud83d,           \\ud83d
            """)
    void halfACharacterIsReplaced(String json, String text) throws WireException {
        JsonNode read = WireFormat.JSON.read(("{\"" + json + "\":\"" + json + "\"}").getBytes(StandardCharsets.UTF_8));

        assertThat(read.propertyNames()).containsExactly(text);
        for (WireFormat format : WireFormat.values()) {
            byte[] written = format.write(
                    to -> to.beginObject().jsonField(text, read.toString()).endObject());
            assertThat(format.read(written).path(text).path(text).stringValue()).isEqualTo(text);
        }
    }

    @Test
    void nestingIsBounded() throws WireException {
        assertThat(WireFormat.MSGPACK
                        .read(nested(0x91, WireFormat.MAX_DEPTH, 0x90))
                        .isArray())
                .isTrue();
        assertRefused(nested(0x91, 100_000, 0x90));
        assertRefused(nested(0x81, 0xa1, 100_000));

        WireException refused = catchThrowableOfType(
                WireException.class,
                () -> WireFormat.JSON.read("[".repeat(100_000).getBytes(StandardCharsets.US_ASCII)));
        assertThat(refused.error().message()).contains("too deep");
    }

    @Test
    void partsAreBounded() {
        byte[] many = new byte[WireFormat.MAX_PARTS + 6];
        many[0] = (byte) 0xdd;
        many[2] = (byte) ((many.length - 5) >>> 16);
        many[3] = (byte) ((many.length - 5) >>> 8);
        many[4] = (byte) (many.length - 5);
        assertRefused(many);
        String json = "[" + "0,".repeat(WireFormat.MAX_PARTS) + "0]";
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> WireFormat.JSON.read(json.getBytes(StandardCharsets.US_ASCII)));
    }

    @Test
    void anyBytesAreReadOrRefused() {
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(60)];
            random.nextBytes(bytes);
            for (WireFormat format : WireFormat.values()) {
                try {
                    InboundFrame.read(format, bytes);
                } catch (WireException e) {
                    assertThat(e.error().statusCode()).isEqualTo(400);
                }
            }
        }
    }

    private static void assertRefused(byte[] bytes) {
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> WireFormat.MSGPACK.read(bytes))
                .satisfies(refused -> assertThat(refused.error().code()).isEqualTo(40001));
    }

    private static byte[] nested(int open, int depth, int innermost) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < depth; i++) {
            out.write(open);
        }
        out.write(innermost);
        return out.toByteArray();
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }
}
