package dev.parley.engine.session.log;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Attribute.ForkOf;
import dev.parley.engine.session.Attribute.Labelled;
import dev.parley.engine.session.Attribute.OpenRequest;
import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Attribute.Participant;
import dev.parley.engine.session.Attribute.StalledRun;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.SessionName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of the index: attributes with the names of the sessions that have them, in the order of names, and the participants of each
 * session by its id.
 */
public final class IndexRows {
    private static final int OPEN_RUN = 1;
    private static final int LABELLED = 2;
    private static final int PARTICIPANT = 3;
    private static final int PARTICIPANT_OF = 4;
    private static final int PARTICIPANTS = 5;
    private static final int OPEN_REQUEST = 6;
    private static final int STALLED_RUN = 7;
    private static final int FORK_OF = 8;
    private static final int ORIGIN = 9;
    private static final int VERSION = 1;

    private IndexRows() {}

    /** The key of a session under an attribute. */
    static byte[] key(SessionName session, Attribute attribute) {
        return key(session.app(), attribute, session.name());
    }

    /** The key of a name, or of the beginning of one, under an attribute. */
    static byte[] key(String app, Attribute attribute, String name) {
        return list(app, attribute).raw(name.getBytes(StandardCharsets.UTF_8)).toBytes();
    }

    private static BinaryWriter list(String app, Attribute attribute) {
        BinaryWriter out = new BinaryWriter(96);
        return switch (attribute) {
            case OpenRun a -> out.u8(OPEN_RUN).string(app);
            case StalledRun a -> out.u8(STALLED_RUN).string(app);
            case OpenRequest a -> out.u8(OPEN_REQUEST).string(app);
            case Labelled(String key, String value) ->
                out.u8(LABELLED).string(app).string(key).string(value);
            case ForkOf(long session) -> out.u8(FORK_OF).string(app).fixed64(session);
            case Participant(String clientId) -> out.u8(PARTICIPANT).string(app).string(clientId);
        };
    }

    /** Behind the last key of an attribute: no name has this byte. */
    static byte[] end(String app, Attribute attribute) {
        return list(app, attribute).u8(0xFF).toBytes();
    }

    /** The first key of all attributes of one kind in an app: labels, or participants. */
    static byte[] first(String app, boolean ofLabels) {
        return new BinaryWriter(32)
                .u8(ofLabels ? LABELLED : PARTICIPANT)
                .string(app)
                .toBytes();
    }

    /** Behind the last key of all attributes of that kind in the app: a length never has this byte twice. */
    static byte[] last(String app, boolean ofLabels) {
        return new BinaryWriter(32)
                .u8(ofLabels ? LABELLED : PARTICIPANT)
                .string(app)
                .u8(0xFF)
                .u8(0xFF)
                .u8(0xFF)
                .toBytes();
    }

    /** The name in a key of an attribute, which begins at {@code from}. */
    static String name(byte[] key, int from) {
        return new String(Arrays.copyOfRange(key, from, key.length), StandardCharsets.UTF_8);
    }

    /** The key of a participant of a session, or the first one of all. */
    static byte[] participantKey(long session, String clientId) {
        return new BinaryWriter(48)
                .u8(PARTICIPANT_OF)
                .fixed64(session)
                .raw(clientId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** The participant in such a key. */
    static String participant(byte[] participantKey) {
        int from = 1 + Long.BYTES;
        return new String(Arrays.copyOfRange(participantKey, from, participantKey.length), StandardCharsets.UTF_8);
    }

    /** The key of the number of participants of a session. */
    static byte[] participantsKey(long session) {
        return new BinaryWriter(9).u8(PARTICIPANTS).fixed64(session).toBytes();
    }

    /** The key of what a session goes on from. */
    static byte[] originKey(long session) {
        return new BinaryWriter(9).u8(ORIGIN).fixed64(session).toBytes();
    }

    static byte[] origin(Inheritance known) {
        Origin origin = known.origin();
        BinaryWriter out = new BinaryWriter(96).u8(VERSION).bool(known.filled());
        out.string(origin.session())
                .fixed64(origin.upTo())
                .varint(origin.ancestors().size());
        origin.ancestors().forEach(out::fixed64);
        return out.toBytes();
    }

    static Inheritance origin(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        boolean filled = in.bool();
        String session = in.string();
        long upTo = in.fixed64();
        List<Long> ancestors = new ArrayList<>();
        for (int count = in.count(); count > 0; count--) {
            ancestors.add(in.fixed64());
        }
        return new Inheritance(new Origin(session, upTo, ancestors), filled);
    }

    /** The row of a name, which says no more than that it is there. */
    static byte[] listed() {
        return new byte[] {VERSION};
    }

    static byte[] participants(int count) {
        return new BinaryWriter(4).u8(VERSION).varint(count).toBytes();
    }

    static int participants(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return in.count();
    }
}
