package dev.parley.engine.session.run;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.codec.RunNoteCodec;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;

/** The form of runs in the store: the runs, the texts about them, their open messages, and cancels. */
final class RunRows {
    private static final int RUN = 0;
    private static final int CANCEL = 1;
    private static final int TEXTS = 2;
    private static final int OPEN = 3;
    private static final int SILENCE = 4;

    /** The versions of runs: without and with who began them. */
    private static final int RUN_OF_NOBODY = 1;

    private static final int RUN_OF_CLIENT = 2;

    /** The versions of texts: with what is said if the agent is lost, if a person takes over as well, and if it is stalled. */
    private static final int TEXTS_OF_LOSS = 1;

    private static final int TEXTS_OF_TAKEOVER = 2;
    private static final int TEXTS_OF_STALL = 3;

    private RunRows() {}

    /**
     * A message of a run that is being streamed.
     *
     * @param closed the extras of the message after it was closed
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
        BinaryWriter out = new BinaryWriter(96).u8(run.startedBy() == null ? RUN_OF_NOBODY : RUN_OF_CLIENT);
        ValueCodec.name(out, run.session());
        out.string(run.id())
                .fixed64(run.since())
                .optional(run.inputId())
                .optional(run.connectionId())
                .bool(run.suspended());
        return (run.startedBy() == null ? out : out.string(run.startedBy())).toBytes();
    }

    static Run run(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        int version = in.version(RUN_OF_NOBODY, RUN_OF_CLIENT);
        return new Run(
                ValueCodec.name(in),
                in.string(),
                in.fixed64(),
                in.optional(),
                in.optional(),
                in.bool(),
                version == RUN_OF_CLIENT ? in.string() : null);
    }

    static byte[] cancel(Cancel cancel) {
        return RunNoteCodec.note(new BinaryWriter(64), cancel).toBytes();
    }

    static Cancel cancel(byte[] row) {
        if (RunNoteCodec.note(new BinaryReader(row)) instanceof Cancel cancel) {
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
        int version = texts.stalled() != null
                ? TEXTS_OF_STALL
                : texts.takenOver() == null ? TEXTS_OF_LOSS : TEXTS_OF_TAKEOVER;
        return RunNoteCodec.texts(new BinaryWriter(512).u8(version), texts).toBytes();
    }

    static RunTexts texts(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        int version = in.version(TEXTS_OF_LOSS, TEXTS_OF_STALL);
        return version == TEXTS_OF_STALL
                ? RunNoteCodec.texts(in)
                : RunNoteCodec.texts(in, version == TEXTS_OF_TAKEOVER);
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

    static byte[] silenceKey(long session, String runId) {
        return new BinaryWriter(48)
                .fixed64(session)
                .u8(SILENCE)
                .raw(runId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** Behind the last of them of a session. */
    static byte[] silencesEnd(long session) {
        return new BinaryWriter(9).fixed64(session).u8(SILENCE + 1).toBytes();
    }

    static String silentRun(byte[] silenceKey) {
        return new String(silenceKey, Long.BYTES + 1, silenceKey.length - Long.BYTES - 1, StandardCharsets.UTF_8);
    }

    static byte[] silence(Silence silence) {
        return new BinaryWriter(24)
                .u8(1)
                .varint(silence.heardAt())
                .varint(silence.listedAt())
                .varint(silence.stalledAt())
                .toBytes();
    }

    static Silence silence(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Silence(in.varint(), in.varint(), in.varint());
    }

    static byte[] listedKey(long time, long session, String runId) {
        return new BinaryWriter(64)
                .fixed64(time)
                .fixed64(session)
                .raw(runId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** Behind the last key of what is listed under a time until {@code millis}, inclusive. */
    static byte[] listedEnd(long millis) {
        return new BinaryWriter(8).fixed64(millis + 1).toBytes();
    }

    static byte[] listed(SessionName session, String runId) {
        BinaryWriter out = new BinaryWriter(64).u8(1);
        ValueCodec.name(out, session);
        return out.string(runId).toBytes();
    }

    static StallRun listed(byte[] row, long now, long since) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new StallRun(ValueCodec.name(in), now, in.string(), since);
    }
}
