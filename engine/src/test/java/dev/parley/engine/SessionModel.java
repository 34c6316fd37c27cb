package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.ObjectRefusal;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Profile;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
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
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.Summaries.Tally;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.object.ObjectModel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is said of sessions, as simply as can be: a log of all that ever happened, and every version of a message as a whole.
 *
 * <p>Shares no code with the state machine. A command is tried on a copy, which is kept if nothing is refused.
 */
final class SessionModel {
    /** Nothing is collected: there is room enough, and time does not go on for so long. */
    static final ObjectLimits OBJECT_LIMITS = new ObjectLimits(100, 6, 1000, 1 << 20, Long.MAX_VALUE / 2);

    /**
     * One version of a message.
     *
     * @param shown the entry for those who had the version before
     * @param whole the message as it is then
     */
    record Version(MessageEntry shown, MessageEntry whole, boolean joined) {}

    record Member(String connectionId, String clientId) {}

    /** Whose request, and which; whenever it is made. */
    record Request(String connectionId, long msgSerial) {}

    /** What is known of a connection that has left something; without times it is there. */
    record Attendance(
            long epoch,
            @Nullable Long leaveAt,
            @Nullable Long forgetAt,
            @Nullable Long awayAt,
            @Nullable Long endAt,
            boolean told) {
        boolean isOver() {
            return leaveAt == null && forgetAt == null && awayAt == null && endAt == null;
        }
    }

    /** A call of a tool of which was heard, and the newest request about it. */
    record Call(long serial, String tool, @Nullable String requestId) {}

    /** A message that is being streamed. */
    record Open(String runId, String closed) {}

    static final class Room {
        final long id;
        long last;
        long horizon;
        /** Everything, by position; of a growing message its fragments. */
        final TreeMap<Long, SessionEntry> log = new TreeMap<>();
        /** Those of it that are only for who is there. */
        final Set<Long> ephemeral = new HashSet<>();

        /** What was said about messages that are there, by serial, oldest first. */
        final TreeMap<Long, List<AnnotationEntry>> annotations = new TreeMap<>();

        /** Messages that are there, by serial, with all versions. */
        final TreeMap<Long, List<Version>> messages = new TreeMap<>();

        final Map<Member, PresenceEntry> members = new HashMap<>();
        final TreeMap<Long, PresenceEntry> presence = new TreeMap<>();
        final Map<String, Long> ids = new HashMap<>();
        final Map<Request, List<Long>> outcomes = new HashMap<>();
        final Map<String, Attendance> attendances = new HashMap<>();
        ObjectModel objects = new ObjectModel(OBJECT_LIMITS);

        /** Runs that have not ended, by id. */
        final TreeMap<String, Run> runs = new TreeMap<>();

        /** What is to be said of them. */
        final Map<String, RunTexts> texts = new HashMap<>();

        /** When the agents that work at them were heard. */
        final TreeMap<String, SilenceModel.Heard> silences = new TreeMap<>();

        /** Messages of them that are being streamed, by serial. */
        final TreeMap<Long, Open> open = new TreeMap<>();

        /** What has been said to have runs end that have not ended, by serial. */
        final TreeMap<Long, RunNote.Cancel> cancels = new TreeMap<>();

        /** What people are asked and were asked, by id. */
        final TreeMap<String, SessionRequest> requests = new TreeMap<>();

        /** Calls of tools, by run and call. */
        final Map<List<String>, Call> calls = new HashMap<>();

        Control control = Control.DEFAULT;

        /** What was said about each change of the control, by position. */
        final TreeMap<Long, Body> changes = new TreeMap<>();

        /** What is said about the control; null if it is the default one. */
        @Nullable
        ControlTexts controlTexts;

        /** What was said about the session; null if it was never made explicitly. */
        @Nullable
        Profile profile;

        /** What it goes on from, or null. */
        @Nullable
        Origin origin;

        /** Whether it has what was said there. */
        boolean filled;

        /** Who has ever said something that stayed, or was present. */
        final Set<String> participants = new HashSet<>();

        /** What its agents have to do. */
        WakeModel wakes = new WakeModel();

        /** What its application is to be told. */
        NotifyModel notify = new NotifyModel();

        /** Whether anybody has had to do with its objects: what became of them then stays. */
        boolean hasObjects;

        Room(long id) {
            this.id = id;
        }

        boolean isEmpty() {
            return !hasObjects
                    && messages.isEmpty()
                    && members.isEmpty()
                    && presence.isEmpty()
                    && outcomes.isEmpty()
                    && attendances.isEmpty()
                    && runs.isEmpty()
                    && cancels.isEmpty()
                    && requests.isEmpty()
                    && calls.isEmpty()
                    && profile == null
                    && control.equals(Control.DEFAULT)
                    && changes.isEmpty()
                    && wakes.isEmpty()
                    && notify.pending.isEmpty();
        }

        Room copy() {
            Room copy = new Room(id);
            copy.last = last;
            copy.horizon = horizon;
            copy.log.putAll(log);
            copy.ephemeral.addAll(ephemeral);
            messages.forEach((serial, versions) -> copy.messages.put(serial, new ArrayList<>(versions)));
            annotations.forEach((serial, all) -> copy.annotations.put(serial, new ArrayList<>(all)));
            copy.members.putAll(members);
            copy.presence.putAll(presence);
            copy.ids.putAll(ids);
            copy.outcomes.putAll(outcomes);
            copy.attendances.putAll(attendances);
            copy.objects = objects.copy();
            copy.hasObjects = hasObjects;
            copy.control = control;
            copy.changes.putAll(changes);
            copy.controlTexts = controlTexts;
            copy.profile = profile;
            copy.origin = origin;
            copy.filled = filled;
            copy.participants.addAll(participants);
            copy.wakes = wakes.copy();
            copy.notify = notify.copy();
            copy.runs.putAll(runs);
            copy.texts.putAll(texts);
            copy.silences.putAll(silences);
            copy.open.putAll(open);
            copy.cancels.putAll(cancels);
            copy.requests.putAll(requests);
            copy.calls.putAll(calls);
            return copy;
        }

        /** The message as a whole as it was at {@code position}, or null if it was not there. */
        @Nullable
        MessageEntry messageAt(long serial, long position) {
            MessageEntry found = null;
            for (Version version : messages.getOrDefault(serial, List.of())) {
                if (version.whole.position() <= position) {
                    found = version.whole;
                }
            }
            return found;
        }

