package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.ControlTexts;
import java.util.ArrayList;
import java.util.List;

/** The binary form of what is said about the control of a session, in commands and rows. */
public final class ControlCodec {
    private ControlCodec() {}

    /** Writes it. */
    public static BinaryWriter texts(BinaryWriter out, ControlTexts texts) {
        out.varint(texts.agentMessages().size());
        texts.agentMessages().forEach(out::string);
        return RunNoteCodec.notice(RunNoteCodec.notice(out, texts.written()), texts.expired());
    }

    /** Reads it. */
    public static ControlTexts texts(BinaryReader in) {
        int count = in.count();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            names.add(in.string());
        }
        return new ControlTexts(List.copyOf(names), RunNoteCodec.notice(in), RunNoteCodec.notice(in));
    }
}
