package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.command.Command;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.life.Boot;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.registry.NamespaceNotify;
import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.registry.Revocation;
import dev.parley.engine.registry.SealedSecret;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.object.ObjectModel;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionConfig;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every command survives the way through the journal; anything else is refused whole. */
class CommandCodecTest {
    private static final int ROUNDS = 2_000;

    private final SplittableRandom random = new SplittableRandom(1);

    @Test
    void whatIsWrittenIsRead() {
        for (int i = 0; i < ROUNDS; i++) {
            for (Command<?> command : oneOfEach()) {
                assertThat(CommandCodec.read(ByteBuffer.wrap(bytes(command)))).isEqualTo(command);
            }
        }
    }

    @Test
    void everyKindOfCommandIsTried() {
        Set<Object> tried = new HashSet<>();
        for (Object command : oneOfEach()) {
            tried.add(command.getClass());
        }
        assertThat(tried)
                .isEqualTo(Stream.concat(
                                Stream.of(Identify.class, Boot.class),
                                Stream.<Class<?>>of(
                                                StreamCommand.class,
                                                SubscriptionCommand.class,
                                                SessionCommand.class,
                                                RegistryCommand.class)
                                        .flatMap(kinds -> Stream.of(kinds.getPermittedSubclasses())))
                        .collect(Collectors.toSet()));
    }

    @Test
    void aCommandThatIsCutShortIsRefused() {
        for (Command<?> command : oneOfEach()) {
            byte[] bytes = bytes(command);
            // A payload stands last and has its length before it, so that there is no prefix that could be whole.
            for (int length = 0; length < bytes.length; length++) {
                ByteBuffer cut = ByteBuffer.wrap(bytes, 0, length);
                assertThatThrownBy(() -> CommandCodec.read(cut)).isInstanceOf(MalformedBinaryException.class);
            }
        }
    }

    @Test
    void unknownKindsAndVersionsAreRefusedByName() {
        byte[] touch = bytes(new StreamCommand.Touch("path", 1));
        for (int kind : new int[] {0, 9, 31, 63, 99, 127, 200, 255}) {
            byte[] unknown = touch.clone();
            unknown[0] = (byte) kind;
            assertThatThrownBy(() -> CommandCodec.read(ByteBuffer.wrap(unknown)))
                    .isInstanceOf(MalformedBinaryException.class)
                    .hasMessageContaining("kind " + kind);
        }
        for (Command<?> command : oneOfEach()) {
            byte[] newer = bytes(command);
            newer[1] = 99;
            assertThatThrownBy(() -> CommandCodec.read(ByteBuffer.wrap(newer)))
                    .isInstanceOf(MalformedBinaryException.class)
                    .hasMessageStartingWith("format version 99, this program reads ");
        }
    }

    /** Journals of before offsets named incarnations, byte for byte as that program wrote them. */
    @Test
    void commandsOfBeforePlacesAreReadAsWhatTheyMeant() {
        Place third = new Place.Unnamed(Long.MAX_VALUE, 3);
        assertThat(old("010101730700010000020061"))
                .isEqualTo(new StreamCommand.Append("s", 7, null, Payload.ofBytes(new byte[] {'a'}), true, null, null));
        assertThat(old("0601017307017001660402")).isEqualTo(new StreamCommand.Pin("s", 7, "p", "f", third, 2));
        assertThat(old("0601017307017001660002")).isEqualTo(new StreamCommand.Pin("s", 7, "p", "f", null, 2));
        String create = "02010166070000000001" + "01730402" + "01" + "01700501740000" + "0000000000000028" + "01"
                + "0000000000000028" + "0005" + "00";
        assertThat(old(create))
                .isEqualTo(new StreamCommand.Create(
                        "f",
                        7,
                        null,
                        -1,
                        -1,
                        false,
                        Payload.empty(),
                        new StreamCommand.Fork(
                                "s",
                                third,
                                2,
                                new StreamCommand.Pinned(
                                        "p", 5, "t", -1, -1, 40, List.of(new StreamCommand.Span(40, 0, 0, 5))))));
        assertThat(old("2701016907" + "03" + "0177" + "01" + "017304" + "00" + "016e" + "00"))
                .isEqualTo(new SubscriptionCommand.Ack(
                        "i", 7, 3, "w", List.of(new SubscriptionCommand.Acked("s", 4)), false, List.of(), "n"));
    }