        /** Counted anew from all that was ever said, as the simulation has the types "n:distinct.v1" and "n:multiple.v1". */
        Summaries summaries(long serial) {
            TreeMap<String, Map<String, TreeMap<String, Long>>> counts = new TreeMap<>();
            for (AnnotationEntry entry : annotations.getOrDefault(serial, List.of())) {
                if (!entry.type().contains(":")) {
                    continue;
                }
                Map<String, TreeMap<String, Long>> names =
                        counts.computeIfAbsent(entry.type(), type -> new HashMap<>());
                TreeMap<String, Long> clients =
                        names.computeIfAbsent(String.valueOf(entry.body().name()), name -> new TreeMap<>());
                String client = String.valueOf(entry.clientId());
                if (entry.action() == AnnotationEntry.Action.DELETE) {
                    clients.remove(client);
                } else if (entry.type().endsWith("multiple.v1")) {
                    clients.merge(client, entry.count(), Long::sum);
                } else {
                    clients.put(client, 1L);
                }
            }
            Map<String, Map<String, Tally>> types = new HashMap<>();
            counts.forEach((type, names) -> names.forEach((name, clients) -> {
                if (!clients.isEmpty()) {
                    long total =
                            clients.values().stream().mapToLong(Long::longValue).sum();
                    types.computeIfAbsent(type, t -> new HashMap<>())
                            .put(name, new Tally(total, 0, clients.size(), clients));
                }
            }));
            return new Summaries(types);
        }

        /** Whether the connection may be told of as lost or back with {@code epoch}, {@code again} if it was before. */
        private boolean hearsOf(String connectionId, long epoch, boolean again) {
            Attendance known = attendances.get(connectionId);
            if (known != null) {
                return known.epoch < epoch || (again && known.epoch == epoch);
            }
            return members.keySet().stream().anyMatch(member -> member.connectionId.equals(connectionId))
                    || outcomes.keySet().stream().anyMatch(request -> request.connectionId.equals(connectionId));
        }

        /** Whether a person has the control, so that agents are not woken. */
        boolean rests() {
            return control.mode() == Control.Mode.PERSON;
        }

        /** The agents that are woken only while somebody watches, if nobody does. */
        Set<String> unwatched() {
            Set<String> agents = wakes.ids(agent -> true);
            return members.keySet().stream().allMatch(member -> agents.contains(member.clientId))
                    ? wakes.ids(Agent::onlyWhenWatched)
                    : Set.of();
        }

        /** What became of a request before, or null. */
        @Nullable
        List<Long> outcome(@Nullable Sender sender) {
            return sender == null ? null : outcomes.get(new Request(sender.connectionId(), sender.msgSerial()));
        }

        boolean hasMembers(String connectionId) {
            return members.keySet().stream().anyMatch(member -> member.connectionId.equals(connectionId));
        }

        List<Run> runsOf(String connectionId) {
            return runs.values().stream()
                    .filter(run -> connectionId.equals(run.connectionId()) && !run.suspended())
                    .toList();
        }

        private void add(SessionEntry entry) {
            log.put(entry.position(), entry);
            last = entry.position();
        }

        private long next(long time) {
            return Math.max(last + 1, time << 20);
        }
    }

    private final Map<SessionName, Room> rooms = new HashMap<>();

    /** What remains of the last session of each name that was erased. */
    final Map<SessionName, Tombstone> tombstones = new HashMap<>();

    /** Sessions that were erased and may still be in files, by id. */
    final TreeMap<Long, SessionName> unpurged = new TreeMap<>();

    Map<SessionName, Room> rooms() {
        return rooms;
    }

    @Nullable
    Room room(SessionName name) {
        return rooms.get(name);
    }

    /** What a session that the present command makes knows of the agents of its namespace. */
    private Inherited told = Inherited.NONE;

    /** A session begins behind all places of the one that was erased before it. */
    private Room newRoom(long position, SessionCommand<?> c) {
        SessionName name = c.session();
        Room room = new Room(position);
        room.wakes.inherit(told, voice(c, room));
        Tombstone before = tombstones.get(name);
        if (before != null) {
            room.last = before.end();
            room.horizon = before.end();
        }
        return room;
    }

    Object apply(long position, SessionCommand<?> command) {
        Room before = rooms.get(command.session());
        long last = before == null ? 0 : before.last;
        Object outcome = watched(position, command);
        Room now = rooms.get(command.session());
        if (now != null) {
            SessionCommand<?> said = command instanceof Speak speak ? speak.said() : command;
            now.notify.heed(command.session(), now, said, outcome, last, position, told.revision() > 0);
        }
        return outcome;
    }

    private Object watched(long position, SessionCommand<?> command) {
        Room known = rooms.get(command.session());
        Set<String> unwatched = known == null ? Set.of() : known.unwatched();
        Object outcome = applied(position, command, known);
        Room now = rooms.get(command.session());
        boolean isWhole = !(command instanceof WithAgents<?>);
        if (isWhole && known != null && now != null && known.id == now.id && !now.rests()) {
            Set<String> still = now.unwatched();
            now.wakes.goOn(command.time(), agent -> unwatched.contains(agent) && !still.contains(agent));
        }
        return outcome;
    }

