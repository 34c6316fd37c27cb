package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.stream.StreamCommand.Span;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The form of values of which both commands in the journal and rows in the store are made. */
final class StreamValues {
    private static final int NO_PLACE = 0;
    private static final int START = 1;
    private static final int NAMED = 2;
    private static final int UNNAMED = 3;
    private static final int LAPSED = 4;

    private StreamValues() {}

    static byte[] payload(Payload payload) {
        int[] lengths = payload.lengths();
        int messages = lengths == null ? 0 : lengths.length;
        BinaryWriter out = new BinaryWriter(payload.bytes().length + 6 + (messages > 1 ? messages * 3 : 0));
        out.varint(messages);
        if (lengths != null && messages > 1) {
            for (int length : lengths) {
                out.varint(length);
            }
        }
        return out.raw(payload.bytes()).toBytes();
    }

    static Payload payload(byte[] value) {
        BinaryReader in = new BinaryReader(value);
        int messages = in.count();
        if (messages == 0) {
            return Payload.ofBytes(in.raw(in.remaining()));
        }
        int[] lengths = new int[messages];
        if (messages == 1) {
            lengths[0] = in.remaining();
        } else {
            for (int i = 0; i < messages; i++) {
                lengths[i] = in.count();
            }
        }
        return Payload.ofMessages(in.raw(in.remaining()), lengths);
    }

    static void tag(BinaryWriter out, @Nullable ProducerTag tag) {
        out.bool(tag != null);
        if (tag != null) {
            out.string(tag.id()).varint(tag.epoch()).varint(tag.seq());
        }
    }

    static @Nullable ProducerTag tag(BinaryReader in) {
        return in.bool() ? new ProducerTag(in.string(), in.varint(), in.varint()) : null;
    }

    static void spans(BinaryWriter out, List<Span> spans) {
        out.varint(spans.size());
        for (Span span : spans) {
            out.fixed64(span.streamId()).varint(Integer.toUnsignedLong(span.pathHash()));
            out.varint(span.from()).varint(span.to());
        }
    }

    static List<Span> spans(BinaryReader in, boolean withPaths) {
        int count = in.count();
        List<Span> spans = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            spans.add(new Span(in.fixed64(), withPaths ? (int) in.varint() : 0, in.varint(), in.varint()));
        }
        return List.copyOf(spans);
    }

    static void place(BinaryWriter out, @Nullable Place place) {
        switch (place) {
            case null -> out.u8(NO_PLACE);
            case Place.Start start -> out.u8(START);
            case Place.Named(long streamId, int pathHash, long position) ->
                out.u8(NAMED)
                        .fixed64(streamId)
                        .varint(Integer.toUnsignedLong(pathHash))
                        .varint(position);
            case Place.Unnamed(long before, long position) ->
                out.u8(UNNAMED).fixed64(before).varint(position);
            case Place.Lapsed(int pathHash) -> out.u8(LAPSED).varint(Integer.toUnsignedLong(pathHash));
        }
    }

    static @Nullable Place place(BinaryReader in) {
        int kind = in.u8();
        return switch (kind) {
            case NO_PLACE -> null;
            case START -> new Place.Start();
            case NAMED -> new Place.Named(in.fixed64(), (int) in.varint(), in.varint());
            case UNNAMED -> new Place.Unnamed(in.fixed64(), in.varint());
            case LAPSED -> new Place.Lapsed((int) in.varint());
            default -> throw new MalformedBinaryException("an unknown place of kind " + kind, null);
        };
    }
}