    private static Command<?> old(String hex) {
        return CommandCodec.read(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
    }

    @Test
    void theSameCommandIsAlwaysTheSameBytes() {
        for (Command<?> command : oneOfEach()) {
            assertThat(bytes(command)).isEqualTo(bytes(CommandCodec.read(ByteBuffer.wrap(bytes(command)))));
        }
    }

    @Test
    void numbersSurvive() {
        for (int shift = 0; shift < 64; shift++) {
            for (long value : new long[] {1L << shift, (1L << shift) - 1, -(1L << shift)}) {
                byte[] bytes =
                        new BinaryWriter(1).varint(value).fixed64(value).u8(7).toBytes();
                BinaryReader in = new BinaryReader(bytes);
                assertThat(List.of(in.varint(), in.fixed64(), (long) in.u8())).isEqualTo(List.of(value, value, 7L));
                assertThat(in.remaining()).isZero();
            }
        }
        assertThatThrownBy(() -> new BinaryReader(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1}).varint())
                .isInstanceOf(MalformedBinaryException.class);
        assertThatThrownBy(() -> new BinaryReader(new BinaryWriter(1).varint(-1).toBytes()).count())
                .isInstanceOf(MalformedBinaryException.class);
        assertThatThrownBy(() ->
                        new BinaryReader(new BinaryWriter(1).varint(1L << 31).toBytes()).blob())
                .isInstanceOf(MalformedBinaryException.class);
    }

    private static byte[] bytes(Command<?> command) {
        BinaryWriter out = new BinaryWriter(1);
        CommandCodec.write(command, out);
        return out.toBytes();
    }