    private Object applied(long position, SessionCommand<?> command, @Nullable Room known) {
        Room room = known == null ? newRoom(position, command) : known.copy();
        return switch (command) {
            case Publish c -> {
                boolean again = room.outcome(c.sender()) != null;
                if (!again && c.messages().stream().anyMatch(op -> isAgents(op, room))) {
                    yield new SessionOutcome.TakenOver(room.control.holder());
                }
                Object late = again ? null : RequestModel.lateAnswer(c, room);
                if (late != null) {
                    yield late;
                }
                long last = room.last;
                Object outcome = publish(c, room);
                if (!again && outcome instanceof SessionOutcome.Accepted accepted) {
                    takeByWriting(c, room, last, accepted.positions());
                    wakeBySaying(c, room, last, accepted.positions());
                }
                yield outcome;
            }
            case ChangeControl c -> {
                boolean rested = room.rests();
                Object outcome = control(c, room);
                if (rested && !room.rests()) {
                    room.wakes.goOn(c.time(), agent -> true);
                }
                yield outcome;
            }
            case NameAgents c -> {
                Object outcome = room.wakes.name(c, voice(c, room));
                if (known != null || (!c.agents().isEmpty() && outcome instanceof SessionOutcome.Done)) {
                    rooms.put(c.session(), room);
                }
                yield outcome;
            }
            case InvokeAgent c ->
                known == null
                        ? new SessionOutcome.NoSuchAgent(c.agentId())
                        : keptIf(true, c, room, room.wakes.invoke(c, position, room.last));
            case ClaimWake c -> keptIf(known != null, c, room, room.wakes.claim(c, room.rests(), room.unwatched()));
            case SettleWake c -> keptIf(known != null, c, room, room.wakes.settle(c, voice(c, room)));
            case WithAgents<?> c -> {
                if (known != null) {
                    Set<String> unwatched = room.unwatched();
                    NotifyRule rule = room.wakes.rule();
                    room.wakes.inherit(c.inherited(), voice(c, room));
                    if (!Objects.equals(rule, room.wakes.rule())) {
                        room.notify.ruled(room.wakes.rule());
                    }
                    if (!room.rests()) {
                        Set<String> still = room.unwatched();
                        room.wakes.goOn(c.time(), agent -> unwatched.contains(agent) && !still.contains(agent));
                    }
                    rooms.put(c.session(), room);
                }
                told = c.inherited();
                Object outcome = apply(position, c.command());
                told = Inherited.NONE;
                yield outcome;
            }
            case SettleNotification c -> {
                room.notify.settle(room, c);
                yield keptIf(known != null, c, room, new SessionOutcome.Done());
            }
            case Seen c -> {
                room.notify.seen(c.clientId());
                yield keptIf(known != null, c, room, new SessionOutcome.Done());
            }
            case Speak c -> {
                if (known == null || !room.wakes.maySpeak(c)) {
                    yield new SessionOutcome.NotHeld(c.wakeId());
                }
                Object outcome = applied(position, c.said(), known);
                if (outcome instanceof SessionOutcome.Accepted) {
                    Objects.requireNonNull(rooms.get(c.session())).wakes.spoken(c);
                }
                yield outcome;
            }
            case ExpireWake c -> {
                room.wakes.expire(c, room.rests(), room.unwatched(), voice(c, room));
                yield keptIf(known != null, c, room, new SessionOutcome.Done());
            }
            case Ask c -> kept(c, room, RequestModel.ask(c, room));
            case Decide c -> {
                long last = room.last;
                boolean wasOpen = isOpen(c.requestId(), room);
                Object outcome = kept(c, room, RequestModel.decide(c, room));
                if (wasOpen && !isOpen(c.requestId(), room)) {
                    Publish said = new Publish(c.session(), c.time(), null, c.answer(), c.runs());
                    wakeWhoAsked(c.requestId(), said, room, last, position);
                }
                yield outcome;
            }
            case ExpireRequest c -> {
                if (known != null) {
                    long last = room.last;
                    boolean wasOpen = isOpen(c.requestId(), room);
                    SessionRequest asked = room.requests.get(c.requestId());
                    SessionRequest.DueAnswer answer =
                            asked == null ? null : asked.terms().dueAnswer();
                    kept(c, room, RequestModel.expire(c, room));
                    Publish said = answer == null
                            ? new Publish(c.session(), c.time(), null, List.of())
                            : new Publish(
                                    c.session(),
                                    c.time(),
                                    null,
                                    List.of(saying("due", answer.body())),
                                    List.of(answer.said()));
                    if (wasOpen && !isOpen(c.requestId(), room)) {
                        wakeWhoAsked(c.requestId(), said, room, last, position);
                    }
                }
                yield new SessionOutcome.Done();
            }
            case ExpireControl c -> {
                Control held = room.control;
                ControlTexts texts = room.controlTexts;
                if (held.until() > 0 && held.until() <= c.time() && texts != null) {
                    RunTexts.Notice notice = texts.expired();
                    String data = notice.start() + notice.middle() + c.time() + notice.rest();
                    Body body = new Body(notice.name(), Data.of(data), notice.encoding(), null);
                    long at = become(c, room, body);
                    boolean kept = held.onWrite();
                    boolean rested = room.rests();
                    room.control = kept ? new Control(Control.Mode.AGENT, null, at, 0, true) : Control.DEFAULT;
                    if (rested) {
                        room.wakes.goOn(c.time(), agent -> true);
                    }
                    room.controlTexts = kept ? texts : null;
                }
                yield new SessionOutcome.Done();
            }
            case ChangePresence c -> {
                List<Long> first = room.outcome(c.sender());
                if (first != null) {
                    yield new SessionOutcome.Accepted(first);
                }
                int before = room.members.size();
                List<Long> positions = new ArrayList<>();
                for (PresenceOp op : c.events()) {
                    positions.add(presence(room, c, op));
                }
                if (room.members.size() > Math.max(before, c.maxMembers())) {
                    yield new SessionOutcome.TooManyMembers(c.maxMembers());
                }
                yield accept(c, room, c.sender(), positions);
            }
            case Leave c -> {
                Attendance attendance = room.attendances.get(c.connectionId());
                boolean late = attendance != null && c.epoch() != 0 && c.epoch() < attendance.epoch;
                if (known != null && !late) {
                    leave(room, c.time(), c.connectionId());
                    if (c.forget()) {
                        over(room, c);
                    }
                    rooms.put(c.session(), room);
                }
                yield new SessionOutcome.Done();
            }
            case Lost c -> {
                boolean works =
                        c.runs() != null && !room.runsOf(c.connectionId()).isEmpty();
                Attendance before = room.attendances.get(c.connectionId());
                if (known != null && (room.hearsOf(c.connectionId(), c.epoch(), true) || (before == null && works))) {
                    room.attendances.put(
                            c.connectionId(),
                            attendance(
                                    room,
                                    c.connectionId(),
                                    c.epoch(),
                                    c.leaveAt(),
                                    Math.max(c.leaveAt(), c.forgetAt()),
                                    c.runs(),
                                    room.hasMembers(c.connectionId())));
                    rooms.put(c.session(), room);
                }
                yield new SessionOutcome.Done();
            }
            case Back c -> {
                if (known != null && room.hearsOf(c.connectionId(), c.epoch(), false)) {
                    here(c.session(), room, c.connectionId(), c.epoch(), c.time());
                }
                yield new SessionOutcome.Done();
            }
            case Depart c -> {
                Attendance lost = room.attendances.get(c.connectionId());
                if (lost != null && lost.epoch == c.epoch()) {
                    depart(c, room, lost);
                }
                yield new SessionOutcome.Done();
            }
            case StallRun c -> {
                if (known != null) {
                    SilenceModel.stall(c, room);
                    rooms.put(c.session(), room);
                }
                yield new SessionOutcome.Done();
            }
            case Trim c -> {
                if (known != null) {
                    forget(c.session(), room, Math.min(c.upTo(), room.last));
                    trim(c.session(), room, c.upTo());
                }
                yield new SessionOutcome.Done();
            }
            case Retain c -> {
                if (known != null) {
                    long tooOld = (c.since() << 20) - 1;
                    boolean all = c.maxBytes() == 0 && !room.messages.isEmpty();
                    forget(c.session(), room, (Math.min(c.since(), c.auditSince()) << 20) - 1);
                    trim(c.session(), room, all ? Math.max(tooOld, room.messages.lastKey()) : tooOld);
                }
                yield new SessionOutcome.Done();
            }
            case Rollup c -> known == null ? new SessionOutcome.NoSuchMessage(c.serial()) : rollup(c, room);
            case Annotate c -> {
                List<Long> first = room.outcome(c.sender());
                if (first != null) {
                    yield new SessionOutcome.Accepted(first);
                }
                yield annotate(c, room);
            }
            case ChangeObjects c -> {
                List<Long> first = room.outcome(c.sender());
                if (first != null) {
                    yield new SessionOutcome.Accepted(first);
                }
                ObjectRefusal refusal = room.objects.change(
                        c.operations().stream().map(ObjectOp::operation).toList());
                if (refusal != null) {
                    yield new SessionOutcome.ObjectRefused(refusal);
                }
                room.hasObjects = true;
                List<Long> positions = new ArrayList<>();
                for (ObjectOp op : c.operations()) {
                    long at = room.next(c.time());
                    room.add(new ObjectEntry(
                            at, op.id(), op.clientId(), op.connectionId(), op.extras(), op.operation()));
                    positions.add(at);
                }
                yield accept(c, room, c.sender(), positions);
            }
            case EndRun c -> {
                Run run = room.runs.get(c.runId());
                if (run == null || run.suspended() || !c.connectionId().equals(run.connectionId())) {
                    yield new SessionOutcome.NotAbandoned(c.runId());
                }
                List<MessageOp> open = new ArrayList<>();
                for (MessageOp op : c.messages()) {
                    List<Version> versions = op instanceof Change m ? room.messages.get(m.serial()) : List.of();
                    boolean closed = op instanceof Change
                            && (versions == null || versions.getLast().whole.action() == Action.DELETE);
                    if (!closed) {
                        open.add(op);
                    }
                }
                yield publish(
                        new Publish(c.session(), c.time(), null, open, List.of(new RunNote.Ended(c.runId()))), room);
            }
            case Erase c -> {
                Tombstone before = tombstones.get(c.session());
                if (before != null
                        && (known == null || (c.txid() != null && c.txid().equals(before.txid())))) {
                    yield new SessionOutcome.Erased(before);
                }
                if (known == null) {
                    yield new SessionOutcome.NoSuchSession();
                }
                Tombstone now = new Tombstone(c.session(), known.id, c.time(), c.by(), c.txid(), known.last + 1, 0);
                rooms.remove(c.session());
                tombstones.put(c.session(), now);
                unpurged.put(known.id, c.session());
                yield new SessionOutcome.Erased(now);
            }
            case Fork c -> fork(c, room, known);
            case NotePurge c -> {
                if (c.done() && unpurged.remove(c.id()) != null) {
                    tombstones.computeIfPresent(
                            c.session(), (name, of) -> of.id() == c.id() ? of.withPurged(c.time()) : of);
                }
                yield new SessionOutcome.Done();
            }
            case Describe c -> {
                if (known == null && !c.makes()) {
                    yield new SessionOutcome.NoSuchSession();
                }
                yield describe(c, room, known == null);
            }
            case Compact c -> new SessionOutcome.Done();
            case RemoveEmpty c -> {
                if (room.isEmpty()) {
                    rooms.remove(c.session());
                }
                yield new SessionOutcome.Done();
            }
            case Remove c -> {
                rooms.remove(c.session());
                yield new SessionOutcome.Done();
            }
        };
    }

