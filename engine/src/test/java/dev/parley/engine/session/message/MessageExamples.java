package dev.parley.engine.session.message;

import static dev.parley.engine.session.GoldenValues.BYTES;
import static dev.parley.engine.session.GoldenValues.FULL;
import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Head.Shape;
import dev.parley.engine.session.message.MessageRows.Message;
import dev.parley.engine.session.message.MessageRows.Version;
import org.jspecify.annotations.Nullable;

/** Messages lie in the store as they always did. */
public final class MessageExamples {
    private static final Operation BY = new Operation("client", "why", "{\"b\":2}");
    private static final Operation BY_NOBODY = new Operation(null, null, null);

    private MessageExamples() {}

    /** Checks all kinds of rows. */
    public static void check(GoldenBytes golden) {
        golden.bytes("versionKey", MessageRows.versionKey(ID, SERIAL, SERIAL + 1));
        golden.bytes("messageIdKey", MessageRows.messageIdKey(ID, "id"));
        golden.example("growing", NAME, MessageRows::growing, MessageRows::growing);
        message(golden, "message whole", new Message(head(Action.CREATE, null, 0, Shape.of(FULL)), FULL));
        message(golden, "message whole, of bytes", new Message(head(Action.UPDATE, BY, 0, Shape.of(BYTES)), BYTES));
        message(
                golden,
                "message whole, empty",
                new Message(head(Action.DELETE, BY, 0, Shape.of(Body.EMPTY)), Body.EMPTY));
        message(
                golden,
                "message in pieces",
                new Message(head(Action.UPDATE, BY_NOBODY, 300, new Shape("name", 65_536, true, 4, 7)), null));
        message(
                golden,
                "message in pieces, without data",
                new Message(head(Action.APPEND, BY, 2, new Shape(null, -1, false, 0, 0)), null));
        version(golden, "version of its beginning", new Version(SERIAL + 1, Action.CREATE, 0, null, FULL));
        version(golden, "version of an update", new Version(SERIAL + 1, Action.UPDATE, SERIAL, BY, BYTES));
        version(golden, "version of a piece", new Version(SERIAL + 1, Action.APPEND, SERIAL, BY_NOBODY, BYTES));
        version(golden, "version of a deletion", new Version(SERIAL + 1, Action.DELETE, SERIAL, BY, Body.EMPTY));
        golden.example("serial", SERIAL, MessageRows::serial, MessageRows::serial);
        golden.haveAllOf(MessageRows.class);
    }

    /** With all flags set on a message that is created and in pieces, and none on others. */
    private static Head head(Action action, @Nullable Operation by, int pieces, Shape shape) {
        boolean set = pieces == 300 || action == Action.CREATE;
        return new Head(
                SERIAL,
                SERIAL + 300,
                set ? SERIAL : 0,
                action,
                set ? "id" : null,
                set,
                set ? "client" : null,
                set ? "conn" : null,
                by,
                pieces > 0 ? SERIAL + 1 : 0,
                pieces,
                70_000,
                set,
                set,
                shape);
    }

    private static void message(GoldenBytes golden, String name, Message message) {
        golden.example(
                name,
                message,
                m -> MessageRows.message(m.head(), m.body()),
                row -> MessageRows.message(SessionRows.positionKey(ID, SERIAL), row));
    }

    private static void version(GoldenBytes golden, String name, Version version) {
        golden.example(
                name,
                version,
                MessageRows::version,
                row -> MessageRows.version(MessageRows.versionKey(ID, SERIAL, version.position()), row));
    }
}
