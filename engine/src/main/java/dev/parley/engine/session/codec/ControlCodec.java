package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.ControlTexts;

/** The binary form of what is said about the control of a session, in commands and rows. */
public final class ControlCodec {
    private ControlCodec() {}

    /** Writes it. */
    public static BinaryWriter texts(BinaryWriter out, ControlTexts texts) {
        ValueCodec.texts(out, texts.agentMessages());
        return RunNoteCodec.notice(RunNoteCodec.notice(out, texts.written()), texts.expired());
    }

    /** Reads it. */
    public static ControlTexts texts(BinaryReader in) {
        return new ControlTexts(ValueCodec.texts(in), RunNoteCodec.notice(in), RunNoteCodec.notice(in));
    }
}