    private Object keptIf(boolean wasThere, SessionCommand<?> c, Room room, Object outcome) {
        if (wasThere) {
            rooms.put(c.session(), room);
        }
        return outcome;
    }

    private WakeModel.Voice voice(SessionCommand<?> c, Room room) {
        return new WakeModel.Voice() {
            @Override
            public void say(String id, Body body) {
                long time = c.time();
                create(room, time, saying(room.id + ":" + (id.equals("loop") ? "loop:" + time : id), body));
            }

            @Override
            public void end(String runId) {
                Run run = room.runs.get(runId);
                if (run != null && !run.suspended()) {
                    RunTexts texts = room.texts.get(runId);
                    String id = room.id + ":lost:" + runId;
                    Create last = texts == null ? null : saying(id, texts.end());
                    SessionModel.this.end(c, room, run, "The agent was lost.", "lost", last);
                }
            }
        };
    }

    private static boolean isOpen(String requestId, Room room) {
        SessionRequest request = room.requests.get(requestId);
        return request != null && request.status() == SessionRequest.Status.OPEN;
    }

    /** Whoever waits for the answer to a request is woken by what has closed it. */
    private void wakeWhoAsked(String requestId, Publish answer, Room room, long last, long position) {
        SessionRequest request = Objects.requireNonNull(room.requests.get(requestId));
        SilenceModel.begin(room, request.terms().runId(), answer.time());
        if (answer.runs().stream().anyMatch(note -> note instanceof RunNote.Said)) {
            wakeBySaying(
                    answer, room, last, Collections.nCopies(answer.messages().size(), room.last));
            return;
        }
        Run run = room.runs.get(String.valueOf(request.terms().runId()));
        room.wakes.answered(request, worker(room, run), room.last, answer.time(), position);
    }

    /** The client that has begun a run, or null. */
    private static @Nullable String worker(Room room, @Nullable Run run) {
        List<Version> start = run == null ? null : room.messages.get(run.since());
        return start == null ? null : start.getFirst().whole.clientId();
    }

    private void wakeBySaying(Publish c, Room room, long last, List<Long> positions) {
        for (RunNote note : c.runs()) {
            if (note instanceof RunNote.Said said
                    && c.messages().get(said.message()) instanceof Create m
                    && positions.get(said.message()) > last) {
                Run run = said.runId() == null ? null : room.runs.get(said.runId());
                room.wakes.hear(
                        said,
                        m.clientId(),
                        run,
                        worker(room, run),
                        positions.get(said.message()),
                        c.time(),
                        voice(c, room));
            }
        }
    }