    private List<Command<?>> oneOfEach() {
        return List.of(
                new StreamCommand.Create(
                        text(),
                        number(),
                        maybe(this::text),
                        maybeNumber(),
                        maybeNumber(),
                        random.nextBoolean(),
                        payload(),
                        maybe(this::fork)),
                new StreamCommand.Append(
                        text(),
                        number(),
                        maybe(this::text),
                        payload(),
                        random.nextBoolean(),
                        maybe(() -> new ProducerTag(text(), number(), number())),
                        maybe(this::text),
                        maybe(this::place)),
                new Identify(number(), number(), random.nextBoolean()),
                new Boot(number(), number()),
                new StreamCommand.Delete(text(), number()),
                new StreamCommand.Touch(text(), number()),
                new StreamCommand.Expire(text(), number(), number(), number()),
                new StreamCommand.Pin(
                        text(),
                        number(),
                        text(),
                        text(),
                        maybe(this::place),
                        number(),
                        maybe(() -> random.nextBoolean()
                                ? new StreamCommand.Inherited.Unknown()
                                : new StreamCommand.Inherited.Until(number(), number(), number()))),
                new StreamCommand.Unpin(text(), number(), number(), text()),
                new StreamCommand.Settle(text(), number(), number()),
                new SubscriptionCommand.Create(
                        text(), number(), config(), text(), maybe(() -> new Owner(text(), text())), list(this::tail)),
                new SubscriptionCommand.Delete(text(), number()),
                new SubscriptionCommand.AddStreams(text(), number(), list(this::tail)),
                new SubscriptionCommand.RemoveStream(text(), number(), text()),
                new SubscriptionCommand.Notice(text(), number(), list(this::tail), text()),
                new SubscriptionCommand.Forget(
                        text(), number(), list(() -> new SubscriptionCommand.Gone(text(), number()))),
                new SubscriptionCommand.Claim(text(), number(), text(), list(this::tail), text()),
                new SubscriptionCommand.Ack(
                        text(),
                        number(),
                        number(),
                        text(),
                        list(() -> new SubscriptionCommand.Acked(text(), number(), number())),
                        random.nextBoolean(),
                        list(this::tail),
                        text()),
                new SubscriptionCommand.Release(text(), number(), number(), text(), list(this::tail), text()),
                new SubscriptionCommand.Expire(text(), number(), text(), number(), list(this::tail), text()),
                new SubscriptionCommand.Delivered(text(), number(), text()),
                new SubscriptionCommand.DeliveryFailed(text(), number(), text(), number()),
                publish(),
                new SessionCommand.EndRun(session(), number(), text(), text(), list(this::message)),
                new SessionCommand.Rollup(
                        session(),
                        number(),
                        text(),
                        number(),
                        number(),
                        list(() -> new SessionCommand.Part(
                                number(), body(), operation(), random.nextBoolean(), random.nextInt(1000)))),
                new SessionCommand.ChangePresence(
                        session(), number(), maybe(this::sender), text(), list(this::event), random.nextInt(1000)),
                new SessionCommand.ChangeObjects(
                        session(),
                        number(),
                        maybe(this::sender),
                        list(() -> new SessionCommand.ObjectOp(
                                maybe(this::text),
                                random.nextBoolean(),
                                maybe(this::text),
                                maybe(this::text),
                                maybe(this::text),
                                ObjectModel.anyOperation(random))),
                        ObjectLimits.DEFAULT),
                new SessionCommand.EndRun(session(), number(), text(), text(), list(this::message)),
                new SessionCommand.Leave(
                        session(), number(), text(), random.nextBoolean(), number(), maybe(this::runTimes)),
                new SessionCommand.Annotate(
                        session(), number(), maybe(this::sender), list(this::annotation), random.nextInt(1000)),
                new SessionCommand.Trim(session(), number(), number()),
                new SessionCommand.Retain(session(), number(), number(), number(), number()),
                new SessionCommand.Lost(
                        session(), number(), text(), number(), number(), number(), maybe(this::runTimes)),
                new SessionCommand.Back(session(), number(), text(), number()),
                new SessionCommand.Depart(session(), number(), text(), number()),
                new SessionCommand.Compact(session(), number(), number(), number()),
                new SessionCommand.ChangeControl(
                        session(),
                        number(),
                        random.nextBoolean() ? Control.Mode.PERSON : Control.Mode.SHARED,
                        maybe(this::text),
                        random.nextBoolean(),
                        number(),
                        random.nextBoolean(),
                        body(),
                        new ControlTexts(list(this::text), notice(), notice())),
                new SessionCommand.ExpireControl(session(), number()),
                new SessionCommand.Erase(session(), number(), maybe(this::text), maybe(this::text)),
                new SessionCommand.Fork(
                        session(),
                        number(),
                        maybe(this::text),
                        new Origin(text(), number(), list(this::number)),
                        random.nextBoolean(),
                        list(this::number),
                        list(() -> new SessionCommand.MessageOp.Create(
                                maybe(this::text),
                                random.nextBoolean(),
                                maybe(this::text),
                                maybe(this::text),
                                body(),
                                false))),
                new SessionCommand.NotePurge(session(), number(), number(), random.nextBoolean()),
                new SessionCommand.Describe(
                        session(),
                        number(),
                        maybe(this::text),
                        random.nextBoolean(),
                        random.nextBoolean(),
                        list(() -> new SessionCommand.LabelChange(text(), maybe(this::text))),
                        random.nextInt(1000)),
                new SessionCommand.NameAgents(session(), number(), list(this::agent), list(this::text)),
                new SessionCommand.InvokeAgent(session(), number(), text(), text()),
                new SessionCommand.ClaimWake(session(), number(), text(), text(), number()),
                new SessionCommand.SettleWake(session(), number(), text(), text(), number(), settlement(), number()),
                new SessionCommand.Speak(publish(), text(), text(), number(), text()),
                new SessionCommand.ExpireWake(session(), number(), text()),
                new SessionCommand.Ask(
                        session(),
                        number(),
                        text(),
                        new SessionRequest.Terms(
                                oneOf(SessionRequest.Kind.values()),
                                text(),
                                maybe(this::text),
                                maybe(this::text),
                                maybe(this::text),
                                maybe(this::text),
                                maybe(this::text),
                                list(this::text),
                                random.nextInt(20),
                                number(),
                                oneOf(SessionRequest.WhenDue.values()),
                                maybe(this::notice),
                                maybe(() -> new SessionRequest.DueAnswer(
                                        body(),
                                        new RunNote.Said(
                                                random.nextInt(1000),
                                                text(),
                                                maybe(this::text),
                                                random.nextBoolean(),
                                                list(this::text)))),
                                list(this::text)),
                        body()),
                new SessionCommand.Decide(
                        session(),
                        number(),
                        text(),
                        new SessionRequest.Decision(
                                text(),
                                oneOf(SessionRequest.Verdict.values()),
                                maybe(this::text),
                                text(),
                                number(),
                                maybe(this::text),
                                maybe(this::text),
                                maybe(this::text),
                                maybe(this::text)),
                        list(this::text),
                        body(),
                        list(this::message),
                        list(this::runNote)),
                new SessionCommand.ExpireRequest(session(), number(), text()),
                new SessionCommand.WithAgents<>(
                        new Inherited(number(), list(this::agent), maybe(this::rule)),
                        new SessionCommand.ClaimWake(session(), number(), text(), text(), number())),
                new SessionCommand.SettleNotification(
                        session(),
                        number(),
                        text(),
                        random.nextInt(70),
                        oneOf(SessionCommand.NotificationFate.values()),
                        number()),
                new SessionCommand.Seen(session(), number(), text()),
                new RegistryCommand.SetNotify(
                        number(), text(), text(), maybe(() -> new NamespaceNotify(endpoint(), rule()))),
                new SessionCommand.StallRun(session(), number(), text(), number()),
                new SessionCommand.RemoveEmpty(session(), number()),
                new SessionCommand.Remove(session(), number()),
                new RegistryCommand.AddApp(number(), app()),
                new RegistryCommand.RemoveApp(number(), text()),
                new RegistryCommand.ForgetApp(number(), text()),
                new RegistryCommand.RevokeTokens(number(), new Revocation(text(), text(), random.nextLong(), number())),
                new RegistryCommand.ForgetRevocations(number(), random.nextLong()),
                new RegistryCommand.NameAgents(number(), text(), text(), list(this::agent), list(this::text)));
    }

