package dev.parley.engine.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.AnnotationRows.Sum;
import dev.parley.engine.session.AnnotationRows.Totals;
import dev.parley.engine.session.Head.Shape;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.MessageRows.Message;
import dev.parley.engine.session.MessageRows.Version;
import dev.parley.engine.session.SessionRows.Logged;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every row survives the way through the store, and keys stand in the order of what they name. */
class SessionRowsTest {
    private static final int ROUNDS = 2_000;

    private final SplittableRandom random = new SplittableRandom(1);

    @Test
    void sessions() {
        for (int i = 0; i < ROUNDS; i++) {
            SessionState state = new SessionState(name(), number(), number(), number(), number(), random.nextInt(1000));
            assertThat(SessionRows.session(SessionRows.session(state))).isEqualTo(state);
            assertThat(MessageRows.growing(MessageRows.growing(state.name()))).isEqualTo(state.name());
        }
    }

    @Test
    void messages() {
        for (int i = 0; i < ROUNDS; i++) {
            Body body = maybe(this::body);
            Shape shape = body != null
                    ? Shape.of(body)
                    : new Shape(
                            maybe(this::text),
                            random.nextInt(-1, 9999),
                            random.nextBoolean(),
                            random.nextInt(9999),
                            random.nextInt(9999));
            Head head = new Head(
                    number(),
                    number(),
                    number(),
                    oneOf(Action.values()),
                    maybe(this::text),
                    random.nextBoolean(),
                    maybe(this::text),
                    maybe(this::text),
                    maybe(this::operation),
                    body == null ? number() : 0,
                    body == null ? 2 + random.nextInt(100) : 0,
                    number(),
                    random.nextBoolean(),
                    random.nextBoolean(),
                    shape);
            byte[] key = SessionRows.positionKey(number(), head.serial());
            assertThat(MessageRows.message(key, MessageRows.message(head, body)))
                    .isEqualTo(new Message(head, body));
        }
    }

    @Test
    void versions() {
        for (int i = 0; i < ROUNDS; i++) {
            Version version = new Version(number(), oneOf(Action.values()), number(), maybe(this::operation), body());
            byte[] key = MessageRows.versionKey(number(), number(), version.position());
            assertThat(MessageRows.version(key, MessageRows.version(version))).isEqualTo(version);
        }
    }

    @Test
    void presence() {
        for (int i = 0; i < ROUNDS; i++) {
            PresenceEntry entry =
                    new PresenceEntry(number(), oneOf(PresenceEntry.Action.values()), text(), text(), text(), body());
            assertThat(PresenceRows.presence(PresenceRows.presence(entry))).isEqualTo(entry);
        }
    }

    @Test
    void annotations() {
        for (int i = 0; i < ROUNDS; i++) {
            AnnotationEntry entry = new AnnotationEntry(
                    number(),
                    oneOf(AnnotationEntry.Action.values()),
                    number(),
                    text(),
                    number(),
                    maybe(this::text),
                    maybe(this::text),
                    maybe(this::text),
                    body());
            byte[] key = AnnotationRows.annotationKey(number(), entry.serial(), entry.position());
            assertThat(AnnotationRows.annotation(key, AnnotationRows.annotation(entry)))
                    .isEqualTo(entry);
            Totals totals = new Totals(random.nextInt(1000), random.nextInt(1000), number(), number());
            assertThat(AnnotationRows.totals(AnnotationRows.totals(totals))).isEqualTo(totals);
            Sum sum = new Sum(text(), text(), number(), number(), random.nextInt(1000));
            assertThat(AnnotationRows.sum(AnnotationRows.sum(sum))).isEqualTo(sum);
            String client = text();
            assertThat(AnnotationRows.client(AnnotationRows.partKey(number(), number(), text(), text(), client)))
                    .isEqualTo(client);
            long count = number();
            assertThat(AnnotationRows.part(AnnotationRows.part(count))).isEqualTo(count);
            assertThat(AnnotationRows.choice(AnnotationRows.choice(client))).isEqualTo(client);
        }
        assertOrder(
                SessionRows.positionKey(5, 7),
                AnnotationRows.totalsKey(5, 7),
                AnnotationRows.firstSumKey(5, 7),
                AnnotationRows.sumKey(5, 7, "type", "name"),
                AnnotationRows.sumsEnd(5, 7),
                AnnotationRows.firstPartKey(5, 7, "type", "name"),
                AnnotationRows.partKey(5, 7, "type", "name", "client"),
                AnnotationRows.partsEnd(5, 7, "type", "name"),
                AnnotationRows.firstPartKey(5, 7, "type", "name2"),
                AnnotationRows.choiceKey(5, 7, "type", "client"),
                SessionRows.positionKey(5, 8));
    }

