package dev.parley.server.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.Summaries.Tally;
import dev.parley.engine.session.SummaryEntry;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class AnnotationsTest {
    private static final long MESSAGE = Positions.of(1_795_251_092_000L, 3);

    private static InboundFrame read(String annotations) throws WireException {
        return InboundFrame.read(
                WireFormat.JSON,
                "{\"action\":21,\"channel\":\"room\",\"msgSerial\":7,\"annotations\":%s}"
                        .formatted(annotations)
                        .getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsWhatAClientSays() throws WireException {
        InboundFrame frame = read("""
                [{"messageSerial":"s","type":"reaction:multiple.v1","name":"up","count":3,"clientId":"ann","id":"i",
                  "data":"aGk=","encoding":"base64","extras":{"a":1}},
                 {"action":1,"type":"reaction:flag.v1"}]""");

        assertThat(frame.error()).isNull();
        assertThat(frame.annotations())
                .containsExactly(
                        new InboundAnnotation(
                                false,
                                "i",
                                "s",
                                "reaction:multiple.v1",
                                3,
                                "ann",
                                new Body("up", Data.of(new byte[] {'h', 'i'}), null, "{\"a\":1}")),
                        new InboundAnnotation(true, null, null, "reaction:flag.v1", 0, null, Body.EMPTY));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[{}]",
                "[{\"type\":7}]",
                "[{\"type\":\"a:total.v1\",\"action\":2}]",
                "[{\"type\":\"a:total.v1\",\"count\":-1}]",
                "[{\"type\":\"a:total.v1\",\"count\":1000001}]",
                "[7]",
                "{}"
            })
    void refusesWhatItDoesNotUnderstandByTheNumberOfTheRequest(String annotations) throws WireException {
        InboundFrame frame = read(annotations);

        assertThat(frame.error()).isNotNull();
        assertThat(frame.annotations()).isEmpty();
        assertThat(frame.msgSerial()).isEqualTo(7);
    }

    @ParameterizedTest
    @EnumSource
    void annotationsAndSummariesTakeTurnsInOrder(WireFormat format) throws WireException {
        var annotation = new AnnotationEntry(
                MESSAGE + 1,
                AnnotationEntry.Action.DELETE,
                MESSAGE,
                "reaction:distinct.v1",
                0,
                "c:0:0",
                "ann",
                "c",
                new Body("up", Data.of("x"), null, null));
        var summary = new SummaryEntry(
                MESSAGE + 2,
                MESSAGE,
                "c:1:0",
                "ben",
                "n",
                new Summaries(Map.of("n:total.v1", Map.of("", new Tally(2, 0, 0, Map.of())))));

        List<byte[]> frames = Frames.entries(format, "room", List.of(annotation, summary), MESSAGE + 2);

        assertThat(frames).hasSize(2);
        assertThat(format.read(frames.get(0))).hasToString("""
                {"action":21,"channel":"room","channelSerial":"01795251092000-0000004","timestamp":1795251092000,\
                "annotations":[{"id":"c:0:0","action":1,"clientId":"ann","connectionId":"c",\
                "timestamp":1795251092000,"serial":"01795251092000-0000004",\
                "messageSerial":"01795251092000-0000003","type":"reaction:distinct.v1","name":"up","data":"x"}]}""");
        assertThat(format.read(frames.get(1))).hasToString("""
                {"action":15,"channel":"room","channelSerial":"01795251092000-0000005","timestamp":1795251092000,\
                "messages":[{"id":"c:1:0","clientId":"ben","timestamp":1795251092000,"action":4,\
                "serial":"01795251092000-0000003","name":"n",\
                "annotations":{"summary":{"n:total.v1":{"total":2}}}}]}""");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            total.v1    | {"total":5}
            flag.v1     | {"total":5,"clientIds":["ann","bob"],"clipped":true}
            distinct.v1 | {"up":{"total":5,"clientIds":["ann","bob"],"clipped":true}}
            unique.v1   | {"up":{"total":5,"clientIds":["ann","bob"],"clipped":true}}
            multiple.v1 | {"up":{"total":5,"clientIds":{"ann":1,"bob":2},"totalUnidentified":2,"totalClientIds":3,"clipped":true}}
            """)
    void eachMethodHasAShapeOfItsOwn(String method, String shape) throws WireException {
        var counts = new TreeMap<>(Map.of("ann", 1L, "bob", 2L));
        String type = "vote:" + method;
        boolean named = !method.startsWith("total") && !method.startsWith("flag");
        var summaries = new Summaries(Map.of(type, Map.of(named ? "up" : "", new Tally(5, 2, 3, counts))));
        var message = new MessageEntry(
                MESSAGE, MessageEntry.Action.CREATE, MESSAGE, 0, "i", null, null, Body.EMPTY, null, summaries);

        JsonNode written = WireFormat.JSON.read(WireFormat.JSON.write(to -> Entries.write(to, message)));

        assertThat(written.path("annotations").path("summary").path(type)).hasToString(shape);
    }

    @Test
    void aFrameThatIsNoneIsRefusedAsAWhole() {
        assertThatExceptionOfType(WireException.class)
                .isThrownBy(() -> InboundFrame.read(WireFormat.JSON, "[]".getBytes(StandardCharsets.UTF_8)));
    }
}
