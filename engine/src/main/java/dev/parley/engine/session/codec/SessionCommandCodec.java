package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.AnnotationOp;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionCommand.ChangeObjects;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.Fork;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.NotePurge;
import dev.parley.engine.session.SessionCommand.ObjectOp;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Retain;
import dev.parley.engine.session.SessionCommand.Rollup;
import dev.parley.engine.session.SessionCommand.RunTimes;
import dev.parley.engine.session.SessionCommand.Seen;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionCommand.WithAgents;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Encodes commands for sessions as journal records. The first byte, the kind, is from 64 to 95, or 98, for them. */
public final class SessionCommandCodec {
    private static final int PUBLISH = 64;
    private static final int CHANGE_PRESENCE = 65;
    private static final int LEAVE = 66;
    private static final int TRIM = 67;
    private static final int COMPACT = 68;
    private static final int REMOVE = 69;
    private static final int CHANGE_OBJECTS = 70;
    private static final int END_RUN = 71;
    private static final int ROLLUP = 80;
    private static final int ANNOTATE = 72;
    private static final int REMOVE_EMPTY = 73;
    private static final int RETAIN = 74;
    private static final int LOST = 75;
    private static final int BACK = 76;
    private static final int DEPART = 77;
    private static final int DESCRIBE = 78;
    private static final int ERASE = 79;
    private static final int NOTE_PURGE = 81;
    private static final int CHANGE_CONTROL = 82;
    private static final int EXPIRE_CONTROL = 83;
    private static final int ASK = 84;
    private static final int DECIDE = 85;
    private static final int EXPIRE_REQUEST = 86;
    private static final int NAME_AGENTS = 87;
    private static final int CLAIM_WAKE = 88;
    private static final int SETTLE_WAKE = 89;
    private static final int EXPIRE_WAKE = 90;
    private static final int INVOKE_AGENT = 91;
    private static final int WITH_AGENTS = 92;
    private static final int STALL_RUN = 93;
    private static final int NOTIFICATION = 94;
    private static final int FORK = 95;
    private static final int SPEAK = 98;
    private static final int VERSION = 1;
    /** Of lost connections, and of those that leave: what becomes of their runs. */
    private static final int RUNS = 2;

    /** Of rollups: the epoch of the connection. */
    private static final int EPOCH = 2;

    /** Of retention: until when decisions are kept. */
    private static final int AUDIT = 2;

    /** Of decisions: what the credentials of who decides grant. */
    private static final int GRANTS = 2;

    /** Of notifications: what is said of them. */
    private static final int SETTLED = 0;

    private static final int SEEN = 1;

    private static final int NO_SENDER = 0;
    private static final int SENDER_WITHOUT_EPOCH = 1;
    private static final int SENDER = 2;

    private static final int CREATE = 1;
    private static final int CHANGE = 2;
    private static final int ANY = 1;
    private static final int RESTORES = 2;

    private SessionCommandCodec() {}

    /** Whether a record of this kind is a command for a session. */
    public static boolean isKind(int kind) {
        return (kind >= PUBLISH && kind <= FORK) || kind == SPEAK;
    }