    @Test
    void theLogAndOutcomes() {
        for (int i = 0; i < ROUNDS; i++) {
            long serial = number();
            for (Logged logged : List.of(
                    new Logged.Message(serial),
                    new Logged.Presence(),
                    new Logged.Annotation(serial),
                    new Logged.Summary(serial))) {
                assertThat(SessionRows.logged(SessionRows.logged(logged))).isEqualTo(logged);
            }
            assertThat(MessageRows.serial(MessageRows.serial(serial))).isEqualTo(serial);
            List<Long> positions = List.of(number(), 0L, number());
            assertThat(SessionRows.positions(SessionRows.positions(positions))).isEqualTo(positions);
            byte[] key = RequestRows.requestKey(number(), text(), serial);
            assertThat(RequestRows.msgSerial(key)).isEqualTo(serial);
        }
        assertThat(SessionRows.positions(SessionRows.positions(List.of()))).isEmpty();
    }

    @Test
    void keysAreInOrder() {
        assertOrder(
                SessionRows.idKey(5),
                SessionRows.positionKey(5, 0),
                SessionRows.positionKey(5, 1L << 40),
                MessageRows.versionKey(5, 1L << 40, 7),
                MessageRows.versionKey(5, 1L << 40, 1L << 40),
                SessionRows.positionKey(5, (1L << 40) + 1),
                SessionRows.idKey(6));
        for (String connection : List.of("", "c", "c1", "connection", "\uffff", "x".repeat(300))) {
            assertOrder(
                    SessionRows.idKey(5),
                    SessionRows.connectionKey(5, connection),
                    PresenceRows.memberKey(5, connection, "a"),
                    PresenceRows.memberKey(5, connection, "\uffff"),
                    SessionRows.connectionEnd(5, connection),
                    SessionRows.idKey(6));
            assertOrder(
                    SessionRows.connectionKey(5, connection),
                    RequestRows.requestKey(5, connection, 3),
                    RequestRows.requestKey(5, connection, 300),
                    SessionRows.connectionEnd(5, connection));
        }
    }

    @Test
    void whatIsNoneIsRefused() {
        assertThatThrownBy(() -> SessionRows.logged(new byte[] {9})).isInstanceOf(MalformedBinaryException.class);
        assertThatThrownBy(() -> SessionRows.session(new byte[] {2})).isInstanceOf(MalformedBinaryException.class);
        assertThatThrownBy(() -> SessionRows.positions(new byte[] {1, 2})).isInstanceOf(MalformedBinaryException.class);
    }

    private static void assertOrder(byte[]... keys) {
        for (int i = 1; i < keys.length; i++) {
            assertThat(Arrays.compareUnsigned(keys[i - 1], keys[i])).isNegative();
        }
    }

    private SessionName name() {
        return new SessionName(text(), text());
    }

    private Operation operation() {
        return new Operation(maybe(this::text), maybe(this::text), maybe(this::text));
    }

    private Body body() {
        Data data = maybe(() -> random.nextBoolean() ? Data.of(text()) : Data.of(new byte[] {1, 2, 3}));
        return new Body(maybe(this::text), data, maybe(this::text), maybe(this::text));
    }

    private String text() {
        return Long.toString(random.nextLong(), 36).substring(random.nextInt(4));
    }

    private long number() {
        return random.nextLong() >>> (1 + random.nextInt(62));
    }

    private <T> T oneOf(T[] choices) {
        return choices[random.nextInt(choices.length)];
    }

    private <T> @Nullable T maybe(Supplier<T> value) {
        return random.nextInt(3) == 0 ? null : value.get();
    }
}
