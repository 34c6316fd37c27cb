package dev.parley.engine.session.attendance;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.codec.ValueCodec;
import dev.parley.engine.session.log.Membership;
import java.nio.charset.StandardCharsets;

/** How attendances lie in the store, and the list of when something is due for them. */
final class AttendanceRows {
    private static final int VERSION = 1;
    /** What becomes of runs. */
    private static final int RUNS = 2;

    private AttendanceRows() {}

    static byte[] attendance(Attendance attendance) {
        return new BinaryWriter(40)
                .u8(RUNS)
                .varint(attendance.epoch())
                .varint(attendance.leaveAt())
                .varint(attendance.forgetAt())
                .varint(attendance.awayAt())
                .varint(attendance.endAt())
                .bool(attendance.told())
                .toBytes();
    }

    static Attendance attendance(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        boolean withRuns = in.version(VERSION, RUNS) >= RUNS;
        return new Attendance(
                in.varint(),
                in.varint(),
                in.varint(),
                withRuns ? in.varint() : 0,
                withRuns ? in.varint() : 0,
                withRuns && in.bool());
    }

    static byte[] departureKey(long due, long session, String connectionId) {
        return new BinaryWriter(16 + connectionId.length())
                .fixed64(due)
                .fixed64(session)
                .raw(connectionId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** Behind the last key of what is due until {@code millis}, inclusive. */
    static byte[] departuresEnd(long millis) {
        return new BinaryWriter(8).fixed64(millis + 1).toBytes();
    }

    static byte[] arrivalKey(long epoch, long session, String connectionId) {
        return departureKey(epoch, session, connectionId);
    }

    static long epoch(byte[] arrivalKey) {
        return new BinaryReader(arrivalKey).fixed64();
    }

    /** The first key of what arrived with {@code epoch} or later. */
    static byte[] arrivalsFrom(long epoch) {
        return new BinaryWriter(8).fixed64(epoch).toBytes();
    }

    static byte[] arrival(Membership attendance) {
        BinaryWriter out = new BinaryWriter(96).u8(VERSION);
        ValueCodec.name(out, attendance.session());
        return out.string(attendance.connectionId()).toBytes();
    }

    static Membership arrival(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new Membership(ValueCodec.name(in), in.string());
    }

    static byte[] departure(SessionName session, String connectionId, long epoch) {
        BinaryWriter out = new BinaryWriter(96).u8(1);
        ValueCodec.name(out, session);
        return out.string(connectionId).varint(epoch).toBytes();
    }

    /** The command that does what is due. */
    static Depart departure(byte[] row, long now) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Depart(ValueCodec.name(in), now, in.string(), in.varint());
    }
}