    /** Whether a person has the control, and this is something that only agents say. */
    private static boolean isAgents(MessageOp op, Room room) {
        if (room.control.mode() != Control.Mode.PERSON) {
            return false;
        }
        List<String> names = Objects.requireNonNull(room.controlTexts).agentMessages();
        return switch (op) {
            case Create m ->
                names.contains(String.valueOf(m.body().name())) && !(m.unique() && room.ids.containsKey(m.id()));
            case Change m -> {
                List<Version> versions = room.messages.get(m.serial());
                boolean isNothing = m.body().data() == null
                        || (m.action() == Action.APPEND && size(m.body().data()) == 0);
                yield versions != null
                        && !isNothing
                        && names.contains(
                                String.valueOf(versions.getLast().whole.body().name()));
            }
        };
    }

    /** Keeps the room unless something was refused. */
    private Object kept(SessionCommand<?> c, Room room, Object outcome) {
        if (outcome instanceof SessionOutcome.Accepted || outcome instanceof SessionOutcome.Done) {
            rooms.put(c.session(), room);
        }
        return outcome;
    }

    private void takeByWriting(Publish c, Room room, long last, List<Long> positions) {
        for (RunNote note : c.runs()) {
            boolean mayTake = room.control.mode() == Control.Mode.AGENT && room.control.onWrite();
            if (mayTake
                    && note instanceof RunNote.Spoken spoken
                    && c.messages().get(spoken.message()) instanceof Create m
                    && m.clientId() != null
                    && positions.get(spoken.message()) > last) {
                RunTexts.Notice notice =
                        Objects.requireNonNull(room.controlTexts).written();
                String data = notice.start() + spoken.clientId() + notice.middle() + c.time() + notice.rest();
                long at = become(c, room, new Body(notice.name(), Data.of(data), notice.encoding(), null));
                room.control = new Control(Control.Mode.PERSON, m.clientId(), at, 0, true);
                takeOver(c, room);
            }
        }
    }

    private Object fork(Fork c, Room room, @Nullable Room known) {
        boolean isSame = known != null && c.origin().equals(known.origin);
        if (!c.fills()) {
            if (isSame) {
                return new SessionOutcome.Forked();
            }
            boolean isEmpty = known != null && known.origin != null && !known.filled && known.last == 0;
            if (!isEmpty && (known != null || tombstones.containsKey(c.session()))) {
                return new SessionOutcome.NotNew();
            }
            room.origin = c.origin();
            room.profile = known == null ? new Profile(c.time(), c.by(), new TreeMap<>()) : known.profile;
            rooms.put(c.session(), room);
            return new SessionOutcome.Forked();
        }
        if (!isSame) {
            return new SessionOutcome.NoSuchSession();
        }
        if (!room.filled && room.last != 0) {
            return new SessionOutcome.NotNew();
        }
        if (!room.filled) {
            room.filled = true;
            for (int i = 0; i < c.messages().size(); i++) {
                boolean isInherited = i < c.serials().size();
                create(
                        room,
                        isInherited ? c.serials().get(i) >> 20 : c.time(),
                        c.messages().get(i));
            }
            rooms.put(c.session(), room);
        }
        return new SessionOutcome.Forked();
    }

    private Object describe(Describe c, Room room, boolean made) {
        TreeMap<String, String> labels = new TreeMap<>();
        Profile before = room.profile;
        if (!c.replace() && before != null) {
            labels.putAll(before.labels());
        }
        for (LabelChange change : c.labels()) {
            labels.remove(change.key());
            if (change.value() != null) {
                labels.put(change.key(), change.value());
            }
        }
        if (labels.size() > c.maxLabels()) {
            return new SessionOutcome.TooManyLabels(c.maxLabels());
        }
        room.profile =
                new Profile(before == null ? c.time() : before.made(), before == null ? c.by() : before.by(), labels);
        rooms.put(c.session(), room);
        return new SessionOutcome.Described(made);
    }

    private Object control(ChangeControl c, Room room) {
        Control known = room.control;
        boolean isOthers = known.mode() == Control.Mode.PERSON && !Objects.equals(known.holder(), c.by());
        if (isOthers && !c.any()) {
            return new SessionOutcome.Held(known.holder());
        }
        boolean agents = c.mode() == Control.Mode.AGENT;
        String holder = agents ? null : c.by();
        long until = agents ? 0 : c.until();
        boolean goesOn = c.mode() == known.mode() && Objects.equals(holder, known.holder());
        if (goesOn && until == known.until() && c.onWrite() == known.onWrite()) {
            return new SessionOutcome.Accepted(List.of(known.since()));
        }
        long at = become(c, room, c.notice());
        if (agents && !c.onWrite()) {
            room.control = Control.DEFAULT;
            room.controlTexts = null;
        } else {
            long since = goesOn && known.since() > 0 ? known.since() : at;
            room.control = new Control(c.mode(), holder, since, until, c.onWrite());
            room.controlTexts = c.texts();
        }
        if (c.mode() == Control.Mode.PERSON) {
            takeOver(c, room);
        }
        return new SessionOutcome.Accepted(List.of(at));
    }

    private long become(SessionCommand<?> c, Room room, Body notice) {
        Long at = (Long) create(room, c.time(), saying(room.id + ":control:" + c.time(), notice));
        room.changes.put(at, notice);
        rooms.put(c.session(), room);
        return at;
    }

    /** Runs that their agents do not suspend are over. */
    private void takeOver(SessionCommand<?> c, Room room) {
        for (Run run : List.copyOf(room.runs.values())) {
            RunTexts texts = room.texts.get(run.id());
            if (!run.suspended() && texts != null && texts.takenOver() != null) {
                Create last = saying("taken-over:" + run.id(), texts.takenOver());
                end(c, room, run, "A person has taken over.", "taken-over", last);
            }
        }
    }

