package dev.parley.engine.session.annotation;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;

/** The form of annotations in the store: the annotations, and the tallies by name and by client. */
final class AnnotationRows {
    private static final int TOTALS = 0;
    private static final int SUM = 1;
    private static final int PART = 2;
    private static final int CHOICE = 3;

    private AnnotationRows() {}

    /**
     * The totals for the annotations of a message.
     *
     * @param annotations the number of annotations, including deleted ones
     * @param names the number of tallies
     * @param bytes their size, roughly
     * @param summary the position of the newest summary in the log, or 0
     */
    record Totals(int annotations, int names, long bytes, long summary) {
        static final Totals NONE = new Totals(0, 0, 0, 0);

        Totals plus(AnnotationEntry entry) {
            return new Totals(annotations + 1, names, bytes + entry.weight(), summary);
        }

        Totals withNames(int count) {
            return new Totals(annotations, count, bytes, summary);
        }

        Totals withSummary(long position) {
            return new Totals(annotations, names, bytes, position);
        }
    }

    /** The tally of one type and name. */
    record Sum(String type, String name, long total, long unidentified, int clients) {
        Sum plus(long more, int moreClients) {
            return new Sum(type, name, total + more, unidentified, clients + moreClients);
        }

        Sum plusUnidentified(long more) {
            return new Sum(type, name, total + more, unidentified + more, clients);
        }
    }

    private static BinaryWriter of(long session, long serial, int kind) {
        return new BinaryWriter(64).fixed64(session).fixed64(serial).u8(kind);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] annotationKey(long session, long serial, long position) {
        return new BinaryWriter(24)
                .fixed64(session)
                .fixed64(serial)
                .fixed64(position)
                .toBytes();
    }

    static byte[] annotation(AnnotationEntry entry) {
        BinaryWriter out = new BinaryWriter(96 + entry.body().size()).u8(1);
        ValueCodec.annotationAction(out, entry.action());
        out.string(entry.type()).varint(entry.count());
        out.optional(entry.id()).optional(entry.clientId()).optional(entry.connectionId());
        ValueCodec.body(out, entry.body());
        return out.toBytes();
    }

    static AnnotationEntry annotation(byte[] key, byte[] row) {
        BinaryReader at = new BinaryReader(key);
        at.fixed64();
        long serial = at.fixed64();
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new AnnotationEntry(
                at.fixed64(),
                ValueCodec.annotationAction(in),
                serial,
                in.string(),
                in.varint(),
                in.optional(),
                in.optional(),
                in.optional(),
                ValueCodec.body(in));
    }

    static byte[] totalsKey(long session, long serial) {
        return of(session, serial, TOTALS).toBytes();
    }

    static byte[] totals(Totals totals) {
        return new BinaryWriter(24)
                .u8(1)
                .varint(totals.annotations())
                .varint(totals.names())
                .varint(totals.bytes())
                .varint(totals.summary())
                .toBytes();
    }

    static Totals totals(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Totals(in.count(), in.count(), in.varint(), in.varint());
    }

    static byte[] firstSumKey(long session, long serial) {
        return of(session, serial, SUM).toBytes();
    }

    /** The key after the last one of the tallies of a message. */
    static byte[] sumsEnd(long session, long serial) {
        return of(session, serial, PART).toBytes();
    }

    static byte[] sumKey(long session, long serial, String type, String name) {
        return of(session, serial, SUM).string(type).raw(utf8(name)).toBytes();
    }

    static byte[] sum(Sum sum) {
        return new BinaryWriter(64)
                .u8(1)
                .string(sum.type())
                .string(sum.name())
                .varint(sum.total())
                .varint(sum.unidentified())
                .varint(sum.clients())
                .toBytes();
    }

    static Sum sum(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Sum(in.string(), in.string(), in.varint(), in.varint(), in.count());
    }

    static byte[] firstPartKey(long session, long serial, String type, String name) {
        return of(session, serial, PART).string(type).string(name).toBytes();
    }

    /** The key after the last one of the contributions to this tally. */
    static byte[] partsEnd(long session, long serial, String type, String name) {
        byte[] end = firstPartKey(session, serial, type, name);
        // Neither a length nor UTF-8 ends in 0xFF.
        end[end.length - 1]++;
        return end;
    }

    static byte[] partKey(long session, long serial, String type, String name, String clientId) {
        return of(session, serial, PART)
                .string(type)
                .string(name)
                .raw(utf8(clientId))
                .toBytes();
    }

    static String client(byte[] partKey) {
        BinaryReader in = new BinaryReader(partKey);
        in.fixed64();
        in.fixed64();
        in.u8();
        in.string();
        in.string();
        return new String(in.raw(in.remaining()), StandardCharsets.UTF_8);
    }

    static byte[] part(long count) {
        return new BinaryWriter(10).varint(count).toBytes();
    }

    static long part(byte[] row) {
        return new BinaryReader(row).varint();
    }

    /** The name that a client has chosen, for types for which a client has only one. */
    static byte[] choiceKey(long session, long serial, String type, String clientId) {
        return of(session, serial, CHOICE).string(type).raw(utf8(clientId)).toBytes();
    }

    static byte[] choice(String name) {
        return utf8(name);
    }

    static String choice(byte[] row) {
        return new String(row, StandardCharsets.UTF_8);
    }
}