    /** Writes the command. */
    public static void write(SessionCommand<?> command, BinaryWriter out) {
        int kind = kind(command);
        out.u8(kind).u8(command instanceof WithAgents<?> c ? AgentCodec.version(c.inherited()) : newest(kind));
        ValueCodec.name(out, command.session());
        out.varint(command.time());
        switch (command) {
            case Publish c -> {
                sender(out, c.sender());
                messages(out, c.messages());
                RunNoteCodec.notes(out, c.runs());
            }
            case Rollup c -> {
                out.string(c.connectionId())
                        .varint(c.epoch())
                        .fixed64(c.serial())
                        .varint(c.parts().size());
                c.parts().forEach(part -> part(out, part));
            }
            case EndRun c -> messages(out.string(c.runId()).string(c.connectionId()), c.messages());
            case ChangePresence c -> {
                sender(out, c.sender());
                out.string(c.connectionId()).varint(c.events().size());
                c.events().forEach(event -> event(out, event));
                out.varint(c.maxMembers());
            }
            case Annotate c -> {
                sender(out, c.sender());
                out.varint(c.annotations().size());
                c.annotations().forEach(annotation -> annotation(out, annotation));
                out.varint(c.maxAnnotations());
            }
            case ChangeObjects c -> {
                sender(out, c.sender());
                out.varint(c.operations().size());
                c.operations().forEach(operation -> object(out, operation));
                ObjectCodec.limits(out, c.limits());
            }
            case Leave c ->
                runTimes(out.string(c.connectionId()).bool(c.forget()).varint(c.epoch()), c.runs());
            case Trim c -> out.fixed64(c.upTo());
            case Retain c -> out.varint(c.since()).varint(c.maxBytes()).varint(c.auditSince());
            case Lost c -> {
                out.string(c.connectionId())
                        .varint(c.epoch())
                        .varint(c.leaveAt())
                        .varint(c.forgetAt());
                runTimes(out, c.runs());
            }
            case Back c -> out.string(c.connectionId()).varint(c.epoch());
            case Depart c -> out.string(c.connectionId()).varint(c.epoch());
            case Compact c -> out.fixed64(c.serial()).fixed64(c.version());
            case ChangeControl c -> {
                ValueCodec.mode(out, c.mode());
                out.optional(c.by()).bool(c.any()).varint(c.until()).bool(c.onWrite());
                ValueCodec.body(out, c.notice());
                ControlCodec.texts(out, c.texts());
            }
            case ExpireControl c -> {}
            case Erase c -> out.optional(c.by()).optional(c.txid());
            case Fork c -> {
                Origin origin = c.origin();
                out.optional(c.by()).string(origin.session()).fixed64(origin.upTo());
                positions(out, origin.ancestors());
                positions(out.bool(c.fills()), c.serials());
                messages(out, List.copyOf(c.messages()));
            }
            case NotePurge c -> out.fixed64(c.id()).bool(c.done());
            case Describe c -> {
                out.optional(c.by())
                        .bool(c.makes())
                        .bool(c.replace())
                        .varint(c.labels().size());
                c.labels().forEach(label -> out.string(label.key()).optional(label.value()));
                out.varint(c.maxLabels());
            }
            case NameAgents c -> {
                AgentCodec.agents(out, c.agents());
                ValueCodec.texts(out, c.removed());
            }
            case InvokeAgent c -> out.string(c.agentId()).string(c.eventId());
            case ClaimWake c -> out.string(c.agentId()).string(c.holder()).varint(c.until());
            case SettleWake c -> {
                out.string(c.agentId()).string(c.wakeId()).varint(c.epoch());
                AgentCodec.settlement(out, c.settlement());
                out.varint(c.until());
            }
            case Speak c -> {
                out.string(c.agentId()).string(c.wakeId()).varint(c.epoch()).string(c.runId());
                sender(out, c.said().sender());
                messages(out, c.said().messages());
                RunNoteCodec.notes(out, c.said().runs());
            }
            case ExpireWake c -> out.string(c.agentId());
            case Ask c -> {
                RequestCodec.terms(out.string(c.requestId()), c.terms());
                ValueCodec.body(out, c.notice());
            }
            case Decide c -> {
                RequestCodec.decision(out.string(c.requestId()), c.decision());
                RequestCodec.strings(out, c.grants());
                ValueCodec.body(out, c.notice());
                messages(out, c.answer());
                RunNoteCodec.notes(out, c.runs());
            }
            case ExpireRequest c -> out.string(c.requestId());
            case WithAgents<?> c -> {
                AgentCodec.inherited(out, c.inherited());
                write(c.command(), out);
            }
            case StallRun c -> out.string(c.runId()).varint(c.since());
            case SettleNotification c -> {
                out.u8(SETTLED).string(c.id()).varint(c.attempt());
                NotificationCodec.fate(out, c.fate());
                out.varint(c.dueAt());
            }
            case Seen c -> out.u8(SEEN).string(c.clientId());
            case RemoveEmpty c -> {}
            case Remove c -> {}
        }
    }

    private static int newest(int kind) {
        return switch (kind) {
            case LOST, LEAVE -> RUNS;
            case ROLLUP -> EPOCH;
            case RETAIN -> AUDIT;
            case DECIDE -> GRANTS;
            case WITH_AGENTS -> AgentCodec.NOTIFY;
            default -> VERSION;
        };
    }

