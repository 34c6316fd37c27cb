package dev.parley.engine.session.message;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.RandomValues;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Head.Shape;
import dev.parley.engine.session.message.MessageRows.Message;
import dev.parley.engine.session.message.MessageRows.Version;
import org.junit.jupiter.api.Test;

/** Messages survive the way through the store, and their keys stand in the order of what they name. */
class MessageRowsTest {
    private static final int ROUNDS = 2_000;

    private final RandomValues some = new RandomValues();

    @Test
    void messages() {
        for (int i = 0; i < ROUNDS; i++) {
            Body body = some.maybe(some::body);
            Shape shape = body != null
                    ? Shape.of(body)
                    : new Shape(
                            some.maybe(some::text),
                            some.from(-1, 9999),
                            some.yes(),
                            some.from(0, 9999),
                            some.from(0, 9999));
            Head head = new Head(
                    some.number(),
                    some.number(),
                    some.number(),
                    some.oneOf(Action.values()),
                    some.maybe(some::text),
                    some.yes(),
                    some.maybe(some::text),
                    some.maybe(some::text),
                    some.maybe(some::operation),
                    body == null ? some.number() : 0,
                    body == null ? 2 + some.from(0, 100) : 0,
                    some.number(),
                    some.yes(),
                    some.yes(),
                    shape);
            byte[] key = SessionRows.positionKey(some.number(), head.serial());
            assertThat(MessageRows.message(key, MessageRows.message(head, body)))
                    .isEqualTo(new Message(head, body));
            // Characters have up to four bytes in the row.
            assertThat(MessageRows.weight(MessageRows.message(head, body)))
                    .isBetween(128 + shape.size(), 192 + 4 * shape.size());
        }
    }

    @Test
    void versions() {
        for (int i = 0; i < ROUNDS; i++) {
            Version version = new Version(
                    some.number(),
                    some.oneOf(Action.values()),
                    some.number(),
                    some.maybe(some::operation),
                    some.body());
            byte[] key = MessageRows.versionKey(some.number(), some.number(), version.position());
            assertThat(MessageRows.version(key, MessageRows.version(version))).isEqualTo(version);
        }
    }

    @Test
    void namesAndSerials() {
        for (int i = 0; i < ROUNDS; i++) {
            SessionName name = some.name();
            assertThat(MessageRows.growing(MessageRows.growing(name))).isEqualTo(name);
            long serial = some.number();
            assertThat(MessageRows.serial(MessageRows.serial(serial))).isEqualTo(serial);
        }
    }

    @Test
    void keysAreInOrder() {
        RandomValues.assertOrder(
                SessionRows.positionKey(5, 1L << 40),
                MessageRows.versionKey(5, 1L << 40, 7),
                MessageRows.versionKey(5, 1L << 40, 1L << 40),
                SessionRows.positionKey(5, (1L << 40) + 1));
    }
}
