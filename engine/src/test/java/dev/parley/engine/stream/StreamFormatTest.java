package dev.parley.engine.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.stream.StreamCommand.Span;
import dev.parley.engine.stream.StreamRows.Producer;
import dev.parley.engine.stream.StreamState.Origin;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Streams lie in the store as they always did. */
class StreamFormatTest {
    private static final long ID = 0x0102_0304_0506L;
    private static final long TIME = 1_800_000_000_000L;

    @Test
    void rows() throws IOException {
        GoldenBytes golden = new GoldenBytes("streams");
        golden.bytes("streamKey", StreamRows.streamKey("dir/ü"));
        golden.example(
                "stream of a closed fork",
                state(true, new ProducerTag("p", 1, 300), "seq", List.of(new Span(ID, -1, 0, 5))),
                StreamRows::stream,
                StreamRows::stream);
        golden.example(
                "stream of the plain kind", state(false, null, null, null), StreamRows::stream, StreamRows::stream);
        golden.bytes("entryKey", StreamRows.entryKey(ID, 300));
        payload(golden, "entry of bytes", Payload.ofBytes(utf8("ü")));
        payload(golden, "entry of one message", Payload.ofMessages(utf8("{}"), new int[] {2}));
        payload(golden, "entry of two messages", Payload.ofMessages(utf8("1,\"ü\""), new int[] {1, 4}));
        golden.bytes("producerKey", StreamRows.producerKey(ID, "p"));
        golden.example("producer of some age", new Producer(3, 300), StreamRows::producer, StreamRows::producer);
        golden.bytes("deadlineKey", StreamRows.deadlineKey(TIME, ID));
        byte[] pinKey = StreamRows.pinKey(ID, "pin");
        golden.bytes("pinKey", pinKey);
        golden.example(
                "pin of a fork",
                new ForkRelease(StreamCommand.NONE, "fork", "source", ID, "pin"),
                pin -> StreamRows.pin(pin.sourcePath(), pin.forkPath()),
                row -> StreamRows.pin(pinKey, row));
        golden.bytes("idKey", StreamRows.idKey(ID));
        golden.example(
                "release of a pin",
                new ForkRelease(ID, "fork", "source", ID - 8, "pin"),
                StreamRows::release,
                row -> StreamRows.release(StreamRows.idKey(ID), row));
        golden.haveAllOf(StreamRows.class);
        golden.complete();
    }

    /** Rows of before spans had the hashes of their paths, byte for byte as that program wrote them. */
    @Test
    void rowsOfBeforePathsOfSpans() {
        String row = "01016600000000000000280174" + "0000" + "070700" + "00" + "00" + "00" + "00" + "00" + "01" + "0173"
                + "0000000000000020" + "0170" + "00" + "01" + "0000000000000020" + "0005";
        StreamState read = StreamRows.stream(HexFormat.of().parseHex(row));
        assertThat(read.origin()).isEqualTo(new Origin("s", 0x20, "p", -1, List.of(new Span(0x20, 0, 0, 5))));
    }

    private static void payload(GoldenBytes golden, String name, Payload payload) {
        golden.example(name, payload, StreamValues::payload, StreamValues::payload);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** As a row has it: the tail is where the stream begins, until its last entry is looked up. */
    private static StreamState state(
            boolean set, @Nullable ProducerTag closedBy, @Nullable String seq, @Nullable List<Span> lineage) {
        long base = set ? 5 : 0;
        return new StreamState(
                "dir/ü",
                ID,
                "text/plain",
                set ? 1_000 : -1,
                set ? -1 : TIME + 1,
                TIME,
                TIME + 500,
                base,
                base,
                base,
                0,
                set,
                closedBy,
                seq,
                set ? 2 : 0,
                set,
                lineage == null ? null : new Origin("source", ID - 8, "pin", 3, lineage));
    }
}