    private static int kind(SessionCommand<?> command) {
        return switch (command) {
            case Publish c -> PUBLISH;
            case ChangePresence c -> CHANGE_PRESENCE;
            case Annotate c -> ANNOTATE;
            case ChangeObjects c -> CHANGE_OBJECTS;
            case Rollup c -> ROLLUP;
            case EndRun c -> END_RUN;
            case Leave c -> LEAVE;
            case Trim c -> TRIM;
            case Retain c -> RETAIN;
            case Lost c -> LOST;
            case Back c -> BACK;
            case Depart c -> DEPART;
            case Compact c -> COMPACT;
            case ChangeControl c -> CHANGE_CONTROL;
            case ExpireControl c -> EXPIRE_CONTROL;
            case Describe c -> DESCRIBE;
            case NameAgents c -> NAME_AGENTS;
            case InvokeAgent c -> INVOKE_AGENT;
            case WithAgents<?> c -> WITH_AGENTS;
            case ClaimWake c -> CLAIM_WAKE;
            case SettleWake c -> SETTLE_WAKE;
            case Speak c -> SPEAK;
            case ExpireWake c -> EXPIRE_WAKE;
            case Erase c -> ERASE;
            case Fork c -> FORK;
            case NotePurge c -> NOTE_PURGE;
            case Ask c -> ASK;
            case Decide c -> DECIDE;
            case ExpireRequest c -> EXPIRE_REQUEST;
            case StallRun c -> STALL_RUN;
            case SettleNotification c -> NOTIFICATION;
            case Seen c -> NOTIFICATION;
            case RemoveEmpty c -> REMOVE_EMPTY;
            case Remove c -> REMOVE;
        };
    }

    /** Reads a command whose kind byte has been read. */
    public static SessionCommand<?> read(int kind, BinaryReader in) {
        int version = in.version(VERSION, newest(kind));
        SessionName session = ValueCodec.name(in);
        long time = in.varint();
        return switch (kind) {
            case PUBLISH -> new Publish(session, time, sender(in), messages(in), RunNoteCodec.notes(in));
            case ROLLUP ->
                new Rollup(session, time, in.string(), version < EPOCH ? 0 : in.varint(), in.fixed64(), parts(in));
            case END_RUN -> new EndRun(session, time, in.string(), in.string(), messages(in));
            case CHANGE_PRESENCE -> {
                Sender sender = sender(in);
                String connectionId = in.string();
                yield new ChangePresence(session, time, sender, connectionId, events(in), in.count());
            }
            case LEAVE ->
                version < RUNS
                        ? new Leave(session, time, in.string(), in.bool())
                        : new Leave(session, time, in.string(), in.bool(), in.varint(), runTimes(in));
            case TRIM -> new Trim(session, time, in.fixed64());
            case RETAIN -> retain(session, time, version, in);
            case LOST ->
                new Lost(
                        session,
                        time,
                        in.string(),
                        in.varint(),
                        in.varint(),
                        in.varint(),
                        version < RUNS ? null : runTimes(in));
            case BACK -> new Back(session, time, in.string(), in.varint());
            case DEPART -> new Depart(session, time, in.string(), in.varint());
            case COMPACT -> new Compact(session, time, in.fixed64(), in.fixed64());
            case ANNOTATE -> new Annotate(session, time, sender(in), annotations(in), in.count());
            case CHANGE_OBJECTS -> new ChangeObjects(session, time, sender(in), objects(in), ObjectCodec.limits(in));
            case CHANGE_CONTROL ->
                new ChangeControl(
                        session,
                        time,
                        ValueCodec.mode(in),
                        in.optional(),
                        in.bool(),
                        in.varint(),
                        in.bool(),
                        ValueCodec.body(in),
                        ControlCodec.texts(in));
            case EXPIRE_CONTROL -> new ExpireControl(session, time);
            case ERASE -> new Erase(session, time, in.optional(), in.optional());
            case FORK ->
                new Fork(
                        session,
                        time,
                        in.optional(),
                        new Origin(in.string(), in.fixed64(), positions(in)),
                        in.bool(),
                        positions(in),
                        messages(in).stream().map(Create.class::cast).toList());
            case NOTE_PURGE -> new NotePurge(session, time, in.fixed64(), in.bool());
            case DESCRIBE -> new Describe(session, time, in.optional(), in.bool(), in.bool(), labels(in), in.count());
            case NAME_AGENTS -> new NameAgents(session, time, AgentCodec.agents(in), ValueCodec.texts(in));
            case INVOKE_AGENT -> new InvokeAgent(session, time, in.string(), in.string());
            case CLAIM_WAKE -> new ClaimWake(session, time, in.string(), in.string(), in.varint());
            case SETTLE_WAKE ->
                new SettleWake(
                        session, time, in.string(), in.string(), in.varint(), AgentCodec.settlement(in), in.varint());
            case SPEAK -> {
                String agentId = in.string();
                String wakeId = in.string();
                long epoch = in.varint();
                String runId = in.string();
                var said = new Publish(session, time, sender(in), messages(in), RunNoteCodec.notes(in));
                yield new Speak(said, agentId, wakeId, epoch, runId);
            }
            case EXPIRE_WAKE -> new ExpireWake(session, time, in.string());
            case ASK -> new Ask(session, time, in.string(), RequestCodec.terms(in), ValueCodec.body(in));
            case DECIDE ->
                new Decide(
                        session,
                        time,
                        in.string(),
                        RequestCodec.decision(in),
                        version < GRANTS ? List.of() : RequestCodec.strings(in),
                        ValueCodec.body(in),
                        messages(in),
                        RunNoteCodec.notes(in));
            case EXPIRE_REQUEST -> new ExpireRequest(session, time, in.string());
            case WITH_AGENTS -> withAgents(in, version);
            case STALL_RUN -> new StallRun(session, time, in.string(), in.varint());
            case NOTIFICATION -> notification(session, time, in);
            case REMOVE_EMPTY -> new RemoveEmpty(session, time);
            case REMOVE -> new Remove(session, time);
            default -> throw new MalformedBinaryException("an unknown session command of kind " + kind, null);
        };
    }

