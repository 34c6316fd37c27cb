package dev.parley.engine.session;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.RunNote.Active;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunNote.Described;
import dev.parley.engine.session.RunNote.Ended;
import dev.parley.engine.session.RunNote.Settled;
import dev.parley.engine.session.RunNote.Streaming;
import dev.parley.engine.session.RunNote.Suspended;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** How runs and cancels lie in the store, and notes about them in the journal. */
final class RunRows {
    private static final int RUN = 0;
    private static final int CANCEL = 1;
    private static final int TEXTS = 2;
    private static final int OPEN = 3;
    private static final int ACTIVE = 1;
    private static final int SUSPENDED = 2;
    private static final int ENDED = 3;
    private static final int WANTED_OVER = 4;
    private static final int DESCRIBED = 5;
    private static final int STREAMING = 6;
    private static final int SETTLED = 7;

    private RunRows() {}

    /**
     * A message of a run that is being streamed.
     *
     * @param closed its extras once it is closed
     */
    record Open(String runId, String closed) {}

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

    static byte[] textsKey(long session, String runId) {
        return new BinaryWriter(48)
                .fixed64(session)
                .u8(TEXTS)
                .raw(runId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] texts(RunTexts texts) {
        return texts(new BinaryWriter(512).u8(1), texts).toBytes();
    }

    static RunTexts texts(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return texts(in);
    }

    private static BinaryWriter texts(BinaryWriter out, RunTexts texts) {
        SessionRows.body(out, texts.end());
        return notice(notice(out, texts.away()), texts.back());
    }

    private static RunTexts texts(BinaryReader in) {
        return new RunTexts(SessionRows.body(in), notice(in), notice(in));
    }

    private static BinaryWriter notice(BinaryWriter out, RunTexts.Notice notice) {
        return out.string(notice.name())
                .string(notice.start())
                .string(notice.middle())
                .string(notice.rest())
                .optional(notice.encoding());
    }

    private static RunTexts.Notice notice(BinaryReader in) {
        return new RunTexts.Notice(in.string(), in.string(), in.string(), in.string(), in.optional());
    }

    static byte[] openKey(long session, long serial) {
        return new BinaryWriter(17).fixed64(session).u8(OPEN).fixed64(serial).toBytes();
    }

    static long openSerial(byte[] openKey) {
        return cancelSerial(openKey);
    }

    static byte[] open(Open open) {
        return new BinaryWriter(512)
                .u8(1)
                .string(open.runId())
                .string(open.closed())
                .toBytes();
    }

    static Open open(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Open(in.string(), in.string());
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
            case Described n -> texts(out.u8(DESCRIBED).string(n.runId()), n.texts());
            case Streaming n ->
                out.u8(STREAMING)
                        .varint(n.message())
                        .fixed64(n.serial())
                        .string(n.runId())
                        .string(n.closed());
            case Settled n -> out.u8(SETTLED).fixed64(n.serial());
            case Ended n -> out.u8(ENDED).string(n.runId());
            case Cancel n ->
                out.u8(WANTED_OVER).varint(n.message()).optional(n.runId()).optional(n.inputId());
        };
    }

    private static RunNote note(BinaryReader in) {
        return switch (in.u8()) {
            case ACTIVE -> new Active(in.string(), in.optional(), in.bool());
            case SUSPENDED -> new Suspended(in.string());
            case DESCRIBED -> new Described(in.string(), texts(in));
            case STREAMING -> new Streaming(in.count(), in.fixed64(), in.string(), in.string());
            case SETTLED -> new Settled(in.fixed64());
            case ENDED -> new Ended(in.string());
            case WANTED_OVER -> new Cancel(in.count(), in.optional(), in.optional());
            default -> throw new MalformedBinaryException("an unknown kind of note about a run", null);
        };
    }
}
