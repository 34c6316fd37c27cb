package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.FolderFormat;
import dev.parley.engine.codec.GoldenBytes;
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
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Commands are written as they always were, and so is everything else that has golden bytes. */
class CommandFormatTest {
    private static final long TIME = 1_800_000_000_000L;
    private static final long POSITION = 0x0102_0304_0506L;
    private static final SessionName SESSION = new SessionName("app", "chat:ü");

    /**
     * Formats that programs were released with, and a digest of all lines that have their number. Nothing is added to a closed
     * format: an older program would not know that it cannot read it.
     */
    private static final Map<Integer, String> CLOSED =
            Map.of(1, "00a4328bd3841a651d6822ef454870f77e080f2e28024b31cd9496643abd5d61");

    @Test
    void commands() throws IOException {
        GoldenBytes golden = new GoldenBytes("commands");
        streams(golden);
        subscriptions(golden);
        messages(golden);
        restOfSessions(golden);
        registry(golden);
        command(golden, "first identity", new Identify(TIME, -2, true));
        command(golden, "identity after a restore", new Identify(TIME, POSITION, false));
        command(golden, "boot", new Boot(TIME, -2));
        golden.complete();
        assertThat(golden.kinds())
                .containsAll(new ClassFileImporter()
                                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                                .importPackages("dev.parley.engine")
                                .that(JavaClass.Predicates.assignableTo(Command.class))
                                .stream()
                                .filter(type -> !type.isInterface())
                                .map(JavaClass::reflect)
                                .collect(Collectors.toSet()));
    }

    private static void command(GoldenBytes golden, String name, Command<?> command) {
        golden.<Command<?>>example(name, command, CommandFormatTest::bytes, CommandFormatTest::read);
    }

    private static Command<?> read(byte[] bytes) {
        return CommandCodec.read(ByteBuffer.wrap(bytes));
    }