    private void depart(Depart c, Room room, Attendance lost) {
        boolean forgets = lost.forgetAt != null && lost.forgetAt <= c.time();
        boolean leaves = forgets || (lost.leaveAt != null && lost.leaveAt <= c.time());
        boolean ends = lost.endAt != null && lost.endAt <= c.time();
        boolean away = lost.awayAt != null && lost.awayAt <= c.time();
        if (!leaves && !ends && !away) {
            return;
        }
        rooms.put(c.session(), room);
        if (leaves) {
            leave(room, c.time(), c.connectionId());
        }
        if (away && !ends) {
            tell(c.session(), room, c.connectionId(), c.time(), RunTexts::away);
        }
        if (ends) {
            room.runsOf(c.connectionId()).forEach(run -> {
                RunTexts texts = room.texts.get(run.id());
                String id = c.connectionId() + ":end:" + run.id();
                end(c, room, run, "The agent was lost.", "lost", texts == null ? null : saying(id, texts.end()));
            });
        }
        if (forgets) {
            forget(room, c.connectionId());
        }
        var now = new Attendance(
                c.epoch(),
                leaves ? null : lost.leaveAt,
                forgets ? null : lost.forgetAt,
                away ? null : lost.awayAt,
                ends ? null : lost.endAt,
                !ends && (away || lost.told));
        if (now.isOver()) {
            room.attendances.remove(c.connectionId());
        } else {
            room.attendances.put(c.connectionId(), now);
        }
    }

    /** What the agent of a run has left streaming is closed, and the run is over. */
    private void end(SessionCommand<?> c, Room room, Run run, String why, String reason, @Nullable Create last) {
        room.open.forEach((serial, open) -> {
            List<Version> versions = room.messages.get(serial);
            if (open.runId.equals(run.id()) && versions != null) {
                MessageEntry whole = versions.getLast().whole;
                if (whole.action() != Action.DELETE) {
                    Data data = whole.body().data();
                    Data nothing =
                            data == null || whole.body().encoding() != null ? null : new Data(new byte[0], data.text());
                    var by = new Operation(whole.clientId(), why, null);
                    var body = new Body(null, nothing, null, open.closed);
                    var close = new Change(Action.APPEND, serial, body, by, true, false, Integer.MAX_VALUE);
                    assertThat(change(room, c.time(), close, null)).isInstanceOf(Long.class);
                }
            }
        });
        if (last != null) {
            create(room, c.time(), last);
        }
        hear(
                new RunNote.Ended(run.id(), reason),
                new Publish(c.session(), c.time(), null, List.of()),
                room.last,
                List.of(),
                room);
    }

    private void tell(
            SessionName name, Room room, String connectionId, long time, Function<RunTexts, RunTexts.Notice> what) {
        for (Run run : room.runsOf(connectionId)) {
            RunTexts texts = room.texts.get(run.id());
            if (texts != null) {
                RunTexts.Notice notice = what.apply(texts);
                String id = connectionId + ":" + notice.name() + ":" + run.id() + ":" + time;
                String data = notice.start() + connectionId + notice.middle() + time + notice.rest();
                create(room, time, saying(id, new Body(notice.name(), Data.of(data), notice.encoding(), null)));
            }
        }
        rooms.put(name, room);
    }

    static Create saying(String id, Body body) {
        return new Create(id, false, null, null, body, false);
    }

    private static Attendance attendance(
            Room room,
            String connectionId,
            long epoch,
            @Nullable Long leaveAt,
            @Nullable Long forgetAt,
            @Nullable RunTimes times,
            boolean withMembers) {
        Attendance before = room.attendances.get(connectionId);
        if (times == null || room.runsOf(connectionId).isEmpty()) {
            return new Attendance(epoch, leaveAt, forgetAt, null, null, false);
        }
        boolean told = before != null && before.told;
        long endAt = withMembers ? Math.min(times.endAt(), times.endWithMembersAt()) : times.endAt();
        return new Attendance(epoch, leaveAt, forgetAt, told ? null : times.awayAt(), endAt, told);
    }

    /** A connection is over; what becomes of its runs is still to come. */
    private static void over(Room room, Leave c) {
        forget(room, c.connectionId());
        Attendance before = room.attendances.get(c.connectionId());
        boolean works = c.runs() != null && !room.runsOf(c.connectionId()).isEmpty();
        Attendance now = before == null
                ? null
                : new Attendance(before.epoch, null, null, before.awayAt, before.endAt, before.told);
        if (works && (before == null || before.epoch <= c.epoch())) {
            now = attendance(room, c.connectionId(), c.epoch(), null, null, c.runs(), false);
        }
        if (now == null || now.isOver()) {
            room.attendances.remove(c.connectionId());
        } else {
            room.attendances.put(c.connectionId(), now);
        }
    }

    private void trim(SessionName name, Room room, long upTo) {
        long horizon = Math.min(upTo, room.last);
        if (horizon > room.horizon) {
            room.horizon = horizon;
            room.messages.headMap(horizon, true).clear();
            room.annotations.headMap(horizon, true).clear();
            room.presence.headMap(horizon, true).clear();
            room.ids.values().removeIf(serial -> !room.messages.containsKey(serial));
            rooms.put(name, room);
        }
    }

    /** What was decided, and who has had the control. */
    private void forget(SessionName name, Room room, long upTo) {
        RequestModel.trim(upTo, room);
        room.changes.headMap(upTo, true).clear();
        rooms.put(name, room);
    }

    private Object publish(Publish c, Room room) {
        List<Long> first = room.outcome(c.sender());
        if (first != null) {
            return new SessionOutcome.Accepted(first);
        }
        String worker = c.sender() == null ? null : c.sender().connectionId();
        long last = room.last;
        boolean stalled = SilenceModel.anyStalled(room);
        List<Long> positions = new ArrayList<>();
        for (MessageOp op : c.messages()) {
            Object outcome = switch (op) {
                case Create m -> create(room, c.time(), m);
                case Change m -> change(room, c.time(), m, worker);
            };
            if (!(outcome instanceof Long at)) {
                return outcome;
            }
            positions.add(at);
        }
        c.runs().forEach(note -> hear(note, c, last, positions, room));
        if (stalled) {
            SilenceModel.appended(room, c.messages(), c.time());
        }
        return accept(c, room, c.sender(), positions);
    }