    private <E> E oneOf(E[] values) {
        return values[random.nextInt(values.length)];
    }

    private RegisteredApp app() {
        if (random.nextInt(3) == 0) {
            return new RegisteredApp(text(), true, List.of(), List.of());
        }
        return new RegisteredApp(
                text(),
                false,
                list(() -> new RegisteredApp.Key(
                        text(),
                        new SealedSecret(text().getBytes(StandardCharsets.UTF_8)),
                        text(),
                        random.nextBoolean())),
                list(() -> new RegisteredApp.Namespace(
                        text(),
                        random.nextBoolean(),
                        number(),
                        number(),
                        random.nextInt(1000),
                        random.nextBoolean(),
                        random.nextBoolean())));
    }

    private SessionCommand.AnnotationOp annotation() {
        AnnotationEntry.Action[] actions = AnnotationEntry.Action.values();
        return new SessionCommand.AnnotationOp(
                actions[random.nextInt(actions.length)],
                number(),
                text(),
                number(),
                maybe(this::text),
                maybe(this::text),
                maybe(this::text),
                body());
    }

    private SessionName session() {
        return new SessionName(text().replace('/', '-'), text());
    }

    private SessionCommand.Sender sender() {
        return new SessionCommand.Sender(text(), number(), number());
    }

    private SessionCommand.RunTimes runTimes() {
        return new SessionCommand.RunTimes(number(), number(), number());
    }

    private SessionCommand.Settlement settlement() {
        SessionCommand.Settlement[] all = SessionCommand.Settlement.values();
        return all[random.nextInt(all.length)];
    }

    private Agent agent() {
        Agent.Trigger[] triggers = Agent.Trigger.values();
        return new Agent(
                text(),
                maybe(this::text),
                maybe(this::endpoint),
                triggers[random.nextInt(triggers.length)],
                list(this::text),
                number(),
                random.nextBoolean(),
                notice(),
                notice());
    }

    private Agent.Endpoint endpoint() {
        return new Agent.Endpoint(text(), maybe(() -> Data.of(new byte[] {1, 2, 3})), random.nextBoolean());
    }

    private NotifyRule rule() {
        return new NotifyRule(list(() -> oneOf(Notification.Event.values())), list(this::text), notice());
    }

    private SessionCommand.Publish publish() {
        return new SessionCommand.Publish(
                session(), number(), maybe(this::sender), list(this::message), list(this::runNote));
    }

    private RunTexts.Notice notice() {
        return new RunTexts.Notice(text(), text(), text(), text(), maybe(this::text));
    }