    private static SessionCommand<?> notification(SessionName session, long time, BinaryReader in) {
        return switch (in.u8()) {
            case SETTLED ->
                new SettleNotification(session, time, in.string(), in.count(), NotificationCodec.fate(in), in.varint());
            case SEEN -> new Seen(session, time, in.string());
            default -> throw new MalformedBinaryException("something unknown is said of a notification", null);
        };
    }

    private static SessionCommand<?> withAgents(BinaryReader in, int version) {
        Inherited inherited = AgentCodec.inherited(in, version);
        int kind = in.u8();
        if (kind == WITH_AGENTS) {
            throw new MalformedBinaryException("a command that brings agents twice", null);
        }
        return with(inherited, read(kind, in));
    }

    private static <O extends SessionOutcome> WithAgents<O> with(Inherited inherited, SessionCommand<O> command) {
        return new WithAgents<>(inherited, command);
    }

    private static Retain retain(SessionName session, long time, int version, BinaryReader in) {
        long since = in.varint();
        return new Retain(session, time, since, in.varint(), version < AUDIT ? since : in.varint());
    }

    private static void positions(BinaryWriter out, List<Long> positions) {
        out.varint(positions.size());
        positions.forEach(out::fixed64);
    }

    private static List<Long> positions(BinaryReader in) {
        List<Long> positions = new ArrayList<>();
        for (int count = in.count(); count > 0; count--) {
            positions.add(in.fixed64());
        }
        return List.copyOf(positions);
    }

