package dev.parley.engine.session.presence;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.codec.ValueCodec;
import dev.parley.engine.session.log.SessionRows;
import java.nio.charset.StandardCharsets;

/** The form of members and presence events in the store. */
final class PresenceRows {
    private PresenceRows() {}

    static byte[] memberKey(long session, String connectionId, String clientId) {
        return SessionRows.connection(session, connectionId)
                .raw(clientId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] presence(PresenceEntry entry) {
        BinaryWriter out = new BinaryWriter(64 + entry.body().size()).u8(1);
        ValueCodec.presenceAction(out.varint(entry.position()), entry.action());
        out.string(entry.id()).string(entry.clientId()).string(entry.connectionId());
        ValueCodec.body(out, entry.body());
        return out.toBytes();
    }

    static PresenceEntry presence(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new PresenceEntry(
                in.varint(), ValueCodec.presenceAction(in), in.string(), in.string(), in.string(), ValueCodec.body(in));
    }
}
