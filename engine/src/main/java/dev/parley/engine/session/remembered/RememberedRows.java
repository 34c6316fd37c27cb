package dev.parley.engine.session.remembered;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.session.log.SessionRows;

/** The form of the outcomes of requests in the store. An outcome consists of positions. */
final class RememberedRows {
    private RememberedRows() {}

    static byte[] requestKey(long session, String connectionId, long msgSerial) {
        return SessionRows.connection(session, connectionId).fixed64(msgSerial).toBytes();
    }

    static long msgSerial(byte[] requestKey) {
        BinaryReader in = new BinaryReader(requestKey);
        in.fixed64();
        in.string();
        return in.fixed64();
    }

    static Remembered.Requester requester(byte[] requestKey) {
        BinaryReader in = new BinaryReader(requestKey);
        return new Remembered.Requester(in.fixed64(), in.string());
    }
}
