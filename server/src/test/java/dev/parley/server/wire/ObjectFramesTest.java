package dev.parley.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.ObjectValue.Bool;
import dev.parley.engine.session.ObjectValue.Bytes;
import dev.parley.engine.session.ObjectValue.Json;
import dev.parley.engine.session.ObjectValue.Numeric;
import dev.parley.engine.session.ObjectValue.Ref;
import dev.parley.engine.session.ObjectValue.Text;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.object.MapEntry;
import dev.parley.engine.session.object.ObjectIds;
import dev.parley.engine.session.object.ObjectPart;
import dev.parley.engine.session.object.ObjectState.CounterState;
import dev.parley.engine.session.object.ObjectState.Deleted;
import dev.parley.engine.session.object.ObjectState.MapState;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ObjectFramesTest {
    private static final long POSITION = Positions.of(1_795_251_092_000L, 3);

    private static InboundFrame read(String operation) throws WireException {
        String frame = "{'action':19,'channel':'room','msgSerial':4,'state':[{'operation':%s}]}".formatted(operation);
        return InboundFrame.read(WireFormat.JSON, frame.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectOperation operation(String operation) throws WireException {
        InboundFrame frame = read(operation);
        assertThat(frame.error()).isNull();
        return frame.objects().getFirst().operation();
    }

    @Test
    void readsWhatClientsSend() throws WireException {
        assertThat(operation("{'action':1,'objectId':'root','mapSet':{'key':'k','value':{'string':'v'}}}"))
                .isEqualTo(new MapSet("root", "k", new Text("v")));
        assertThat(operation("{'action':2,'objectId':'root','mapRemove':{'key':''}}"))
                .isEqualTo(new MapRemove("root", ""));
        assertThat(operation("{'action':4,'objectId':'counter:c','counterInc':{'number':-1.5}}"))
                .isEqualTo(new CounterInc("counter:c", -1.5));
        assertThat(operation("{'action':5,'objectId':'map:m','objectDelete':{}}"))
                .isEqualTo(new ObjectDelete("map:m"));
        assertThat(operation("{'action':6,'objectId':'root','mapClear':{}}")).isEqualTo(new MapClear("root"));
    }

    @Test
    void readsAllTypesOfValues() throws WireException {
        Map<String, ObjectValue> values = Map.of(
                "{'objectId':'map:m'}", new Ref("map:m"),
                "{'boolean':false}", new Bool(false),
                "{'number':7}", new Numeric(7),
                "{'bytes':'AQID'}", new Bytes(new byte[] {1, 2, 3}),
                "{'json':'[1]'}", new Json("[1]"),
                "{'json':{'a':1}}", new Json("{\"a\":1}"),
                "{'string':'[1]','encoding':'json'}", new Json("[1]"));
        for (var value : values.entrySet()) {
            String set = "{'action':1,'objectId':'root','mapSet':{'key':'k','value':" + value.getKey() + "}}";
            assertThat(operation(set)).isEqualTo(new MapSet("root", "k", value.getValue()));
        }
    }

    @Test
    void aNewObjectIsNamedByWhatItIsMadeWith() throws WireException {
        String map = "{\"semantics\":0,\"entries\":{\"k\":{\"data\":{\"bytes\":\"AQID\"}}}}";
        String id = ObjectIds.ofMap(map, "nonce", 5);
        String quoted = map.replace("\"", "\\\"");
        String create =
                "{'action':0,'objectId':'%s','mapCreateWithObjectId':{'nonce':'%s','initialValue':'" + quoted + "'}}";
        assertThat(operation(create.formatted(id, "nonce")))
                .isEqualTo(new MapCreate(id, Map.of("k", new Bytes(new byte[] {1, 2, 3}))));
        assertThat(read(create.formatted(id, "other")).error()).isNotNull();
        assertThat(read(create.formatted("counter" + id.substring(3), "nonce")).error())
                .isNotNull();
        String counter = ObjectIds.ofCounter("{\"count\":3}", "n", 5);
        assertThat(operation("{'action':3,'objectId':'" + counter
                        + "','counterCreateWithObjectId':{'nonce':'n','initialValue':'{\\\"count\\\":3}'}}"))
                .isEqualTo(new CounterCreate(counter, 3));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'action':7,'objectId':'root'}",
                "{'action':1,'mapSet':{'key':'k','value':{'string':'v'}}}",
                "{'action':1,'objectId':'root'}",
                "{'action':1,'objectId':'root','mapSet':{'key':'k'}}",
                "{'action':1,'objectId':'root','mapSet':{'value':{'string':'v'}}}",
                "{'action':1,'objectId':'root','mapSet':{'key':'k','value':{}}}",
                "{'action':1,'objectId':'root','mapSet':{'key':'k','value':{'number':'7'}}}",
                "{'action':1,'objectId':'root','mapSet':{'key':'k','value':{'boolean':'true'}}}",
                "{'action':1,'objectId':'root','mapSet':{'key':'k','value':{'bytes':'%'}}}",
                "{'action':1,'objectId':'root','mapSet':{'key':'k','value':{'json':'{'}}}",
                "{'action':4,'objectId':'counter:c','counterInc':{}}",
                "{'action':0,'objectId':'map:m','mapCreate':{}}"
            })
    void refusesWhatMakesNoSense(String operation) throws WireException {
        InboundFrame frame = read(operation);
        assertThat(frame.error()).isNotNull();
        assertThat(frame.objects()).isEmpty();
        assertThat(frame.msgSerial()).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource
    void valuesSurviveTheWayThroughEitherFormat(WireFormat format) throws WireException {
        for (ObjectValue value : List.of(
                new Text("grüß"),
                new Text(""),
                new Numeric(-0.125),
                new Numeric(9_007_199_254_740_991.0),
                new Bool(true),
                new Bytes(new byte[] {0, -1, 7}),
                new Json("{\"a\":[1,null]}"),
                new Ref("map:m"))) {
            MapSet set = new MapSet("root", "k", value);
            byte[] frame = Frames.entries(
                            format,
                            "room",
                            List.of(new ObjectEntry(POSITION, "c:0:0", "ann", "c", "{\"x\":1}", set)),
                            POSITION)
                    .getFirst();
            InboundObject read = InboundFrame.read(format, frame).objects().getFirst();
            assertThat(read.operation()).isEqualTo(set);
            assertThat(read.clientId()).isEqualTo("ann");
            assertThat(read.extras()).isEqualTo("{\"x\":1}");
        }
    }

    private static JsonNode shown(ObjectOperation operation) throws WireException {
        ObjectEntry entry = new ObjectEntry(POSITION, "c:0:0", null, "c", null, operation);
        return WireFormat.JSON.read(Frames.entries(WireFormat.JSON, "room", List.of(entry), POSITION)
                .getFirst());
    }

    @Test
    void changesAreShownWithTheirPlaceInTheOrder() throws WireException {
        assertThat(shown(new CounterInc("counter:c", 2))).hasToString("""
                {"action":19,"channel":"room","channelSerial":"01795251092000-0000003","timestamp":1795251092000,\
                "state":[{"id":"c:0:0","connectionId":"c","timestamp":1795251092000,\
                "serial":"01795251092000-0000003","serialTimestamp":1795251092000,"siteCode":"parley",\
                "operation":{"action":4,"objectId":"counter:c","counterInc":{"number":2}}}]}""");
        assertThat(shown(new MapCreate("map:m", Map.of("k", new Numeric(1))))
                        .path("state")
                        .get(0)
                        .path("operation"))
                .hasToString("""
                {"action":0,"objectId":"map:m","mapCreate":{"semantics":0,"entries":{"k":\
                {"timeserial":"01795251092000-0000003","data":{"number":1}}}}}""");
    }

    @Test
    void aSyncTellsWhatIsInIt() throws WireException {
        var entries = new TreeMap<String, MapEntry>();
        entries.put("gone", new MapEntry(POSITION - 1, null));
        entries.put("k", new MapEntry(POSITION - 2, new Text("v")));
        byte[] frame = Frames.objectSync(
                WireFormat.JSON,
                "room",
                "o1:",
                List.of(
                        new ObjectPart(new MapState("root", POSITION - 3, 1, 0), entries),
                        new ObjectPart(new CounterState("counter:c", 2.5, POSITION + 4, 0), new TreeMap<>()),
                        new ObjectPart(new Deleted("map:d", POSITION - 1), new TreeMap<>())),
                POSITION);
        assertThat(WireFormat.JSON.read(frame)).hasToString("""
                {"action":20,"channel":"room","channelSerial":"o1:","state":[\
                {"object":{"objectId":"root","siteTimeserials":{"parley":"01795251092000-0000003"},"tombstone":false,\
                "map":{"semantics":0,"clearTimeserial":"01795251092000-0000000","entries":{\
                "gone":{"timeserial":"01795251092000-0000002","tombstone":true,"serialTimestamp":1795251092000},\
                "k":{"timeserial":"01795251092000-0000001","tombstone":false,"data":{"string":"v"}}}}}},\
                {"object":{"objectId":"counter:c","siteTimeserials":{"parley":"01795251092000-0000007"},\
                "tombstone":false,"createOp":{"action":3,"objectId":"counter:c","counterCreate":{"count":0}},\
                "counter":{"count":2.5}}},\
                {"object":{"objectId":"map:d","siteTimeserials":{"parley":"01795251092000-0000003"},"tombstone":true,\
                "map":{"semantics":0,"entries":{}}},"serialTimestamp":1795251092000}]}""");
    }
}
