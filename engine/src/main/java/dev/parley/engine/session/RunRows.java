package dev.parley.engine.session;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.RunNote.Active;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunNote.Ended;
import dev.parley.engine.session.RunNote.Suspended;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** How runs and cancels lie in the store, and notes about them in the journal. */
final class RunRows {
    private static final int RUN = 0;
    private static final int CANCEL = 1;
    private static final int ACTIVE = 1;
    private static final int SUSPENDED = 2;
    private static final int ENDED = 3;
    private static final int WANTED_OVER = 4;

    private RunRows() {}

    static byte[] runKey(long session, String runId) {
        return new BinaryWriter(48)
                .fixed64(session)
                .u8(RUN)
                .raw(runId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] cancelKey(long session, long serial) {
        return new BinaryWriter(17).fixed64(session).u8(CANCEL).fixed64(serial).toBytes();
    }

    static boolean isRun(byte[] key) {
        return key[8] == RUN;
    }

    static long cancelSerial(byte[] cancelKey) {
        BinaryReader in = new BinaryReader(cancelKey);
        in.fixed64();
        in.u8();
        return in.fixed64();
    }

    static byte[] run(Run run) {
        BinaryWriter out = new BinaryWriter(96).u8(1);
        SessionRows.name(out, run.session());
        return out.string(run.id())
                .fixed64(run.since())
                .optional(run.inputId())
                .optional(run.connectionId())
                .bool(run.suspended())
                .toBytes();
    }

    static Run run(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Run(SessionRows.name(in), in.string(), in.fixed64(), in.optional(), in.optional(), in.bool());
    }

    static byte[] cancel(Cancel cancel) {
        return note(new BinaryWriter(64), cancel).toBytes();
    }

    static Cancel cancel(byte[] row) {
        if (note(new BinaryReader(row)) instanceof Cancel cancel) {
            return cancel;
        }
        throw new MalformedBinaryException("no cancel", null);
    }

    static void notes(BinaryWriter out, List<RunNote> notes) {
        out.varint(notes.size());
        notes.forEach(note -> note(out, note));
    }

    static List<RunNote> notes(BinaryReader in) {
        int count = in.count();
        List<RunNote> notes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            notes.add(note(in));
        }
        return List.copyOf(notes);
    }

    private static BinaryWriter note(BinaryWriter out, RunNote note) {
        return switch (note) {
            case Active n ->
                out.u8(ACTIVE).string(n.runId()).optional(n.inputId()).bool(n.opens());
            case Suspended n -> out.u8(SUSPENDED).string(n.runId());
            case Ended n -> out.u8(ENDED).string(n.runId());
            case Cancel n ->
                out.u8(WANTED_OVER).varint(n.message()).optional(n.runId()).optional(n.inputId());
        };
    }

    private static RunNote note(BinaryReader in) {
        return switch (in.u8()) {
            case ACTIVE -> new Active(in.string(), in.optional(), in.bool());
            case SUSPENDED -> new Suspended(in.string());
            case ENDED -> new Ended(in.string());
            case WANTED_OVER -> new Cancel(in.count(), in.optional(), in.optional());
            default -> throw new MalformedBinaryException("an unknown kind of note about a run", null);
        };
    }
}