    private RunNote runNote() {
        return switch (random.nextInt(12)) {
            case 9 -> new RunNote.Called(random.nextInt(1000), text(), text(), text());
            case 10 -> new RunNote.Asked(random.nextInt(1000), text(), text(), maybe(this::text), text());
            case 11 ->
                new RunNote.Decided(
                        random.nextInt(1000),
                        text(),
                        text(),
                        random.nextBoolean(),
                        text(),
                        maybe(this::text),
                        list(this::text));
            case 8 ->
                new RunNote.Said(
                        random.nextInt(1000), text(), maybe(this::text), random.nextBoolean(), list(this::text));
            case 4 ->
                new RunNote.Described(
                        text(), new RunTexts(body(), notice(), notice(), maybe(this::body), maybe(this::notice)));
            case 7 -> new RunNote.Spoken(random.nextInt(1000), text());
            case 5 -> new RunNote.Streaming(random.nextInt(1000), number(), text(), text());
            case 6 -> new RunNote.Settled(number());
            case 0 -> new RunNote.Active(text(), maybe(this::text), random.nextBoolean(), maybe(this::text));
            case 1 -> new RunNote.Suspended(text());
            case 2 -> new RunNote.Ended(text(), maybe(this::text));
            default -> new RunNote.Cancel(random.nextInt(1000), maybe(this::text), maybe(this::text));
        };
    }

    private SessionCommand.MessageOp message() {
        MessageEntry.Action[] actions = MessageEntry.Action.values();
        return random.nextBoolean()
                ? new SessionCommand.MessageOp.Create(
                        maybe(this::text),
                        random.nextBoolean(),
                        maybe(this::text),
                        maybe(this::text),
                        body(),
                        random.nextBoolean())
                : new SessionCommand.MessageOp.Change(
                        actions[random.nextInt(actions.length)],
                        number(),
                        body(),
                        operation(),
                        random.nextBoolean(),
                        random.nextBoolean(),
                        random.nextInt(Integer.MAX_VALUE));
    }

    private Operation operation() {
        return new Operation(maybe(this::text), maybe(this::text), maybe(this::text));
    }

    private SessionCommand.PresenceOp event() {
        PresenceEntry.Action[] actions = PresenceEntry.Action.values();
        return new SessionCommand.PresenceOp(actions[random.nextInt(actions.length)], text(), text(), body());
    }

    private Body body() {
        Data data = maybe(() -> random.nextBoolean() ? Data.of(text()) : Data.of(new byte[] {1, 2, 3}));
        return new Body(maybe(this::text), data, maybe(this::text), maybe(this::text));
    }

    private StreamCommand.Fork fork() {
        StreamCommand.Pinned pin = maybe(() -> new StreamCommand.Pinned(
                text(),
                number(),
                text(),
                maybeNumber(),
                maybeNumber(),
                number(),
                list(() -> new StreamCommand.Span(number(), random.nextInt(), number(), number()))));
        StreamCommand.Fork fork = new StreamCommand.Fork(text(), maybe(this::place), number(), null);
        return pin == null ? fork : fork.with(pin);
    }

    private Place place() {
        return switch (random.nextInt(4)) {
            case 0 -> new Place.Start();
            case 1 -> new Place.Named(number(), random.nextInt(), number());
            case 2 -> new Place.Unnamed(number(), number());
            default -> new Place.Lapsed(random.nextInt());
        };
    }

    private SubscriptionConfig config() {
        return new SubscriptionConfig(
                random.nextBoolean() ? new SubscriptionConfig.Webhook(text()) : new SubscriptionConfig.PullWake(text()),
                maybe(this::text),
                list(this::text),
                number(),
                maybe(this::text));
    }

    private StreamTail tail() {
        return new StreamTail(text(), number(), number());
    }

    private Payload payload() {
        if (random.nextBoolean()) {
            return Payload.ofBytes(text().getBytes(StandardCharsets.UTF_8));
        }
        List<String> messages = list(() -> "\"" + random.nextInt() + "\"");
        return Payload.ofMessages(
                String.join(",", messages).getBytes(StandardCharsets.UTF_8),
                messages.stream().mapToInt(String::length).toArray());
    }

    private String text() {
        return random.ints(random.nextInt(12), 0, 0x3000)
                .mapToObj(Character::toString)
                .collect(Collectors.joining());
    }

    private long number() {
        return random.nextLong() >>> (1 + random.nextInt(62));
    }

    private long maybeNumber() {
        return random.nextInt(4) == 0 ? StreamCommand.NONE : number();
    }

    private <T> @Nullable T maybe(Supplier<T> value) {
        return random.nextInt(3) == 0 ? null : value.get();
    }

    private <T> List<T> list(Supplier<T> element) {
        List<T> list = new ArrayList<>();
        for (int size = random.nextInt(4); size > 0; size--) {
            list.add(element.get());
        }
        return list;
    }
}