    private static void hear(RunNote note, Publish c, long last, List<Long> positions, Room room) {
        SessionName name = c.session();
        String worker = c.sender() == null ? null : c.sender().connectionId();
        switch (note) {
            case RunNote.Called n -> RequestModel.called(n, positions, room);
            case RunNote.Asked n -> RequestModel.asked(n, c, last, positions, room);
            case RunNote.Decided n -> {
                RequestModel.decided(n, c, last, positions, room);
                SilenceModel.begin(room, n.runId(), c.time());
            }
            case RunNote.Active n -> {
                Run known = room.runs.get(n.runId());
                if (known == null && n.opens()) {
                    room.runs.put(
                            n.runId(),
                            new Run(name, n.runId(), positions.getFirst(), n.inputId(), worker, false, n.startedBy()));
                    SilenceModel.heard(room, n.runId(), c.time());
                } else if (known != null && (n.opens() || !known.suspended())) {
                    room.runs.put(
                            n.runId(),
                            new Run(name, n.runId(), known.since(), known.inputId(), worker, false, known.startedBy()));
                    SilenceModel.heard(room, n.runId(), c.time());
                }
            }
            case RunNote.Suspended n -> {
                room.runs.computeIfPresent(
                        n.runId(),
                        (id, known) -> new Run(
                                name,
                                id,
                                known.since(),
                                known.inputId(),
                                known.connectionId(),
                                true,
                                known.startedBy()));
                room.silences.remove(n.runId());
            }
            case RunNote.Described n -> {
                if (room.runs.containsKey(n.runId())) {
                    room.texts.putIfAbsent(n.runId(), n.texts());
                }
            }
            case RunNote.Streaming n -> {
                if (room.runs.containsKey(n.runId())) {
                    long serial = n.serial() == 0 ? positions.get(n.message()) : n.serial();
                    room.open.put(serial, new Open(n.runId(), n.closed()));
                }
            }
            case RunNote.Settled n -> {
                SilenceModel.settled(room, n.serial(), c.time());
                if (room.open.remove(n.serial()) != null) {
                    room.notify.complete(n.serial());
                }
            }
            case RunNote.Spoken n -> {}
            case RunNote.Said n -> {}
            case RunNote.Ended n -> {
                Run known = room.runs.remove(n.runId());
                if (known != null) {
                    room.notify.ended(n.runId(), known.startedBy(), n.reason());
                    room.silences.remove(n.runId());
                    room.texts.remove(n.runId());
                    List.copyOf(room.open.entrySet()).stream()
                            .filter(open -> open.getValue().runId.equals(n.runId()))
                            .forEach(open -> {
                                room.open.remove(open.getKey());
                                room.notify.complete(open.getKey());
                            });
                    room.cancels
                            .values()
                            .removeIf(cancel -> n.runId().equals(cancel.runId())
                                    || (known.inputId() != null
                                            && known.inputId().equals(cancel.inputId())));
                }
                RequestModel.runEnded(n.runId(), c.time(), room);
            }
            case RunNote.Cancel n -> {
                if (n.runId() == null || room.runs.containsKey(n.runId())) {
                    room.cancels.put(positions.get(n.message()), n);
                }
            }
        }
    }

    private Object rollup(Rollup c, Room room) {
        List<Long> positions = new ArrayList<>();
        List<Part> fresh = new ArrayList<>();
        for (Part part : c.parts()) {
            List<Long> first = room.outcomes.get(new Request(c.connectionId(), part.msgSerial()));
            if (first == null) {
                fresh.add(part);
            }
            positions.add(first == null ? null : first.isEmpty() ? Long.valueOf(0) : first.getFirst());
        }
        if (!fresh.isEmpty()) {
            Body joined = fresh.getFirst().fragment();
            for (Part part : fresh.subList(1, fresh.size())) {
                if (!joins(joined, part.fragment())) {
                    return new SessionOutcome.TypeDiffers(c.serial());
                }
                joined = mixed(joined, part.fragment(), true);
            }
            Part last = fresh.getLast();
            Change append =
                    new Change(Action.APPEND, c.serial(), joined, last.operation(), last.any(), false, last.maxBytes());
            if (isAgents(append, room)) {
                return new SessionOutcome.TakenOver(room.control.holder());
            }
            boolean stalled = SilenceModel.anyStalled(room);
            Object outcome = change(room, c.time(), append, c.connectionId());
            if (!(outcome instanceof Long at)) {
                return outcome;
            }
            if (stalled) {
                SilenceModel.appended(room, List.of(append), c.time());
            }
            positions.replaceAll(position -> position == null ? at : position);
            rooms.put(c.session(), room);
            fresh.forEach(
                    part -> keep(c, room, new Sender(c.connectionId(), c.epoch(), part.msgSerial()), List.of(at)));
        }
        return new SessionOutcome.Accepted(positions);
    }

    private Object annotate(Annotate c, Room room) {
        List<Long> positions = new ArrayList<>();
        Set<Long> summed = new LinkedHashSet<>();
        for (AnnotationOp op : c.annotations()) {
            if (!room.messages.containsKey(op.serial())) {
                return new SessionOutcome.NoSuchMessage(op.serial());
            }
        }
        for (AnnotationOp op : c.annotations()) {
            long at = room.next(c.time());
            AnnotationEntry entry = new AnnotationEntry(
                    at,
                    op.action(),
                    op.serial(),
                    op.type(),
                    op.count(),
                    op.id(),
                    op.clientId(),
                    op.connectionId(),
                    op.body());
            room.annotations
                    .computeIfAbsent(op.serial(), serial -> new ArrayList<>())
                    .add(entry);
            room.add(entry);
            positions.add(at);
            if (op.type().contains(":")) {
                summed.add(op.serial());
            }
        }
        for (long serial : summed) {
            MessageEntry about =
                    Objects.requireNonNull(room.messages.get(serial)).getLast().whole;
            room.add(new SummaryEntry(
                    room.next(c.time()),
                    serial,
                    about.id(),
                    about.clientId(),
                    about.body().name(),
                    room.summaries(serial)));
        }
        return accept(c, room, c.sender(), positions);
    }

    private Object accept(SessionCommand<?> c, Room room, @Nullable Sender sender, List<Long> positions) {
        rooms.put(c.session(), room);
        if (sender != null) {
            keep(c, room, sender, positions);
        }
        return new SessionOutcome.Accepted(positions);
    }

    /** Remembers a request; whoever makes one is there. */
    private void keep(SessionCommand<?> c, Room room, Sender sender, List<Long> positions) {
        room.outcomes.put(new Request(sender.connectionId(), sender.msgSerial()), positions);
        Attendance before = room.attendances.get(sender.connectionId());
        if (sender.epoch() == 0) {
            return;
        }
        if (before == null || before.epoch < sender.epoch()) {
            here(c.session(), room, sender.connectionId(), sender.epoch(), c.time());
        } else if (!before.isOver() && before.forgetAt == null) {
            long last = Stream.of(before.leaveAt, before.awayAt, before.endAt)
                    .filter(Objects::nonNull)
                    .mapToLong(Long::longValue)
                    .max()
                    .orElseThrow();
            room.attendances.put(
                    sender.connectionId(),
                    new Attendance(before.epoch, before.leaveAt, last, before.awayAt, before.endAt, before.told));
        }
    }