    private static byte[] bytes(Command<?> command) {
        BinaryWriter out = new BinaryWriter(64);
        CommandCodec.write(command, out);
        return out.toBytes();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void streams(GoldenBytes golden) {
        Payload json = Payload.ofMessages(utf8("1,\"ü\""), new int[] {1, 4});
        Place named = new Place.Named(POSITION, "dir/s".hashCode(), 2);
        ProducerTag producer = new ProducerTag("p", 3, 300);
        command(
                golden,
                "append with everything",
                new StreamCommand.Append("dir/s", TIME, "application/json", json, true, producer, "seq", named));
        command(
                golden,
                "append of one message at the start",
                new StreamCommand.Append(
                        "s",
                        TIME,
                        "application/json",
                        Payload.ofMessages(utf8("{}"), new int[] {2}),
                        false,
                        null,
                        null,
                        new Place.Start()));
        command(
                golden,
                "append of bytes at an unnamed place",
                new StreamCommand.Append(
                        "s",
                        TIME,
                        "text/plain",
                        Payload.ofBytes(utf8("ü")),
                        false,
                        null,
                        null,
                        new Place.Unnamed(POSITION, 7)));
        command(
                golden,
                "append of nothing at a lapsed place",
                new StreamCommand.Append("s", 0, null, Payload.empty(), true, null, null, new Place.Lapsed(-5)));
        command(
                golden,
                "append of nothing",
                new StreamCommand.Append("s", 0, null, Payload.empty(), false, null, null, null));
        var pinned = new StreamCommand.Pinned(
                "pin",
                5,
                "text/plain",
                1_000,
                StreamCommand.NONE,
                POSITION,
                List.of(new StreamCommand.Span(POSITION, -1, 0, 3), new StreamCommand.Span(POSITION + 8, 1, 3, 5)));
        command(
                golden,
                "create of a fork with its pin",
                new StreamCommand.Create(
                        "fork",
                        TIME,
                        "text/plain",
                        1_000,
                        StreamCommand.NONE,
                        true,
                        Payload.ofBytes(utf8("x")),
                        new StreamCommand.Fork("s", named, 2, pinned)));
        command(
                golden,
                "create of a fork without a pin",
                new StreamCommand.Create(
                        "fork",
                        TIME,
                        null,
                        StreamCommand.NONE,
                        TIME + 1,
                        false,
                        Payload.empty(),
                        new StreamCommand.Fork("s", null, 0, null)));
        command(
                golden,
                "create with nothing",
                new StreamCommand.Create(
                        "s", TIME, null, StreamCommand.NONE, StreamCommand.NONE, false, Payload.empty(), null));
        command(golden, "delete", new StreamCommand.Delete("s", TIME));
        command(golden, "touch", new StreamCommand.Touch("s", TIME));
        command(golden, "expire", new StreamCommand.Expire("s", TIME, POSITION, TIME - 1));
        command(golden, "pin", new StreamCommand.Pin("s", TIME, "pin", "fork", named, 2));
        command(
                golden,
                "pin at an inherited entry",
                new StreamCommand.Pin(
                        "s", TIME, "pin", "fork", named, 2, new StreamCommand.Inherited.Until(POSITION, 2, 300)));
        command(
                golden,
                "pin at any other entry",
                new StreamCommand.Pin("s", TIME, "pin", "fork", named, 2, new StreamCommand.Inherited.Unknown()));
        command(golden, "pin of the tail", new StreamCommand.Pin("s", TIME, "pin", "fork", null, 0));
        command(golden, "unpin", new StreamCommand.Unpin("s", TIME, POSITION, "pin"));
        command(golden, "settle", new StreamCommand.Settle("s", TIME, POSITION));
    }

    private static void subscriptions(GoldenBytes golden) {
        List<StreamTail> tails = List.of(new StreamTail("s", POSITION, 300), new StreamTail("t", StreamTail.UNBORN, 0));
        golden.old(
                "subscription by webhook",
                new SubscriptionCommand.Create(
                        "sub",
                        TIME,
                        new SubscriptionConfig(
                                new SubscriptionConfig.Webhook("https://example.com/hook"),
                                "dir/*",
                                List.of("s", "t"),
                                30_000,
                                "for people"),
                        "http://localhost:4437",
                        null,
                        tails),
                CommandFormatTest::read);
        golden.old(
                "subscription by pull-wake",
                new SubscriptionCommand.Create(
                        "sub",
                        TIME,
                        new SubscriptionConfig(
                                new SubscriptionConfig.PullWake("wakes"), null, List.of("s"), 30_000, null),
                        "",
                        null,
                        tails),
                CommandFormatTest::read);
        command(
                golden,
                "subscription by webhook, with an owner",
                new SubscriptionCommand.Create(
                        "sub",
                        TIME,
                        new SubscriptionConfig(
                                new SubscriptionConfig.Webhook("https://example.com/hook"),
                                "dir/*",
                                List.of("s", "t"),
                                30_000,
                                "for people"),
                        "http://localhost:4437",
                        new Owner("app", "app.key client"),
                        tails));
        command(
                golden,
                "subscription by pull-wake, without an owner",
                new SubscriptionCommand.Create(
                        "sub",
                        TIME,
                        new SubscriptionConfig(
                                new SubscriptionConfig.PullWake("wakes"), null, List.of("s"), 30_000, null),
                        "",
                        null,
                        tails));
        command(golden, "subscription deleted", new SubscriptionCommand.Delete("sub", TIME));
        command(golden, "streams added", new SubscriptionCommand.AddStreams("sub", TIME, tails));
        command(golden, "stream removed", new SubscriptionCommand.RemoveStream("sub", TIME, "s"));
        command(golden, "notice", new SubscriptionCommand.Notice("sub", TIME, tails, "next"));
        command(
                golden,
                "forget",
                new SubscriptionCommand.Forget("sub", TIME, List.of(new SubscriptionCommand.Gone("s", POSITION))));
        command(golden, "claim", new SubscriptionCommand.Claim("sub", TIME, "worker", tails, "next"));
        List<SubscriptionCommand.Acked> acks = List.of(new SubscriptionCommand.Acked("s", POSITION, 200));
        command(golden, "ack", new SubscriptionCommand.Ack("sub", TIME, 3, "wake", acks, true, tails, "next"));
        command(
                golden,
                "ack of nothing",
                new SubscriptionCommand.Ack("sub", TIME, 3, "wake", List.of(), false, List.of(), "next"));
        command(golden, "release", new SubscriptionCommand.Release("sub", TIME, 3, "wake", tails, "next"));
        command(golden, "lease over", new SubscriptionCommand.Expire("sub", TIME, "wake", TIME + 9, tails, "next"));
        command(golden, "delivered", new SubscriptionCommand.Delivered("sub", TIME, "wake"));
        command(golden, "not delivered", new SubscriptionCommand.DeliveryFailed("sub", TIME, "wake", TIME + 9));
    }

    private static final SessionCommand.Sender SENDER = new SessionCommand.Sender("conn", 0, 300);
    private static final SessionCommand.RunTimes RUNS =
            new SessionCommand.RunTimes(TIME + 2_000, TIME + 60_000, TIME + 20_000);
    private static final Body FULL = new Body("name", Data.of("täxt"), "json", "{\"a\":1}");
    private static final Body BYTES = new Body(null, Data.of(new byte[] {0, -1}), null, null);
    private static final Operation BY = new Operation("client", "why", "{\"b\":2}");
    private static final Operation BY_NOBODY = new Operation(null, null, null);

    private static final long EPOCH = (3L << 32) + 300;

    private static SessionCommand.Rollup rollup(long epoch) {
        return new SessionCommand.Rollup(
                SESSION,
                TIME,
                "conn",
                epoch,
                POSITION,
                List.of(
                        new SessionCommand.Part(300, FULL, BY, true, 65_536),
                        new SessionCommand.Part(301, BYTES, BY_NOBODY, false, 65_536)));
    }

    private static void requests(GoldenBytes golden) {
        for (int i = 0; i < SessionRequest.Kind.values().length; i++) {
            SessionRequest.Kind kind = List.of(SessionRequest.Kind.values()).get(i);
            boolean approval = kind == SessionRequest.Kind.APPROVAL;
            command(
                    golden,
                    "ask " + kind,
                    new SessionCommand.Ask(
                            SESSION,
                            TIME,
                            "r1",
                            new SessionRequest.Terms(
                                    kind,
                                    "täxt",
                                    approval ? "agent" : null,
                                    approval ? "run" : null,
                                    approval ? "message" : null,
                                    approval ? "call" : null,
                                    approval ? "{\"a\":1}" : null,
                                    approval ? List.of("ann", "ben") : List.of(),
                                    approval ? 2 : 1,
                                    approval ? TIME + 60_000 : 0,
                                    List.of(SessionRequest.WhenDue.values()).get(i),
                                    approval
                                            ? new RunTexts.Notice("asked", "{\"s\":\"", "\",\"at\":", "}", "json")
                                            : null),
                            FULL));
        }
        for (SessionRequest.Verdict verdict : SessionRequest.Verdict.values()) {
            boolean answer = verdict == SessionRequest.Verdict.ANSWER;
            SessionRequest.Decision decision = new SessionRequest.Decision(
                    "d1",
                    verdict,
                    answer ? "ann" : null,
                    "app.key",
                    TIME,
                    answer ? "conn" : null,
                    answer ? "telephone" : null,
                    answer ? "well" : null,
                    answer ? "{\"a\":2}" : null);
            List<MessageOp> answers = List.of(new MessageOp.Create(null, false, "ann", null, FULL, false));
            List<RunNote> notes = answer ? List.of() : List.of(new RunNote.Said(0, "event", "run", false, List.of()));
            golden.old(
                    "decide to " + verdict,
                    new SessionCommand.Decide(SESSION, TIME, "r1", decision, FULL, answers, notes),
                    CommandFormatTest::read);
            command(
                    golden,
                    "decide with a right to " + verdict,
                    new SessionCommand.Decide(
                            SESSION,
                            TIME,
                            "r1",
                            decision,
                            answer ? List.of("role:chef", "capability:control") : List.of(),
                            FULL,
                            answers,
                            notes));
        }
        command(golden, "expire a request", new SessionCommand.ExpireRequest(SESSION, TIME, "r1"));
        command(
                golden,
                "ask whoever has a right",
                new SessionCommand.Ask(
                        SESSION,
                        TIME,
                        "r1",
                        new SessionRequest.Terms(
                                SessionRequest.Kind.APPROVAL,
                                "",
                                null,
                                "run",
                                "message",
                                "call",
                                null,
                                List.of(),
                                1,
                                TIME + 60_000,
                                SessionRequest.WhenDue.DENY,
                                null,
                                new SessionRequest.DueAnswer(
                                        FULL, new RunNote.Said(0, "event", "run", false, List.of())),
                                List.of("role:chef")),
                        FULL));
        command(
                golden,
                "publish of somebody who has a right to decide",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(new MessageOp.Create(null, false, "ann", null, FULL, false)),
                        List.of(new RunNote.Decided(0, "run", "call", true, "app.key", "well", List.of("role:chef")))));
        command(golden, "stall of a run", new SessionCommand.StallRun(SESSION, TIME, "run", TIME - 300));
        for (Body takenOver : new Body[] {null, FULL}) {
            command(
                    golden,
                    "publish of an agent that may be stalled" + (takenOver == null ? "" : ", or ended"),
                    new SessionCommand.Publish(
                            SESSION,
                            TIME,
                            SENDER,
                            List.of(),
                            List.of(new RunNote.Described(
                                    "run",
                                    new RunTexts(
                                            Body.EMPTY,
                                            new RunTexts.Notice("away", "", ",", "", null),
                                            new RunTexts.Notice("back", "", ",", "", null),
                                            takenOver,
                                            new RunTexts.Notice("stalled", "{", ",\"at\":", "}", "json"))))));
        }
        command(
                golden,
                "publish of an agent that asks",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(),
                        List.of(
                                new RunNote.Called(300, "run", "call", "tool"),
                                new RunNote.Asked(300, "r1", "run", "message", "call"),
                                new RunNote.Asked(0, "r1", "run", null, "call"))));
        command(
                golden,
                "publish of who decides",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(),
                        List.of(
                                new RunNote.Decided(300, "run", "call", true, "app.key", "well"),
                                new RunNote.Decided(0, "run", "call", false, "app.key", null))));
    }

    private static void messages(GoldenBytes golden) {
        command(
                golden,
                "publish with everything",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(
                                new MessageOp.Create("id", true, "client", "conn", FULL, true),
                                new MessageOp.Create(null, false, null, null, Body.EMPTY, false),
                                new MessageOp.Change(
                                        MessageEntry.Action.UPDATE, POSITION, FULL, BY, true, false, 65_536),
                                new MessageOp.Change(
                                        MessageEntry.Action.DELETE, POSITION, Body.EMPTY, BY_NOBODY, false, true, 1),
                                new MessageOp.Change(
                                        MessageEntry.Action.APPEND, POSITION, BYTES, BY, true, true, 65_536),
                                new MessageOp.Change(MessageEntry.Action.CREATE, POSITION, BYTES, BY, false, false, 0)),
                        List.of(
                                new RunNote.Active("run", "input", true),
                                new RunNote.Active("run", null, false),
                                new RunNote.Suspended("run"),
                                new RunNote.Ended("run"),
                                new RunNote.Cancel(300, "run", "input"),
                                new RunNote.Cancel(0, null, null))));
        command(golden, "publish of nothing", new SessionCommand.Publish(SESSION, TIME, null, List.of(), List.of()));
        golden.old("rollup", rollup(0), CommandFormatTest::read);
        command(golden, "rollup of a connection with an epoch", rollup(EPOCH));
        command(
                golden,
                "publish of a connection with an epoch",
                new SessionCommand.Publish(
                        SESSION, TIME, new SessionCommand.Sender("conn", EPOCH, 300), List.of(), List.of()));
        command(
                golden,
                "end of a run",
                new SessionCommand.EndRun(
                        SESSION,
                        TIME,
                        "run",
                        "conn",
                        List.of(new MessageOp.Create(null, false, null, null, FULL, false))));
        command(golden, "trim", new SessionCommand.Trim(SESSION, TIME, POSITION));
        golden.old(
                "retain",
                new SessionCommand.Retain(SESSION, TIME, TIME - 1_000, 1L << 30, TIME - 1_000),
                CommandFormatTest::read);
        command(
                golden,
                "retain decisions for longer",
                new SessionCommand.Retain(SESSION, TIME, TIME - 1_000, 1L << 30, TIME - 100_000));
        golden.old(
                "lost",
                new SessionCommand.Lost(SESSION, TIME, "conn", 300, TIME + 15_000, TIME + 240_000, null),
                CommandFormatTest::read);
        command(
                golden,
                "lost with members",
                new SessionCommand.Lost(SESSION, TIME, "conn", 300, TIME + 15_000, TIME + 240_000, null));
        command(
                golden,
                "lost with runs",
                new SessionCommand.Lost(SESSION, TIME, "conn", 300, TIME + 15_000, TIME + 240_000, RUNS));
        command(
                golden,
                "publish of an agent that streams",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(new MessageOp.Create(null, false, null, null, FULL, false)),
                        List.of(
                                new RunNote.Described(
                                        "run",
                                        new RunTexts(
                                                FULL,
                                                new RunTexts.Notice("away", "{\"c\":\"", "\",\"at\":", "}", "json"),
                                                new RunTexts.Notice("back", "", ",", "", null),
                                                null)),
                                new RunNote.Streaming(300, 0, "run", "{\"a\":1}"),
                                new RunNote.Streaming(0, POSITION, "run", "{\"a\":1}"),
                                new RunNote.Settled(POSITION))));
        command(
                golden,
                "publish of an agent whose run ends when a person takes over",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(),
                        List.of(new RunNote.Described(
                                "run",
                                new RunTexts(
                                        Body.EMPTY,
                                        new RunTexts.Notice("away", "", ",", "", null),
                                        new RunTexts.Notice("back", "", ",", "", null),
                                        FULL)))));
        command(
                golden,
                "publish of a person",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(new MessageOp.Create(null, false, null, null, FULL, false)),
                        List.of(new RunNote.Spoken(300, "\"ann\""))));
        for (Control.Mode mode : Control.Mode.values()) {
            command(
                    golden,
                    "control of " + mode,
                    new SessionCommand.ChangeControl(
                            SESSION,
                            TIME,
                            mode,
                            mode == Control.Mode.AGENT ? null : "client",
                            mode == Control.Mode.SHARED,
                            mode == Control.Mode.PERSON ? TIME + 60_000 : 0,
                            mode == Control.Mode.AGENT,
                            FULL,
                            new ControlTexts(
                                    List.of("ai-output", "ai-run-start"),
                                    new RunTexts.Notice("control", "{\"by\":", ",\"at\":", "}", "json"),
                                    new RunTexts.Notice("control", "", ",", "", null))));
        }
        agents(golden);
        command(golden, "end of a control", new SessionCommand.ExpireControl(SESSION, TIME));
        command(golden, "erase", new SessionCommand.Erase(SESSION, TIME, "client", "txid"));
        command(golden, "erase by nobody", new SessionCommand.Erase(SESSION, TIME, null, null));
        Origin origin = new Origin("söurce", POSITION, List.of(POSITION + 1, POSITION + 2));
        command(
                golden,
                "fork begun",
                new SessionCommand.Fork(SESSION, TIME, "client", origin, false, List.of(), List.of()));
        command(
                golden,
                "fork filled",
                new SessionCommand.Fork(
                        SESSION,
                        TIME,
                        null,
                        origin,
                        true,
                        List.of(POSITION),
                        List.of(
                                new SessionCommand.MessageOp.Create("id", true, "client", "conn", FULL, false),
                                new SessionCommand.MessageOp.Create(null, false, null, null, Body.EMPTY, false))));
        command(golden, "purge begun", new SessionCommand.NotePurge(SESSION, TIME, POSITION, false));
        command(golden, "purge done", new SessionCommand.NotePurge(SESSION, TIME, POSITION, true));
        requests(golden);
        command(
                golden,
                "describe",
                new SessionCommand.Describe(
                        SESSION,
                        TIME,
                        "client",
                        true,
                        false,
                        List.of(
                                new SessionCommand.LabelChange("key", "valüe"),
                                new SessionCommand.LabelChange("gone", null)),
                        300));
        command(golden, "describe anew", new SessionCommand.Describe(SESSION, TIME, null, false, true, List.of(), 300));
        command(golden, "back", new SessionCommand.Back(SESSION, TIME, "conn", 301));
        command(golden, "depart", new SessionCommand.Depart(SESSION, TIME, "conn", 300));
        command(golden, "compact", new SessionCommand.Compact(SESSION, TIME, POSITION, POSITION + 1));
        command(golden, "remove if empty", new SessionCommand.RemoveEmpty(SESSION, TIME));
        command(golden, "remove", new SessionCommand.Remove(SESSION, TIME));
    }

    private static void restOfSessions(GoldenBytes golden) {
        command(
                golden,
                "presence",
                new SessionCommand.ChangePresence(
                        SESSION,
                        TIME,
                        SENDER,
                        "conn",
                        Arrays.stream(PresenceEntry.Action.values())
                                .map(action -> new SessionCommand.PresenceOp(action, "id", "client", FULL))
                                .toList(),
                        200));
        command(
                golden,
                "presence without a sender",
                new SessionCommand.ChangePresence(SESSION, TIME, null, "conn", List.of(), 200));
        golden.old("leave for good", new SessionCommand.Leave(SESSION, TIME, "conn", true), CommandFormatTest::read);
        golden.old("leave", new SessionCommand.Leave(SESSION, TIME, "conn", false), CommandFormatTest::read);
        command(golden, "leave with a run", new SessionCommand.Leave(SESSION, TIME, "conn", true, 300, RUNS));
        command(golden, "leave, detached", new SessionCommand.Leave(SESSION, TIME, "conn", false));
        command(
                golden,
                "annotate",
                new SessionCommand.Annotate(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(
                                new SessionCommand.AnnotationOp(
                                        AnnotationEntry.Action.CREATE,
                                        POSITION,
                                        "reaction:distinct.v1",
                                        300,
                                        "id",
                                        "client",
                                        "conn",
                                        FULL),
                                new SessionCommand.AnnotationOp(
                                        AnnotationEntry.Action.DELETE,
                                        POSITION,
                                        "t:flag.v1",
                                        0,
                                        null,
                                        null,
                                        null,
                                        Body.EMPTY)),
                        10_000));
        command(
                golden,
                "annotate without a sender",
                new SessionCommand.Annotate(SESSION, TIME, null, List.of(), 10_000));
        Map<String, ObjectValue> entries = Map.of(
                "bytes", new ObjectValue.Bytes(new byte[] {1, 2}),
                "false", new ObjectValue.Bool(false),
                "json", new ObjectValue.Json("[1]"),
                "number", new ObjectValue.Numeric(-1.5),
                "ref", new ObjectValue.Ref("map:x@1"),
                "text", new ObjectValue.Text("täxt"),
                "true", new ObjectValue.Bool(true));
        command(
                golden,
                "objects",
                new SessionCommand.ChangeObjects(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(
                                object(true, "x", new ObjectOperation.MapCreate("map:x@1", entries)),
                                object(
                                        false,
                                        null,
                                        new ObjectOperation.MapSet("root", "key", new ObjectValue.Bool(true))),
                                object(false, null, new ObjectOperation.MapRemove("root", "key")),
                                object(false, null, new ObjectOperation.MapClear("root")),
                                object(false, null, new ObjectOperation.CounterCreate("counter:x@1", 2.5)),
                                object(false, null, new ObjectOperation.CounterInc("counter:x@1", -0.5)),
                                object(false, null, new ObjectOperation.ObjectDelete("map:x@1"))),
                        new ObjectLimits(1, 2, 3, 4, 5)));
        command(
                golden,
                "objects without a sender",
                new SessionCommand.ChangeObjects(SESSION, TIME, null, List.of(), ObjectLimits.DEFAULT));
    }

    private static SessionCommand.ObjectOp object(boolean unique, @Nullable String text, ObjectOperation operation) {
        return new SessionCommand.ObjectOp(text, unique, text, text, text, operation);
    }

    private static void registry(GoldenBytes golden) {
        command(
                golden,
                "app with keys and namespaces",
                new RegistryCommand.AddApp(
                        TIME,
                        new RegisteredApp(
                                "app",
                                false,
                                List.of(
                                        new RegisteredApp.Key(
                                                "app.a",
                                                new SealedSecret(new byte[] {1, -2, 3}),
                                                "{\"*\":[\"*\"]}",
                                                true),
                                        new RegisteredApp.Key("app.b", new SealedSecret(new byte[] {4}), "{}", false)),
                                List.of(
                                        new RegisteredApp.Namespace("chät", true, 120_000, 1L << 30, 250, false, true),
                                        new RegisteredApp.Namespace("*", false, 300, 1, 1, true, false)))));
        command(
                golden,
                "app that was removed before it was registered",
                new RegistryCommand.AddApp(TIME, new RegisteredApp("app", true, List.of(), List.of())));
        command(golden, "app removed", new RegistryCommand.RemoveApp(TIME, "app"));
        command(golden, "app forgotten", new RegistryCommand.ForgetApp(TIME, "app"));
        command(
                golden,
                "tokens revoked",
                new RegistryCommand.RevokeTokens(TIME, new Revocation("app.a", "clientId:ü", TIME - 9, TIME + 9)));
        command(
                golden,
                "tokens of before 1970 revoked",
                new RegistryCommand.RevokeTokens(TIME, new Revocation("app.a", "channel:*", -9, TIME)));
        command(golden, "revocations forgotten", new RegistryCommand.ForgetRevocations(TIME, TIME - 300));
    }

    private static void agents(GoldenBytes golden) {
        command(
                golden,
                "publish of somebody who wakes agents",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        SENDER,
                        List.of(),
                        List.of(
                                new RunNote.Said(300, "event", "run", true, List.of("@bot", "@ü")),
                                new RunNote.Said(0, "event", null, false, List.of()))));
        var notice = new RunTexts.Notice("wake", "{\"id\":\"", "\",\"at\":", "}", "json");
        var plain = new RunTexts.Notice("wake", "", ",", "", null);
        command(
                golden,
                "agents that are called",
                new SessionCommand.NameAgents(
                        SESSION,
                        TIME,
                        List.of(
                                new Agent(
                                        "bot",
                                        "Bot ü",
                                        new Agent.Endpoint("https://bot.example/", Data.of(new byte[] {1, -2})),
                                        Agent.Trigger.MENTION,
                                        List.of("@bot", "@b*"),
                                        300,
                                        true,
                                        notice,
                                        plain),
                                new Agent(
                                        "open",
                                        null,
                                        new Agent.Endpoint("https://open.example/", null),
                                        Agent.Trigger.ALL,
                                        List.of(),
                                        0,
                                        false,
                                        plain,
                                        notice)),
                        List.of()));
        for (Agent.Trigger trigger : List.of(Agent.Trigger.INVOCATION, Agent.Trigger.USER_MESSAGES)) {
            command(
                    golden,
                    "agent that comes itself, for " + trigger,
                    new SessionCommand.NameAgents(
                            SESSION,
                            TIME,
                            List.of(new Agent("bot", null, null, trigger, List.of(), 0, false, plain, plain)),
                            List.of("other", "ü")));
        }
        command(
                golden,
                "agent that answers what it says",
                new SessionCommand.NameAgents(
                        SESSION,
                        TIME,
                        List.of(new Agent(
                                "bot",
                                null,
                                new Agent.Endpoint("https://bot.example/", null, true),
                                Agent.Trigger.ALL,
                                List.of(),
                                0,
                                false,
                                plain,
                                plain)),
                        List.of()));
        command(golden, "agent invoked", new SessionCommand.InvokeAgent(SESSION, TIME, "bot", "event"));
        command(golden, "wake claimed", new SessionCommand.ClaimWake(SESSION, TIME, "bot", "worker", TIME + 300));
        for (SessionCommand.Settlement settlement : SessionCommand.Settlement.values()) {
            command(
                    golden,
                    "wake settled: " + settlement,
                    new SessionCommand.SettleWake(SESSION, TIME, "bot", "w1-0", 300, settlement, TIME + 300));
        }
        command(
                golden,
                "said by an agent that answers a call",
                new SessionCommand.Speak(
                        new SessionCommand.Publish(
                                SESSION,
                                TIME,
                                null,
                                List.of(new SessionCommand.MessageOp.Create(
                                        "id", true, "bot", null, new Body("nämé", Data.of("täxt"), null, null), false)),
                                List.of(new RunNote.Active("run", "input", true))),
                        "bot",
                        "w1-0",
                        300,
                        "run ü"));
        command(golden, "wake expired", new SessionCommand.ExpireWake(SESSION, TIME, "bot"));
        var hired = new Agent("bot", null, null, Agent.Trigger.ALL, List.of("@bot"), 0, false, plain, plain);
        command(
                golden,
                "agent invoked, with the agents of the namespace",
                new SessionCommand.WithAgents<>(
                        new Inherited(300, List.of(hired)),
                        new SessionCommand.InvokeAgent(SESSION, TIME, "bot", "event")));
        var rule = new NotifyRule(
                List.of(Notification.Event.values()),
                List.of("aside ü"),
                new RunTexts.Notice("told", "{", ",", "}", "json"));
        command(
                golden,
                "agent invoked, with what the application wants to be told",
                new SessionCommand.WithAgents<>(
                        new Inherited(300, List.of(), rule),
                        new SessionCommand.InvokeAgent(SESSION, TIME, "bot", "event")));
        for (SessionCommand.NotificationFate fate : SessionCommand.NotificationFate.values()) {
            command(
                    golden,
                    "notification " + fate,
                    new SessionCommand.SettleNotification(SESSION, TIME, "n1-2-0", 3, fate, TIME + 300));
        }
        command(golden, "seen", new SessionCommand.Seen(SESSION, TIME, "ann ü"));
        command(
                golden,
                "application of a namespace",
                new RegistryCommand.SetNotify(
                        TIME,
                        "app",
                        "chät",
                        new NamespaceNotify(
                                new Agent.Endpoint("https://app.example/", Data.of(new byte[] {1, -2})), rule)));
        command(golden, "no application of a namespace", new RegistryCommand.SetNotify(TIME, "app", "chät", null));
        command(
                golden,
                "run of a client, and why one is over",
                new SessionCommand.Publish(
                        SESSION,
                        TIME,
                        null,
                        List.of(),
                        List.of(
                                new RunNote.Active("run", null, true, "ann ü"),
                                new RunNote.Ended("other", "complete"))));
        command(
                golden,
                "agents of a namespace",
                new RegistryCommand.NameAgents(TIME, "app", "chät", List.of(hired), List.of("other", "ü")));
    }

    /** A new table fails to compile here until somebody has said where its golden bytes are. */
    @Test
    void everyTableHasGoldenBytes() throws IOException {
        Map<String, List<GoldenBytes.Line>> tables = GoldenBytes.all();
        for (Table table : Table.values()) {
            List<String> rows = switch (table) {
                case META -> List.of("identity/identities", "lives/lives of");
                case STREAMS -> List.of("streams/streamKey", "streams/stream of");
                case ENTRIES -> List.of("streams/entryKey", "streams/entry of");
                case PRODUCERS -> List.of("streams/producerKey", "streams/producer of");
                case DEADLINES -> List.of("streams/deadlineKey", "streams/streamKey");
                case PINS -> List.of("streams/pinKey", "streams/pin of");
                case OUTBOX -> List.of("streams/idKey", "streams/release of");
                case SUBSCRIPTIONS ->
                    List.of(
                            "subscriptions/stateKey",
                            "subscriptions/state of",
                            "subscriptions/linkKey",
                            "subscriptions/link of");
                case SESSIONS -> List.of("sessions/sessionKey", "sessions/session of");
                case LOG -> List.of("sessions/positionKey", "sessions/logged");
                case MESSAGES ->
                    List.of("sessions/positionKey", "sessions/message whole", "sessions/message in pieces");
                case VERSIONS -> List.of("sessions/versionKey", "sessions/version of");
                case GROWING -> List.of("sessions/positionKey", "sessions/growing");
                case MESSAGE_IDS -> List.of("sessions/messageIdKey", "sessions/serial");
                case MEMBERS -> List.of("sessions/memberKey", "sessions/presence of");
                case PRESENCE -> List.of("sessions/positionKey", "sessions/presence of");
                case REMEMBERED -> List.of("sessions/requestKey", "sessions/positions");
                case ANNOTATIONS -> List.of("annotations/annotationKey", "annotations/annotation of");
                case SUMMARIES ->
                    List.of(
                            "annotations/totalsKey",
                            "annotations/totals of",
                            "annotations/sumKey",
                            "annotations/sum of",
                            "annotations/partKey",
                            "annotations/part of",
                            "annotations/choiceKey",
                            "annotations/choice of");
                case OBJECTS ->
                    List.of(
                            "objects/totalsKey",
                            "objects/totals of",
                            "objects/objectKey",
                            "objects/object that",
                            "objects/entryKey",
                            "objects/entry with");
                case OBJECT_IDS -> List.of("sessions/objectIdKey", "sessions/objectIdAgeKey", "sessions/positions");
                case RUNS ->
                    List.of(
                            "runs/runKey",
                            "runs/run of",
                            "runs/cancelKey",
                            "runs/cancel of",
                            "runs/silenceKey",
                            "runs/silence of");
                case SILENCES -> List.of("runs/listedKey", "runs/listed");
                case NOTIFICATIONS -> List.of("notifications/notificationKey", "notifications/notification of");
                case NOTIFICATION_TIMES -> List.of("notifications/timeKey", "notifications/time of");
                case NOTIFIED ->
                    List.of(
                            "notifications/toldKey",
                            "notifications/told",
                            "notifications/agentKey",
                            "notifications/agent");
                case ATTENDANCES -> List.of("sessions/connectionKey", "attendances/attendance of");
                case DEPARTURES -> List.of("attendances/departureKey", "attendances/departure of");
                case ARRIVALS -> List.of("attendances/arrivalKey", "attendances/arrival of");
                case CONTROLS ->
                    List.of("sessions/idKey", "controls/texts of", "sessions/positionKey", "controls/change of");
                case INDEX ->
                    List.of(
                            "index/key",
                            "index/listed",
                            "index/participantKey",
                            "index/participantsKey",
                            "index/participants",
                            "index/originKey",
                            "index/origin");
                case PROFILES -> List.of("sessions/idKey", "profiles/profile of");
                case TOMBSTONES ->
                    List.of(
                            "erasures/tombstoneKey",
                            "erasures/tombstone of",
                            "erasures/pendingKey",
                            "erasures/pending of");
                case EXPIRIES -> List.of("controls/expiryKey", "controls/expiry of");
                case AGENTS -> List.of("wakes/agentKey", "wakes/agent that");
                case WAKES -> List.of("wakes/wakeKey", "wakes/wake that", "wakes/turnsKey", "wakes/turns of");
                case WAKE_TIMES -> List.of("wakes/timeKey", "wakes/claimKey", "wakes/time of");
                case ASKED ->
                    List.of(
                            "requests/requestKey",
                            "requests/request that",
                            "requests/callKey",
                            "requests/call of",
                            "requests/closedKey",
                            "requests/listed");
                case INHERITED -> List.of("wakes/inheritedKey", "wakes/inherited agents");
                case INBOX -> List.of("requests/inboxKey", "requests/inbox of");
                case DUE -> List.of("requests/dueKey", "requests/due of");
                case REMOVED -> List.of("sessions/positionKey", "sessions/removed");
                case REGISTRY ->
                    List.of(
                            "registry/appKey",
                            "registry/app of",
                            "registry/revocationKey",
                            "registry/revocation of",
                            "registry/agentsKey",
                            "registry/agents of");
            };
            for (String row : rows) {
                String[] parts = row.split("/", 2);
                assertThat(tables.get(parts[0]))
                        .as("golden bytes of %s in the table %s", row, table)
                        .anyMatch(line -> line.name().startsWith(parts[1]));
            }
        }
    }

    @Test
    void nothingIsAddedToAFormatThatIsClosed() throws IOException, NoSuchAlgorithmException {
        Map<Integer, MessageDigest> digests = new TreeMap<>();
        for (var table : GoldenBytes.all().entrySet()) {
            for (GoldenBytes.Line line : table.getValue()) {
                MessageDigest digest = digests.get(line.format());
                if (digest == null) {
                    digest = MessageDigest.getInstance("SHA-256");
                    digests.put(line.format(), digest);
                }
                digest.update(utf8(table.getKey() + " | " + line + "\n"));
            }
        }
        assertThat(digests.keySet()).allMatch(format -> format >= 1 && format <= FolderFormat.NEWEST);
        for (Map.Entry<Integer, String> closed : CLOSED.entrySet()) {
            MessageDigest digest = digests.get(closed.getKey());
            assertThat(digest).isNotNull();
            assertThat(HexFormat.of().formatHex(digest.digest()))
                    .as(
                            "format %d is closed: raise FolderFormat.NEWEST if it is the newest, and give what you add to the"
                                    + " tables the number of the format after it",
                            closed.getKey())
                    .isEqualTo(closed.getValue());
        }
    }
}
