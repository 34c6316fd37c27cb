package dev.parley.engine.session.control;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.ControlChange;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.codec.ControlCodec;
import dev.parley.engine.session.codec.ValueCodec;
import dev.parley.engine.session.log.SessionRows;

/**
 * How the texts about a session's control lie in the store, under the key of its id, the changes of it that there were, and the list of
 * when controls go back. The control itself is in the row of the session.
 */
final class ControlRows {
    private static final int VERSION = 1;

    private ControlRows() {}

    static byte[] texts(ControlTexts texts) {
        return ControlCodec.texts(new BinaryWriter(256).u8(VERSION), texts).toBytes();
    }

    static ControlTexts texts(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return ControlCodec.texts(in);
    }

    static byte[] expiryKey(long until, long session) {
        return new BinaryWriter(16).fixed64(until).fixed64(session).toBytes();
    }

    /** Behind the last key of what is due until {@code millis}, inclusive. */
    static byte[] expiriesEnd(long millis) {
        return new BinaryWriter(8).fixed64(millis + 1).toBytes();
    }

    static byte[] expiry(SessionName session) {
        BinaryWriter out = new BinaryWriter(64).u8(VERSION);
        ValueCodec.name(out, session);
        return out.toBytes();
    }

    /** The command that gives the control back. */
    static ExpireControl expiry(byte[] row, long now) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new ExpireControl(ValueCodec.name(in), now);
    }

    static byte[] change(Body notice) {
        BinaryWriter out = new BinaryWriter(192).u8(VERSION);
        ValueCodec.body(out, notice);
        return out.toBytes();
    }

    /** @param key that of the position */
    static ControlChange change(byte[] key, byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new ControlChange(SessionRows.position(key), ValueCodec.body(in));
    }
}