    private static List<LabelChange> labels(BinaryReader in) {
        int count = in.count();
        List<LabelChange> labels = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            labels.add(new LabelChange(in.string(), in.optional()));
        }
        return List.copyOf(labels);
    }

    private static void sender(BinaryWriter out, @Nullable Sender sender) {
        if (sender == null) {
            out.u8(NO_SENDER);
        } else if (sender.epoch() == 0) {
            out.u8(SENDER_WITHOUT_EPOCH).string(sender.connectionId()).varint(sender.msgSerial());
        } else {
            out.u8(SENDER).string(sender.connectionId()).varint(sender.epoch()).varint(sender.msgSerial());
        }
    }

    private static @Nullable Sender sender(BinaryReader in) {
        return switch (in.u8()) {
            case NO_SENDER -> null;
            case SENDER_WITHOUT_EPOCH -> new Sender(in.string(), 0, in.varint());
            case SENDER -> new Sender(in.string(), in.varint(), in.varint());
            default -> throw new MalformedBinaryException("an unknown kind of sender", null);
        };
    }

    private static void runTimes(BinaryWriter out, @Nullable RunTimes times) {
        out.bool(times != null);
        if (times != null) {
            out.varint(times.awayAt()).varint(times.endAt()).varint(times.endWithMembersAt());
        }
    }

    private static @Nullable RunTimes runTimes(BinaryReader in) {
        return in.bool() ? new RunTimes(in.varint(), in.varint(), in.varint()) : null;
    }

    private static void messages(BinaryWriter out, List<MessageOp> messages) {
        out.varint(messages.size());
        messages.forEach(message -> message(out, message));
    }

    private static void message(BinaryWriter out, MessageOp message) {
        switch (message) {
            case Create m -> {
                out.u8(CREATE).optional(m.id()).bool(m.unique());
                out.optional(m.clientId()).optional(m.connectionId());
                ValueCodec.body(out, m.body());
                out.bool(m.ephemeral());
            }
            case Change m -> {
                ValueCodec.action(out.u8(CHANGE), m.action());
                out.fixed64(m.serial());
                ValueCodec.body(out, m.body());
                ValueCodec.operation(out, m.operation());
                out.u8((m.any() ? ANY : 0) | (m.restores() ? RESTORES : 0)).varint(m.maxBytes());
            }
        }
    }

    private static List<MessageOp> messages(BinaryReader in) {
        int count = in.count();
        List<MessageOp> messages = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            messages.add(
                    switch (in.u8()) {
                        case CREATE ->
                            new Create(
                                    in.optional(),
                                    in.bool(),
                                    in.optional(),
                                    in.optional(),
                                    ValueCodec.body(in),
                                    in.bool());
                        case CHANGE -> change(in);
                        default -> throw new MalformedBinaryException("an unknown kind of message operation", null);
                    });
        }
        return List.copyOf(messages);
    }

    private static Change change(BinaryReader in) {
        MessageEntry.Action action = ValueCodec.action(in);
        long serial = in.fixed64();
        Body body = ValueCodec.body(in);
        Operation operation = changeBy(in);
        int rights = in.u8();
        return new Change(action, serial, body, operation, (rights & ANY) != 0, (rights & RESTORES) != 0, in.count());
    }

    private static Operation changeBy(BinaryReader in) {
        Operation operation = ValueCodec.operation(in);
        if (operation == null) {
            throw new MalformedBinaryException("a change by nobody", null);
        }
        return operation;
    }

    private static void part(BinaryWriter out, Part part) {
        ValueCodec.body(out.varint(part.msgSerial()), part.fragment());
        ValueCodec.operation(out, part.operation());
        out.bool(part.any()).varint(part.maxBytes());
    }

    private static List<Part> parts(BinaryReader in) {
        int count = in.count();
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            parts.add(new Part(in.varint(), ValueCodec.body(in), changeBy(in), in.bool(), in.count()));
        }
        return List.copyOf(parts);
    }

    private static void event(BinaryWriter out, PresenceOp event) {
        ValueCodec.presenceAction(out, event.action());
        out.string(event.id()).string(event.clientId());
        ValueCodec.body(out, event.body());
    }

    private static List<PresenceOp> events(BinaryReader in) {
        int count = in.count();
        List<PresenceOp> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(new PresenceOp(ValueCodec.presenceAction(in), in.string(), in.string(), ValueCodec.body(in)));
        }
        return List.copyOf(events);
    }

    private static void annotation(BinaryWriter out, AnnotationOp op) {
        ValueCodec.annotationAction(out, op.action());
        out.fixed64(op.serial()).string(op.type()).varint(op.count());
        out.optional(op.id()).optional(op.clientId()).optional(op.connectionId());
        ValueCodec.body(out, op.body());
    }

    private static List<AnnotationOp> annotations(BinaryReader in) {
        int count = in.count();
        List<AnnotationOp> annotations = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            annotations.add(new AnnotationOp(
                    ValueCodec.annotationAction(in),
                    in.fixed64(),
                    in.string(),
                    in.varint(),
                    in.optional(),
                    in.optional(),
                    in.optional(),
                    ValueCodec.body(in)));
        }
        return List.copyOf(annotations);
    }

    private static void object(BinaryWriter out, ObjectOp op) {
        out.optional(op.id()).bool(op.unique());
        out.optional(op.clientId()).optional(op.connectionId()).optional(op.extras());
        ObjectCodec.operation(out, op.operation());
    }

    private static List<ObjectOp> objects(BinaryReader in) {
        int count = in.count();
        List<ObjectOp> operations = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            operations.add(new ObjectOp(
                    in.optional(), in.bool(), in.optional(), in.optional(), in.optional(), ObjectCodec.operation(in)));
        }
        return List.copyOf(operations);
    }
}