    private void here(SessionName name, Room room, String connectionId, long epoch, long time) {
        Attendance before = room.attendances.put(connectionId, new Attendance(epoch, null, null, null, null, false));
        rooms.put(name, room);
        if (before != null && !before.isOver()) {
            room.runsOf(connectionId).forEach(run -> SilenceModel.begin(room, run.id(), time));
        }
        if (before != null && before.told) {
            tell(name, room, connectionId, time, RunTexts::back);
        }
    }

    static Object create(Room room, long time, Create m) {
        if (m.unique() && room.ids.containsKey(m.id())) {
            return room.ids.get(m.id());
        }
        long at = room.next(time);
        MessageEntry entry =
                new MessageEntry(at, Action.CREATE, at, 0, m.id(), m.clientId(), m.connectionId(), m.body(), null);
        room.add(entry);
        if (m.ephemeral()) {
            room.ephemeral.add(at);
        } else {
            room.messages.put(at, new ArrayList<>(List.of(new Version(entry, entry, false))));
            if (m.clientId() != null) {
                room.participants.add(m.clientId());
            }
            if (m.unique() && m.id() != null) {
                room.ids.put(m.id(), at);
            }
        }
        return at;
    }

    private static Object change(Room room, long time, Change m, @Nullable String connectionId) {
        List<Version> versions = room.messages.get(m.serial());
        if (versions == null) {
            return new SessionOutcome.NoSuchMessage(m.serial());
        }
        MessageEntry old = versions.getLast().whole;
        String owner = old.clientId();
        if (!m.any() && (owner == null || !owner.equals(m.operation().clientId()))) {
            return new SessionOutcome.NotOwner(m.serial());
        }
        boolean append = m.action() == Action.APPEND;
        if (old.action() == Action.DELETE) {
            String deleter = old.operation() == null ? null : old.operation().clientId();
            boolean ownDeletion =
                    deleter != null && deleter.equals(m.operation().clientId());
            boolean ownMessage = owner == null
                    ? connectionId != null && connectionId.equals(old.connectionId())
                    : owner.equals(m.operation().clientId());
            if (append || !(ownDeletion || (m.restores() && !ownMessage))) {
                return new SessionOutcome.Deleted(m.serial());
            }
        }
        if (append && !joins(old.body(), m.body())) {
            return new SessionOutcome.TypeDiffers(m.serial());
        }
        Body whole = mixed(old.body(), m.body(), append);
        boolean full = append
                ? size(m.body().data()) > 0 && size(old.body().data()) >= m.maxBytes()
                : whole.size() > m.maxBytes();
        if (full) {
            return new SessionOutcome.TooLarge(m.serial(), whole.size());
        }
        long at = Math.max(room.next(time), ((m.serial() >> 20) + 1) << 20);
        Body shown = append
                ? new Body(
                        whole.name(),
                        m.body().data(),
                        m.body().encoding(),
                        m.body().extras())
                : whole;
        MessageEntry entry = entry(old, at, m.action(), shown, m);
        versions.add(new Version(entry, entry(old, at, append ? Action.UPDATE : m.action(), whole, m), append));
        room.add(entry);
        return at;
    }

    private static MessageEntry entry(MessageEntry old, long at, Action action, Body body, Change m) {
        return new MessageEntry(
                at,
                action,
                old.serial(),
                old.position(),
                old.id(),
                old.clientId(),
                old.connectionId(),
                body,
                m.operation());
    }

    private static int size(@Nullable Data data) {
        return data == null ? 0 : data.bytes().length;
    }

    /** True if what is appended to {@code old} leaves it readable. */
    private static boolean joins(Body old, Body more) {
        if (more.data() == null) {
            return more.encoding() == null;
        }
        return old.encoding() == null
                && (old.data() == null || (old.data().text() == more.data().text() && more.encoding() == null));
    }

    private static Body mixed(Body old, Body more, boolean append) {
        Data data = more.data() == null ? old.data() : more.data();
        if (append && more.data() != null && old.data() != null) {
            data = join(old.data(), more.data());
        }
        return new Body(
                more.name() == null ? old.name() : more.name(),
                data,
                more.data() == null ? old.encoding() : more.encoding(),
                more.extras() == null ? old.extras() : more.extras());
    }

    private static Data join(Data a, Data b) {
        if (a.text()) {
            return Data.of(a.asText() + b.asText());
        }
        String joined =
                new String(a.bytes(), StandardCharsets.ISO_8859_1) + new String(b.bytes(), StandardCharsets.ISO_8859_1);
        return Data.of(joined.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static long presence(Room room, ChangePresence c, PresenceOp op) {
        Member member = new Member(c.connectionId(), op.clientId());
        PresenceEntry known = room.members.get(member);
        if (op.action() == PresenceEntry.Action.LEAVE) {
            if (known == null) {
                return 0;
            }
            room.members.remove(member);
            return happened(room, c.time(), op.action(), op.id(), member, op.body());
        }
        if (known != null && known.id().equals(op.id())) {
            return known.position();
        }
        boolean update = op.action() == PresenceEntry.Action.UPDATE && known != null;
        PresenceEntry.Action action = update ? PresenceEntry.Action.UPDATE : PresenceEntry.Action.ENTER;
        long at = happened(room, c.time(), action, op.id(), member, op.body());
        room.members.put(member, room.presence.get(at));
        room.participants.add(member.clientId());
        return at;
    }

    private static long happened(
            Room room, long time, PresenceEntry.Action action, @Nullable String id, Member member, Body body) {
        long at = room.next(time);
        String its = id == null ? at + ":leave" : id;
        PresenceEntry entry = new PresenceEntry(at, action, its, member.clientId(), member.connectionId(), body);
        room.add(entry);
        room.presence.put(at, entry);
        return at;
    }

    private static void leave(Room room, long time, String connectionId) {
        room.members.keySet().stream()
                .filter(member -> member.connectionId().equals(connectionId))
                .map(Member::clientId)
                .sorted()
                .toList()
                .forEach(clientId -> {
                    Member member = new Member(connectionId, clientId);
                    PresenceEntry known = Objects.requireNonNull(room.members.remove(member));
                    happened(room, time, PresenceEntry.Action.LEAVE, null, member, known.body());
                });
    }

    private static void forget(Room room, String connectionId) {
        room.outcomes.keySet().removeIf(request -> request.connectionId.equals(connectionId));
    }
}
