package dev.parley.engine.session.run;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.codec.RunNoteCodec;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;

/** The form of runs in the store: the runs, the texts about them, their open messages, and cancels. */
final class RunRows {
    private static final int RUN = 0;
    private static final int CANCEL = 1;
    private static final int TEXTS = 2;
    private static final int OPEN = 3;

    /** The versions of texts: with what is said if the agent is lost, and if a person takes over as well. */
    private static final int TEXTS_OF_LOSS = 1;

    private static final int TEXTS_OF_TAKEOVER = 2;

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
        BinaryWriter out = new BinaryWriter(96).u8(1);
        ValueCodec.name(out, run.session());
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
        return new Run(ValueCodec.name(in), in.string(), in.fixed64(), in.optional(), in.optional(), in.bool());
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
        int version = texts.takenOver() == null ? TEXTS_OF_LOSS : TEXTS_OF_TAKEOVER;
        return RunNoteCodec.texts(new BinaryWriter(512).u8(version), texts).toBytes();
    }

    static RunTexts texts(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        boolean withTakeover = in.version(TEXTS_OF_LOSS, TEXTS_OF_TAKEOVER) == TEXTS_OF_TAKEOVER;
        return RunNoteCodec.texts(in, withTakeover);
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
}
