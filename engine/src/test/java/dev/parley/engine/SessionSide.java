package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.SessionModel.Room;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.life.Boot;
import dev.parley.engine.life.Lives;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Attribute.ForkOf;
import dev.parley.engine.session.Attribute.Labelled;
import dev.parley.engine.session.Attribute.OpenRequest;
import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Attribute.Participant;
import dev.parley.engine.session.Attribute.StalledRun;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.ControlChange;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.PresenceEntry;
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
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.Fork;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.NotePurge;
import dev.parley.engine.session.SessionCommand.NotificationFate;
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
import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.attendance.Attendances;
import dev.parley.engine.session.erasure.Erasures;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.notify.Notifications;
import dev.parley.engine.session.object.ObjectModel;
import dev.parley.engine.session.object.SharedObjects.ObjectPage;
import dev.parley.engine.session.request.Requests;
import dev.parley.engine.session.run.Silence;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of a {@link History}: what clients ask, what readers must see, and what must hold.
 *
 * <p>A reader keeps what its client would: of each message the text that it put together from what it was given. That must
 * be the model's text at every moment.
 */
final class SessionSide {
    private static final List<SessionName> NAMES =
            List.of(new SessionName("app", "a"), new SessionName("app", "a:b"), new SessionName("other", "a"));
    private static final List<String> CONNECTIONS = List.of("c0", "c1", "c2");
    private static final List<String> CLIENTS = List.of("ann", "ben", "cid");
    /** The keys and the values of labels. */
    private static final List<String> LABELS = List.of("k", "kk", "l");

    /** Ids of sessions of which others may be forks. */
    private static final List<Long> ANCESTORS = List.of(7L, 8L, 9L);

    /** The name of messages that only agents write. */
    private static final String AGENTS = "agents";

    private static final int MAX_BYTES = 120;
    private static final int MAX_READERS = 6;

    /** After everything that is ever due. */
    private static final long LATE = 1L << 50;

    private final long node;
    private final SplittableRandom random;
    private final Consumer<String> trace;
    private final Meanwhile meanwhile;
    private final SessionModel model = new SessionModel();
    private final WakeSide wakes;
    private final List<Reader> readers = new ArrayList<>();
    private final Map<String, Long> msgSerials = new HashMap<>();

    /** How often each connection has come back. */
    private final Map<String, Long> arrivals = new HashMap<>();

    /** The life of each node that has one. */
    private final Map<Long, Long> lives = new HashMap<>();

    private long newestLife;

    /** Whose the lives are and were. */
    private final Map<Long, Long> nodes = new HashMap<>();

    /** The node that has booted last, or null if none has. */
    private @Nullable Long bootedLast;

    private boolean nobodyReturns;

    /** Whether some commands are of a program that knew nothing of lives. */
    private final boolean old;

    private int made;

    /** Reads what blocks on the store, beside the appliers. */
    interface Meanwhile {
        <T> T read(Supplier<T> read);
    }

    SessionSide(long node, SplittableRandom random, Consumer<String> trace, Meanwhile meanwhile) {
        this.node = node;
        this.random = random;
        this.trace = trace;
        this.meanwhile = meanwhile;
        this.old = random.nextInt(4) == 0;
        this.wakes = new WakeSide(random);
    }

    /** A node begins a life. */
    Long happen(Boot command) {
        newestLife++;
        lives.put(command.node(), newestLife);
        nodes.put(newestLife, command.node());
        bootedLast = command.node();
        return newestLife;
    }

    SessionModel model() {
        return model;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    // What clients ask.

    SessionCommand<?> command(long now) {
        SessionName name = oneOf(NAMES);
        Room room = model.room(name);
        return switch (random.nextInt(86)) {
            case 0 -> new Remove(name, now);
            case 40, 41 -> new RemoveEmpty(name, now);
            case 1 ->
                random.nextBoolean()
                        ? new Trim(name, now, somewhere(room))
                        // What messages take is not in the model: some of them go by their age, or all by their size.
                        : new Retain(
                                name,
                                now,
                                now - random.nextInt(40),
                                random.nextBoolean() ? 0 : Long.MAX_VALUE,
                                now - random.nextInt(120));
            case 2, 3 -> {
                String connectionId = connection();
                yield new Leave(name, now, connectionId, random.nextBoolean(), epoch(connectionId), runTimes(now));
            }
            case 42, 43 -> {
                String connectionId = connection();
                long epoch = epoch(connectionId);
                yield new Lost(
                        name,
                        now,
                        connectionId,
                        epoch,
                        now + random.nextInt(40),
                        now + random.nextInt(80),
                        runTimes(now));
            }
            case 44, 45 -> {
                String connectionId = connection();
                arrivals.merge(connectionId, 1L, Long::sum);
                yield new Back(name, now, connectionId, epoch(connectionId));
            }
            case 46 -> {
                String connectionId = connection();
                yield new Depart(name, now, connectionId, epoch(connectionId));
            }
            case 4, 5 -> compact(name, room, now);
            case 6, 7, 8, 9, 10 -> {
                String connectionId = connection();
                yield new ChangePresence(
                        name,
                        now,
                        old ? sender(connectionId) : request(connectionId),
                        connectionId,
                        events(connectionId),
                        1 + random.nextInt(4));
            }
            case 11, 12, 13, 14, 15 -> changeObjects(name, now);
            case 16, 17, 18, 19 ->
                room == null || room.messages.isEmpty() ? publish(name, room, now) : rollup(name, room, now);
            case 20, 21, 22, 23 ->
                room == null || room.messages.isEmpty() ? publish(name, room, now) : annotate(name, room, now);
            case 47, 48, 49 -> changeControl(name, now);
            case 50 -> new ExpireControl(name, now);
            case 51, 52, 53 -> describe(name, now);
            case 54, 55, 56, 57, 58, 59, 60, 61 -> wakes.command(name, room, now);
            case 62, 63 -> new Erase(name, now, rarely("by"), random.nextBoolean() ? null : oneOf(LABELS));
            case 64 -> {
                Long erased = model.unpurged.isEmpty() ? null : oneOf(List.copyOf(model.unpurged.keySet()));
                SessionName named = erased == null ? name : Objects.requireNonNull(model.unpurged.get(erased));
                yield new NotePurge(named, now, erased == null ? 7 : erased, random.nextInt(3) > 0);
            }
            case 65, 66, 67 -> new Ask(name, now, requestId(), terms(now), body());
            case 68, 69, 70, 71, 72, 73 -> decide(name, now);
            case 75, 76 -> new StallRun(name, now, run(), now - random.nextInt(30));
            case 74 -> new ExpireRequest(name, now, requestId());
            case 78, 79, 80, 81 -> fork(name, room, now);
            case 82, 83, 84 -> settleNotification(name, room, now);
            case 85 -> new Seen(name, now, oneOf(CLIENTS));
            case 25, 26, 27, 28 -> wakes.speak(publish(name, room, now), room, run());
            case 24 -> new EndRun(name, now, run(), connection(), List.of(message(room, connection())));
            default -> publish(name, room, now);
        };
    }

    /** Messages come in at whole milliseconds, so that the model gives them the same positions. */
    private Fork fork(SessionName name, @Nullable Room room, long now) {
        Origin known = room == null ? null : room.origin;
        Origin origin = known != null && random.nextInt(4) > 0
                ? known
                : new Origin(
                        "source", 1 + random.nextInt(2), List.of(ANCESTORS.get(random.nextInt(2)), ANCESTORS.get(2)));
        if (known == null || random.nextInt(3) == 0) {
            return new Fork(name, now, rarely("by"), origin, false, List.of(), List.of());
        }
        List<Long> serials = new ArrayList<>();
        List<MessageOp.Create> messages = new ArrayList<>();
        for (int i = 0; i < random.nextInt(6); i++) {
            if (random.nextInt(4) > 0 && serials.size() == messages.size()) {
                serials.add((Math.max(1, now - 9) + i) << 20);
            }
            boolean unique = random.nextBoolean();
            messages.add(new MessageOp.Create("inherited" + i, unique, oneOf(CLIENTS), rarely("c"), body(), false));
        }
        return new Fork(name, now, null, origin, true, serials, messages);
    }

    /** Mostly of one that is to be told; now and then late, or of another one. */
    private SettleNotification settleNotification(SessionName name, @Nullable Room room, long now) {
        List<Notification> pending = room == null ? List.of() : List.copyOf(room.notify.pending.values());
        Notification of = pending.isEmpty() ? null : oneOf(pending);
        return new SettleNotification(
                name,
                now,
                of == null || random.nextInt(9) == 0 ? "n1" : of.id(),
                of == null || random.nextInt(5) == 0 ? 7 : of.attempts(),
                oneOf(List.of(NotificationFate.values())),
                now + random.nextInt(60));
    }

    /** Applications are told of everything that they are to be told. */
    List<SettleNotification> tellAll(long now) {
        List<SettleNotification> told = new ArrayList<>();
        model.rooms()
                .forEach((name, room) -> room.notify
                        .pending
                        .values()
                        .forEach(each -> told.add(new SettleNotification(
                                name, now, each.id(), each.attempts(), NotificationFate.DELIVERED, now))));
        return told;
    }

    int notifiedRows() {
        return model.rooms().values().stream()
                .mapToInt(room -> room.notify.told.size() + room.notify.runners.size())
                .sum();
    }

    private String requestId() {
        return "ask" + random.nextInt(4);
    }

    private List<String> grants() {
        return random.nextBoolean() ? List.of() : List.of(oneOf(LABELS));
    }

    private String toolCallId() {
        return "call" + random.nextInt(2);
    }

    private Terms terms(long now) {
        return new Terms(
                oneOf(List.of(Kind.values())),
                "title",
                random.nextBoolean() ? null : oneOf(CLIENTS),
                random.nextBoolean() ? run() : null,
                null,
                random.nextBoolean() ? toolCallId() : null,
                rarely("arguments"),
                random.nextBoolean() ? List.of() : CLIENTS.subList(0, 1 + random.nextInt(2)),
                1 + random.nextInt(2),
                random.nextBoolean() ? 0 : now + random.nextInt(60),
                oneOf(List.of(WhenDue.values())),
                random.nextInt(5) == 0 ? null : new RunTexts.Notice("asked", "(", ",", ")", rarely("enc")),
                random.nextInt(3) == 0
                        ? new SessionRequest.DueAnswer(body(), wakes.said(0, random.nextBoolean() ? run() : null))
                        : null,
                grants());
    }

    private Decision decision(long now) {
        return new Decision(
                "decision" + random.nextInt(20),
                oneOf(List.of(Verdict.values())),
                random.nextInt(4) == 0 ? null : oneOf(CLIENTS),
                "key" + random.nextInt(2),
                now,
                rarely("c"),
                rarely("device"),
                rarely("comment"),
                rarely("edited"));
    }

    private Decide decide(SessionName name, long now) {
        List<MessageOp> answer = random.nextBoolean()
                ? List.of()
                : List.of(new MessageOp.Create(null, false, oneOf(CLIENTS), null, body(), false));
        List<RunNote> notes = answer.isEmpty() || random.nextBoolean()
                ? List.of()
                : List.of(wakes.said(0, random.nextBoolean() ? run() : null));
        return new Decide(name, now, requestId(), decision(now), grants(), body(), answer, notes);
    }

    private ChangeControl changeControl(SessionName name, long now) {
        return new ChangeControl(
                name,
                now,
                oneOf(List.of(Control.Mode.values())),
                random.nextInt(8) == 0 ? null : oneOf(CLIENTS),
                random.nextBoolean(),
                random.nextBoolean() ? 0 : now + random.nextInt(60),
                random.nextInt(3) > 0,
                body(),
                new ControlTexts(
                        List.of(AGENTS),
                        new RunTexts.Notice("written", "(", ",", ")", rarely("enc")),
                        new RunTexts.Notice("expired", "(", ",", ")", null)));
    }

    private Describe describe(SessionName name, long now) {
        List<LabelChange> labels = new ArrayList<>();
        for (int count = random.nextInt(4); count > 0; count--) {
            labels.add(new LabelChange(oneOf(LABELS), random.nextInt(4) == 0 ? null : oneOf(LABELS)));
        }
        return new Describe(
                name, now, rarely("by"), random.nextBoolean(), random.nextInt(3) == 0, labels, 1 + random.nextInt(3));
    }

    private ChangeObjects changeObjects(SessionName name, long now) {
        String connectionId = connection();
        List<ObjectOp> operations = new ArrayList<>();
        for (int count = 1 + random.nextInt(3); count > 0; count--) {
            operations.add(new ObjectOp(
                    rarely("id"), false, oneOf(CLIENTS), connectionId, rarely("{}"), ObjectModel.anyOperation(random)));
        }
        return new ChangeObjects(name, now, sender(connectionId), operations, SessionModel.OBJECT_LIMITS);
    }

    private @Nullable RunTimes runTimes(long now) {
        return random.nextInt(4) == 0
                ? null
                : new RunTimes(now + random.nextInt(20), now + random.nextInt(60), now + random.nextInt(60));
    }

    /** Now and then of an earlier time, as what comes late. */
    private long epoch(String connectionId) {
        long newest = arrivals.getOrDefault(connectionId, 0L) + 1;
        return random.nextInt(6) == 0
                ? Lives.epoch(random.nextLong(newestLife + 1), 1 + random.nextLong(newest))
                : Lives.epoch(newestLife, newest);
    }

    /** What a session is told of a connection that a boot has lost. It may have come back before. */
    SessionCommand<Done> told(Membership trace, long now) {
        long arrived = arrivals.merge(trace.connectionId(), 1L, Long::sum);
        long epoch = Lives.epoch(Objects.requireNonNull(lives.get(node)), arrived + 1);
        return nobodyReturns || random.nextInt(4) > 0
                ? new Lost(
                        trace.session(),
                        now,
                        trace.connectionId(),
                        epoch,
                        now + 10,
                        now + 20,
                        new RunTimes(now + 5, now + 30, now + 15))
                : new Back(trace.session(), now, trace.connectionId(), epoch);
    }

    /** From here on, no connection that was lost comes back. */
    void endReturns() {
        nobodyReturns = true;
    }

    /** Whether sessions have to hear of a connection that this node had in an earlier life. */
    boolean hasEarlier(Sessions sessions) {
        byte[] next = null;
        do {
            Attendances.Earlier found = sessions.attendances().ofEarlierLives(node, next, 1 + random.nextInt(20));
            if (!found.traces().isEmpty()) {
                return true;
            }
            next = found.next();
        } while (next != null);
        return false;
    }

    /** Whether whoever has left something is known to sessions. */
    boolean knowsAll() {
        return !old;
    }

    /** Everybody is lost, whoever was there. */
    List<Lost> loseAll(long now) {
        return NAMES.stream()
                .flatMap(name -> CONNECTIONS.stream()
                        .map(connectionId -> new Lost(
                                name,
                                now,
                                connectionId,
                                Lives.epoch(newestLife + 1, 0) - 1,
                                now + 10,
                                now + 20,
                                new RunTimes(now + 5, now + 30, now + 15))))
                .toList();
    }

    private String connection() {
        return oneOf(CONNECTIONS);
    }

    /** Now and then with a number that was used before: the same request, or one that got lost before. */
    private @Nullable Sender sender(String connectionId) {
        if (random.nextInt(4) == 0) {
            return null;
        }
        return request(connectionId);
    }

    private Sender request(String connectionId) {
        long next = msgSerials.merge(connectionId, 1L, Long::sum);
        long epoch = old && random.nextBoolean() ? 0 : epoch(connectionId);
        return new Sender(connectionId, epoch, random.nextInt(10) == 0 ? random.nextLong(next) : next);
    }

    private Publish publish(SessionName name, @Nullable Room room, long now) {
        String connectionId = connection();
        List<MessageOp> messages = new ArrayList<>();
        for (int count = random.nextInt(4) == 0 ? random.nextInt(4) : 1; count > 0; count--) {
            messages.add(message(room, connectionId));
        }
        List<RunNote> notes = new ArrayList<>();
        for (int count = random.nextInt(3); count > 0 && !messages.isEmpty(); count--) {
            notes.add(note(messages));
        }
        return new Publish(name, now, sender(connectionId), messages, notes);
    }

    private MessageOp message(@Nullable Room room, String connectionId) {
        return room == null || room.messages.isEmpty() || random.nextInt(3) == 0 ? create(connectionId) : change(room);
    }

    private String run() {
        return "run" + random.nextInt(3);
    }

    private @Nullable String input() {
        return random.nextBoolean() ? "input" + random.nextInt(3) : null;
    }

    private RunNote note(List<MessageOp> messages) {
        return switch (random.nextInt(25)) {
            case 13, 14 -> new RunNote.Called(random.nextInt(messages.size()), run(), toolCallId(), "tool" + made++);
            case 15, 16 ->
                new RunNote.Asked(random.nextInt(messages.size()), requestId(), run(), rarely("m"), toolCallId());
            case 17, 18, 19 ->
                new RunNote.Decided(
                        random.nextInt(messages.size()),
                        run(),
                        toolCallId(),
                        random.nextBoolean(),
                        "key",
                        rarely("comment"),
                        grants());
            case 20, 21, 22, 23, 24 -> wakes.said(random.nextInt(messages.size()), random.nextBoolean() ? run() : null);
            case 11, 12 -> new RunNote.Spoken(random.nextInt(messages.size()), "<" + made++ + ">");
            case 6, 7 -> new RunNote.Described(run(), texts());
            case 8, 9 -> {
                int message = random.nextInt(messages.size());
                long serial = messages.get(message) instanceof MessageOp.Change change ? change.serial() : 0;
                yield new RunNote.Streaming(message, serial, run(), "{\"closed\":" + made++ + "}");
            }
            case 10 ->
                new RunNote.Settled(
                        messages.getFirst() instanceof MessageOp.Change change
                                ? change.serial()
                                : random.nextLong(100));
            case 0 -> new RunNote.Ended(run(), rarely("reason"));
            case 1 -> new RunNote.Suspended(run());
            case 2 -> new RunNote.Cancel(random.nextInt(messages.size()), random.nextBoolean() ? run() : null, input());
            default ->
                new RunNote.Active(run(), input(), random.nextBoolean(), random.nextBoolean() ? oneOf(CLIENTS) : null);
        };
    }

    private RunTexts texts() {
        return new RunTexts(
                body(),
                new RunTexts.Notice("away", made++ + "(", ",", ")", rarely("enc")),
                new RunTexts.Notice("back", made++ + "(", ",", ")", null),
                random.nextBoolean() ? body() : null,
                random.nextInt(3) == 0 ? null : new RunTexts.Notice("stalled", made++ + "(", ",", ")", rarely("enc")));
    }

    /** Appends that are taken together, some of them perhaps sent before, alone or in other company. */
    private Rollup rollup(SessionName name, Room room, long now) {
        String connectionId = connection();
        long serial = room.messages.lastKey();
        boolean any = random.nextInt(8) > 0;
        List<Part> parts = new ArrayList<>();
        for (int count = 1 + random.nextInt(3); count > 0; count--) {
            Sender sender = sender(connectionId);
            if (sender != null) {
                Operation operation = new Operation(oneOf(CLIENTS), null, null);
                parts.add(new Part(sender.msgSerial(), body(), operation, any, MAX_BYTES));
            }
        }
        long epoch = old && random.nextBoolean() ? 0 : epoch(connectionId);
        return new Rollup(name, now, connectionId, epoch, serial, parts);
    }

    private Annotate annotate(SessionName name, Room room, long now) {
        String connectionId = connection();
        List<AnnotationOp> annotations = new ArrayList<>();
        for (int count = 1 + random.nextInt(2); count > 0; count--) {
            annotations.add(new AnnotationOp(
                    random.nextInt(3) == 0 ? AnnotationEntry.Action.DELETE : AnnotationEntry.Action.CREATE,
                    random.nextInt(30) == 0 ? somewhere(room) : oneOf(List.copyOf(room.messages.keySet())),
                    oneOf(List.of("n:distinct.v1", "n:multiple.v1", "comment")),
                    1 + random.nextInt(3),
                    rarely("id"),
                    oneOf(CLIENTS),
                    connectionId,
                    new Body("name" + random.nextInt(2), null, null, null)));
        }
        return new Annotate(name, now, sender(connectionId), annotations, 1000);
    }

    private MessageOp.Create create(String connectionId) {
        boolean unique = random.nextInt(4) == 0;
        String id = unique ? "id" + random.nextInt(8) : random.nextBoolean() ? connectionId + ":x" : null;
        return new MessageOp.Create(
                id,
                unique,
                random.nextInt(8) == 0 ? null : oneOf(CLIENTS),
                random.nextInt(8) == 0 ? null : connectionId,
                body(),
                random.nextInt(12) == 0);
    }

    private MessageOp.Change change(Room room) {
        // Mostly the newest message, as an answer grows; sometimes any, sometimes one that is not there.
        List<Long> serials = List.copyOf(room.messages.keySet());
        long serial = random.nextInt(3) > 0 ? serials.getLast() : oneOf(serials);
        if (random.nextInt(30) == 0) {
            serial = somewhere(room);
        }
        Action action = switch (random.nextInt(8)) {
            case 0 -> Action.UPDATE;
            case 1 -> Action.DELETE;
            default -> Action.APPEND;
        };
        Operation operation = new Operation(random.nextInt(8) == 0 ? null : oneOf(CLIENTS), null, null);
        return new MessageOp.Change(
                action, serial, body(), operation, random.nextInt(8) > 0, random.nextBoolean(), MAX_BYTES);
    }

    private Body body() {
        Data data = switch (random.nextInt(10)) {
            case 0 -> null;
            case 1 -> Data.of((made++ + ".").getBytes(StandardCharsets.US_ASCII));
            case 2 -> Data.of(made++ + "-" + "x".repeat(random.nextInt(40)));
            default -> Data.of(made++ + " ");
        };
        String encoding = random.nextInt(15) == 0 ? "enc" + made++ : null;
        return new Body(random.nextInt(4) == 0 ? AGENTS : rarely("name"), data, encoding, rarely("{}"));
    }

    private @Nullable String rarely(String text) {
        return random.nextInt(5) == 0 ? text + made++ : null;
    }

    private List<PresenceOp> events(String connectionId) {
        List<PresenceOp> events = new ArrayList<>();
        for (int count = 1 + random.nextInt(2); count > 0; count--) {
            PresenceEntry.Action action = oneOf(List.of(PresenceEntry.Action.values()));
            events.add(new PresenceOp(action, connectionId + ":" + random.nextInt(20), oneOf(CLIENTS), body()));
        }
        return events;
    }

    private Compact compact(SessionName name, @Nullable Room room, long now) {
        if (room == null || room.messages.isEmpty()) {
            return new Compact(name, now, 1, 1);
        }
        long serial = oneOf(List.copyOf(room.messages.keySet()));
        long version = Objects.requireNonNull(room.messages.get(serial))
                .getLast()
                .whole()
                .position();
        return new Compact(name, now, serial, version - (random.nextInt(6) == 0 ? 1 : 0));
    }

    /** A place that an entry has, or the one before or after, or any. */
    private long somewhere(@Nullable Room room) {
        if (room == null || room.log.isEmpty() || random.nextInt(10) == 0) {
            return random.nextLong(1L << 41);
        }
        return oneOf(List.copyOf(room.log.keySet())) + random.nextInt(3) - 1;
    }

    // What readers see.

    void read(Sessions sessions, Delivery delivery) {
        if (readers.size() < MAX_READERS && random.nextInt(3) == 0) {
            Reader reader = new Reader(oneOf(NAMES), random.nextInt(4) == 0, random.nextBoolean());
            readers.add(reader);
            reader.attachAnywhere(sessions, delivery);
        } else if (!readers.isEmpty()) {
            Reader reader = oneOf(readers);
            switch (random.nextInt(12)) {
                case 0 -> {
                    reader.close();
                    readers.remove(reader);
                }
                case 1 -> {
                    reader.close();
                    reader.attachAnywhere(sessions, delivery);
                }
                case 2 -> {
                    reader.close();
                    reader.resume(sessions, delivery);
                }
                default -> reader.read(1 + random.nextInt(1000));
            }
        }
    }

    void detach() {
        readers.forEach(Reader::detach);
    }

    void resume(Sessions sessions, Delivery delivery) {
        readers.forEach(reader -> reader.resume(sessions, delivery));
    }

    /** Follows a session across crashes, and puts messages together as a client does. */
    private final class Reader {
        private final SessionName name;
        private final boolean whole;
        private final boolean eager;
        /** Messages as they were put together from what came, by serial. */
        private final TreeMap<Long, MessageEntry> messages = new TreeMap<>();

        /** What the annotations of each come to, as was heard last. */
        private final TreeMap<Long, Summaries> summaries = new TreeMap<>();

        private long id;
        private long position;
        private long attached;
        /** Messages whose newest version is older were not given. */
        private long since;

        private boolean reading;
        private @Nullable SessionTail tail;
        private @Nullable Sessions sessions;
        private ObjectReplica objects = new ObjectReplica();

        Reader(SessionName name, boolean whole, boolean eager) {
            this.name = name;
            this.whole = whole;
            this.eager = eager;
        }

        @Override
        public String toString() {
            return (whole ? "whole" : "") + (eager ? "eager" : "") + " reader of " + name.key() + " at " + position;
        }

        /** As a new client, with or without history, or as one that knows what there was at some place. */
        void attachAnywhere(Sessions sessions, Delivery delivery) {
            forget();
            SessionState state = sessions.find(name);
            Room room = model.room(name);
            Long from = null;
            if (state != null && room != null && room.id == state.id() && random.nextBoolean()) {
                from = Math.min(somewhere(room), state.last());
            }
            SessionTail opened = open(sessions, delivery, from);
            if (from == null) {
                assertThat(opened.resumed()).isFalse();
                if (state != null && random.nextBoolean()) {
                    PositionRange all = new PositionRange(0, Long.MAX_VALUE, random.nextBoolean());
                    sessions.messages().list(state, all, 1000, 1 << 20).forEach(m -> messages.put(m.serial(), bare(m)));
                    since = 0;
                }
            } else if (state != null && room != null) {
                assertThat(opened.resumed()).isEqualTo(from >= state.horizon());
                if (opened.resumed()) {
                    long place = from;
                    room.messages.keySet().forEach(serial -> {
                        MessageEntry known = room.messageAt(serial, place);
                        if (known != null) {
                            messages.put(serial, known);
                        }
                    });
                    since = 0;
                }
            }
        }

        private SessionTail open(Sessions from, Delivery delivery, @Nullable Long place) {
            sessions = from;
            SessionTail opened = delivery.tail(name, place, whole, () -> {
                if (eager && tail != null && !reading) {
                    read(300);
                }
            });
            tail = opened;
            position = opened.position();
            since = position;
            attached = position;
            id = 0;
            objects = new ObjectReplica();
            meet();
            trace.accept("attached " + this + (place == null ? "" : " from " + place));
            return opened;
        }

        /** A reader of a session that is not there yet follows the first one of its name. */
        private void meet() {
            SessionState state = Objects.requireNonNull(sessions).find(name);
            if (id == 0 && state != null) {
                id = state.id();
            }
        }

        /** Goes on where it was, if that is possible. */
        void resume(Sessions from, Delivery delivery) {
            SessionState state = from.find(name);
            long was = position;
            long sinceWas = since;
            long idWas = id;
            SessionTail opened = open(from, delivery, was);
            boolean same = state == null ? idWas == 0 : idWas == state.id() || idWas == 0;
            if (opened.resumed() && same) {
                assertThat(opened.position()).isEqualTo(was);
                since = sinceWas;
            } else {
                if (same) {
                    assertThat(state == null ? 0 : state.horizon())
                            .as("%s is not resumed", this)
                            .isGreaterThan(was);
                }
                // A client is told that it has lost something, or meets another session of the name, and starts anew.
                if (opened.resumed()) {
                    opened.close();
                    open(from, delivery, null);
                }
                forget();
            }
        }

        void detach() {
            tail = null;
            reading = false;
        }

        private void forget() {
            messages.clear();
            summaries.clear();
        }

        void close() {
            Objects.requireNonNull(tail).close();
        }

        /** Reads once; returns false if there was nothing. */
        boolean read(int maxBytes) {
            SessionTail open = Objects.requireNonNull(tail);
            if (!objects.isComplete()) {
                Sessions from = Objects.requireNonNull(sessions);
                int room = random.nextInt(300);
                reading = true;
                ObjectPage page = meanwhile.read(() -> from.objects().page(name, objects.next(), room));
                reading = false;
                if (page.session() != 0 && !open.follows(page.session())) {
                    return false;
                }
                objects.take(page);
                return true;
            }
            SessionTail.Next next = open.poll(maxBytes);
            boolean live = !(next instanceof SessionTail.InStore);
            if (!live) {
                reading = true;
                next = meanwhile.read(() -> open.readStore(maxBytes));
                reading = false;
            }
            switch (next) {
                case SessionTail.More more -> {
                    assertThat(more.from()).isEqualTo(position);
                    assertThat(more.to()).isEqualTo(open.position()).isGreaterThan(position);
                    take(more, live);
                    if (open.takeObjectGap()) {
                        objects = new ObjectReplica();
                    }
                    return true;
                }
                case SessionTail.Nothing nothing -> {
                    if (open.position() > position) {
                        // It has passed entries that were no longer in the store, for example changes of objects.
                        meet();
                    }
                    position = open.position();
                    if (open.takeObjectGap()) {
                        objects = new ObjectReplica();
                        return true;
                    }
                    return false;
                }
                case SessionTail.NoRoom noRoom -> throw new AssertionError("a reader with room for everything");
                case SessionTail.Lost lost -> {
                    Room room = model.room(name);
                    assertThat(room != null && room.id == id && room.horizon <= position)
                            .as("%s has lost nothing", this)
                            .isFalse();
                    return false;
                }
                case SessionTail.InStore s -> throw new AssertionError("neither in memory nor in the store");
            }
        }

        private void take(SessionTail.More more, boolean live) {
            meet();
            Room room = model.room(name);
            if (room == null || room.id != id) {
                // The model is ahead of the engine: what is read here is of a session that will be gone in a moment.
                position = more.to();
                return;
            }
            Map<Long, SessionEntry> given = new HashMap<>();
            long at = position;
            for (SessionEntry entry : more.entries()) {
                assertThat(entry.position()).isGreaterThan(at).isLessThanOrEqualTo(more.to());
                at = entry.position();
                given.put(at, entry);
                switch (entry) {
                    case PresenceEntry event -> assertThat(event).isEqualTo(room.log.get(at));
                    case MessageEntry message -> {
                        if (message.summaries() != null) {
                            summaries.put(message.serial(), message.summaries());
                        }
                        take(room, bare(message));
                    }
                    case ObjectEntry change -> {
                        assertThat(change).isEqualTo(room.log.get(at));
                        objects.take(change);
                    }
                    case AnnotationEntry annotation -> assertThat(annotation).isEqualTo(room.log.get(at));
                    case SummaryEntry summary -> {
                        assertThat(room.log.get(at)).isInstanceOf(SummaryEntry.class);
                        assertThat(!live || summary.equals(room.log.get(at)))
                                .as("%s, not %s", summary, room.log.get(at))
                                .isTrue();
                        summaries.put(summary.serial(), summary.summaries());
                    }
                }
            }
            SessionState state = Objects.requireNonNull(sessions).find(name);
            long horizon = state == null ? 0 : state.horizon();
            room.log.subMap(position, false, more.to(), true).forEach((place, entry) -> {
                if (!given.containsKey(place)) {
                    assertThat(live).as("%s was not given %s", this, entry).isFalse();
                    assertThat(isOutdated(room, entry, horizon))
                            .as("%s was not given %s, which is still so", this, entry)
                            .isTrue();
                }
            });
            position = more.to();
        }

        /** Whether the store need not have the entry, and the reader need not hear that it has not. */
        private static boolean isOutdated(Room room, SessionEntry entry, long horizon) {
            if (entry instanceof ObjectEntry) {
                return true;
            }
            long at = entry.position();
            long serial = switch (entry) {
                case MessageEntry m -> m.serial();
                case AnnotationEntry a -> a.serial();
                case SummaryEntry s -> s.serial();
                case PresenceEntry p -> Long.MAX_VALUE;
                case ObjectEntry o -> Long.MAX_VALUE;
            };
            boolean goneWithItsMessage = serial <= horizon && horizon < at;
            // Of a message and of a summary there is only the newest.
            boolean changedSince = room.log.tailMap(at, false).values().stream()
                    .anyMatch(later -> later instanceof MessageEntry m
                            ? entry instanceof MessageEntry && m.serial() == serial
                            : later instanceof SummaryEntry s && entry instanceof SummaryEntry && s.serial() == serial);
            return goneWithItsMessage || changedSince || room.ephemeral.contains(at);
        }

        private void take(Room room, MessageEntry entry) {
            SessionEntry logged = Objects.requireNonNull(room.log.get(entry.position()), entry::toString);
            MessageEntry known = messages.get(entry.serial());
            if (known != null && known.position() >= entry.position()) {
                return;
            }
            if (entry.action() == Action.APPEND) {
                assertThat(whole).as("an append for %s", this).isFalse();
                assertThat(entry).isEqualTo(logged);
                assertThat(known).as("%s lacks what grows: %s", this, entry).isNotNull();
                assertThat(Objects.requireNonNull(known).position()).isEqualTo(entry.previous());
                messages.put(entry.serial(), grown(known, entry));
            } else {
                messages.put(entry.serial(), entry);
            }
            MessageEntry expected = room.messageAt(entry.serial(), entry.position());
            if (expected != null) {
                assertThat(messages.get(entry.serial())).as("%s has", this).isEqualTo(expected);
            } else if (entry.action() == Action.CREATE) {
                assertThat(entry).isEqualTo(logged);
            }
        }

        private static MessageEntry grown(MessageEntry known, MessageEntry append) {
            Body more = append.body();
            Data data = known.body().data();
            if (more.data() != null) {
                byte[] before = data == null ? new byte[0] : data.bytes();
                byte[] joined = new byte[before.length + more.data().bytes().length];
                System.arraycopy(before, 0, joined, 0, before.length);
                System.arraycopy(
                        more.data().bytes(),
                        0,
                        joined,
                        before.length,
                        more.data().bytes().length);
                data = new Data(joined, more.data().text());
            }
            Body body = new Body(
                    more.name(),
                    data,
                    more.encoding() == null ? known.body().encoding() : more.encoding(),
                    more.extras() == null ? known.body().extras() : more.extras());
            return new MessageEntry(
                    append.position(),
                    Action.UPDATE,
                    append.serial(),
                    append.previous(),
                    append.id(),
                    append.clientId(),
                    append.connectionId(),
                    body,
                    append.operation());
        }

        /** With nothing left to do, the reader has all that came since it attached. */
        void drained(Sessions from, Delivery delivery) {
            while (read(1 + random.nextInt(2000))) {
                trace.accept(toString());
            }
            Room room = model.room(name);
            if (Objects.requireNonNull(tail).poll(1) instanceof SessionTail.Lost) {
                close();
                open(from, delivery, null);
                forget();
                return;
            }
            if (room == null) {
                assertThat(id).as("%s has not heard of the end", this).isZero();
                return;
            }
            assertThat(position).as("%s stays behind", this).isEqualTo(room.last);
            assertThat(objects.contents()).as("%s has", this).isEqualTo(room.objects.contents());
            room.log.tailMap(attached, false).values().forEach(entry -> {
                if (entry instanceof SummaryEntry summary && room.messages.containsKey(summary.serial())) {
                    assertThat(summaries.get(summary.serial())).isEqualTo(room.summaries(summary.serial()));
                }
            });
            room.messages.values().forEach(versions -> {
                MessageEntry newest = versions.getLast().whole();
                if (newest.position() > since) {
                    assertThat(messages.get(newest.serial())).as("%s has", this).isEqualTo(newest);
                }
            });
        }
    }

    // What must hold.

    void compare(Sessions sessions, Delivery delivery) {
        List<SessionName> found = new ArrayList<>();
        for (String app : List.of("app", "other")) {
            sessions.list(app, "", "", 10).forEach(state -> found.add(state.name()));
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(model.rooms().keySet());
        assertThat(sessions.presence().memberships())
                .containsExactlyInAnyOrderElementsOf(model.rooms().entrySet().stream()
                        .flatMap(room -> room.getValue().members.keySet().stream()
                                .map(member -> new Membership(room.getKey(), member.connectionId())))
                        .distinct()
                        .toList());
        assertThat(sessions.runs().atWork())
                .containsExactlyInAnyOrderElementsOf(model.rooms().values().stream()
                        .flatMap(room -> room.runs.values().stream())
                        .filter(run -> !run.suspended() && run.connectionId() != null)
                        .toList());
        List<Depart> departures = new ArrayList<>();
        model.rooms()
                .forEach((name, room) -> room.attendances.forEach((connectionId, attendance) -> {
                    if (!attendance.isOver()) {
                        departures.add(new Depart(name, LATE, connectionId, attendance.epoch()));
                    }
                }));
        assertThat(sessions.attendances().departures(LATE, 1000)).containsExactlyInAnyOrderElementsOf(departures);
        assertThat(sessions.controls().expiries(LATE, 1000))
                .containsExactlyInAnyOrderElementsOf(model.rooms().entrySet().stream()
                        .filter(room -> room.getValue().control.until() != 0)
                        .map(room -> new ExpireControl(room.getKey(), LATE))
                        .toList());
        assertThat(sessions.silences().due(LATE, LATE, 1000))
                .containsExactlyInAnyOrderElementsOf(model.rooms().entrySet().stream()
                        .flatMap(room -> room.getValue().silences.entrySet().stream()
                                .filter(silence -> !silence.getValue().isStalled())
                                .map(silence -> new StallRun(room.getKey(), LATE, silence.getKey(), LATE)))
                        .toList());
        compareIndex(sessions);
        wakes.compare(sessions.wakes(), model.rooms());
        compareErasures(sessions);
        assertThat(sessions.notifications().due(LATE, 1000))
                .containsExactlyInAnyOrderElementsOf(model.rooms().entrySet().stream()
                        .flatMap(room -> room.getValue().notify.pending.keySet().stream()
                                .map(id -> new Notifications.Due(room.getKey(), id)))
                        .toList());
        assertThat(sessions.requests().due(LATE, 1000))
                .containsExactlyInAnyOrderElementsOf(requests(SessionRequest::isOpen)
                        .filter(request -> request.terms().due() != 0)
                        .map(request -> new ExpireRequest(request.session(), LATE, request.id()))
                        .toList());
        for (String app : List.of("app", "other")) {
            compareInbox(sessions, app, true);
            compareInbox(sessions, app, false);
        }
        List<Membership> earlier = new ArrayList<>();
        model.rooms()
                .forEach((name, room) -> room.attendances.forEach((connectionId, attendance) -> {
                    long life = Lives.ofEpoch(attendance.epoch());
                    Long had = nodes.get(life);
                    if (!lives.containsValue(life) && Objects.equals(node, had == null ? bootedLast : had)) {
                        earlier.add(new Membership(name, connectionId));
                    }
                }));
        assertThat(sessions.attendances().ofEarlierLives(node, null, 1000).traces())
                .containsExactlyInAnyOrderElementsOf(earlier);
        model.rooms().forEach((name, room) -> compare(sessions, name, room));
        readers.forEach(reader -> reader.drained(sessions, delivery));
    }

    /** Of an erased session its tombstone remains, until it is known that nothing else of it is left in files. */
    private void compareErasures(Sessions sessions) {
        List<Tombstone> found = new ArrayList<>();
        for (String app : List.of("app", "other")) {
            found.addAll(sessions.erasures().list(app, "", "", 10));
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(model.tombstones.values());
        assertThat(sessions.erasures().pending(1000))
                .isEqualTo(model.unpurged.entrySet().stream()
                        .map(erased -> new Erasures.Pending(erased.getValue(), erased.getKey()))
                        .toList());
    }

    /** The ids of all sessions. */
    Set<Long> ids() {
        return model.rooms().values().stream().map(room -> room.id).collect(Collectors.toSet());
    }

    int tombstoneRows() {
        return model.tombstones.size() + model.unpurged.size();
    }

    /** Sessions are found by what they have, and by nothing else. */
    private void compareIndex(Sessions sessions) {
        compareIndex(sessions, new OpenRun(), room -> !room.runs.isEmpty());
        compareIndex(sessions, new StalledRun(), SilenceModel::anyStalled);
        compareIndex(sessions, new OpenRequest(), SessionSide::isAsked);
        for (String client : CLIENTS) {
            compareIndex(sessions, new Participant(client), room -> room.participants.contains(client));
        }
        for (Long ancestor : ANCESTORS) {
            compareIndex(
                    sessions,
                    new ForkOf(ancestor),
                    room -> room.origin != null && room.origin.ancestors().contains(ancestor));
        }
        for (String key : LABELS) {
            for (String value : LABELS) {
                compareIndex(
                        sessions,
                        new Labelled(key, value),
                        room -> room.profile != null
                                && value.equals(room.profile.labels().get(key)));
            }
        }
    }

    private void compareIndex(Sessions sessions, Attribute attribute, Predicate<Room> has) {
        for (String app : List.of("app", "other")) {
            List<String> names = new ArrayList<>();
            model.rooms().forEach((name, room) -> {
                assertThat(sessions.index().has(name, attribute))
                        .as("%s of %s", attribute, name)
                        .isEqualTo(has.test(room));
                if (name.app().equals(app) && has.test(room)) {
                    names.add(name.name());
                }
            });
            names.sort(Sessions.BY_NAME);
            assertThat(sessions.index().names(app, attribute, "", "", 10))
                    .as("by %s", attribute)
                    .isEqualTo(names);
        }
    }

    private static boolean isAsked(Room room) {
        return room.requests.values().stream().anyMatch(SessionRequest::isOpen);
    }

    /** How many rows the index has: of a session with participants, also how many there are, and each by the session's id. */
    int indexRows() {
        return model.rooms().values().stream()
                .mapToInt(room -> (room.runs.isEmpty() ? 0 : 1)
                        + (isAsked(room) ? 1 : 0)
                        + (SilenceModel.anyStalled(room) ? 1 : 0)
                        + (room.participants.isEmpty() ? 0 : 1 + 2 * room.participants.size())
                        + (room.origin == null ? 0 : 1 + room.origin.ancestors().size())
                        + (room.profile == null ? 0 : room.profile.labels().size()))
                .sum();
    }

    int profileRows() {
        return (int) model.rooms().values().stream()
                .filter(room -> room.profile != null)
                .count();
    }

    /** How many rows the log of all sessions has: a message, and what its annotations come to, only once. */
    int logRows() {
        int count = 0;
        for (Room room : model.rooms().values()) {
            count += room.messages.size() + room.presence.size();
            count += room.annotations.values().stream().mapToInt(List::size).sum();
            count += (int) room.log.values().stream()
                    .filter(entry -> entry instanceof SummaryEntry)
                    .map(entry -> ((SummaryEntry) entry).serial())
                    .filter(room.messages::containsKey)
                    .distinct()
                    .count();
        }
        return count;
    }

    int controlRows() {
        return (int) model.rooms().values().stream()
                        .filter(room -> room.controlTexts != null)
                        .count()
                + model.rooms().values().stream()
                        .mapToInt(room -> room.changes.size())
                        .sum();
    }

    /** How many rows wakes have, and how long agents have only talked to each other. */
    int wakeRows() {
        return model.rooms().values().stream()
                .mapToInt(room -> room.wakes.rows())
                .sum();
    }

    int agentRows() {
        return model.rooms().values().stream()
                .mapToInt(room -> room.wakes.ownAgents())
                .sum();
    }

    /** Whether something is still to become of a wake by itself. */
    boolean hasWakes() {
        return model.rooms().values().stream()
                .anyMatch(
                        room -> !room.wakes.ends(room.rests(), room.unwatched()).isEmpty());
    }

    private Stream<SessionRequest> requests(Predicate<SessionRequest> filter) {
        return model.rooms().values().stream()
                .flatMap(room -> room.requests.values().stream())
                .filter(filter);
    }

    /** How many rows requests have: their own, those of closed ones by age, and calls of tools. */
    int askedRows() {
        return (int) (requests(request -> true).count()
                        + requests(request -> !request.isOpen()).count())
                + model.rooms().values().stream()
                        .mapToInt(room -> room.calls.size())
                        .sum();
    }

    /** How many requests there are, open or not. */
    int inboxRows() {
        return (int) requests(request -> true).count();
    }

    /** Whether anybody still waits for an answer that can no longer come. */
    boolean hasOverdue(long now) {
        return requests(request -> request.isOpen() && request.isDue(now))
                .findAny()
                .isPresent();
    }

    /** Page by page, by the names of the sessions. */
    private void compareInbox(Sessions sessions, String app, boolean open) {
        Kind kind = oneOf(List.of(Kind.values()));
        List<SessionRequest> expected = new ArrayList<>();
        model.rooms().entrySet().stream()
                .filter(room -> room.getKey().app().equals(app))
                .sorted(Comparator.comparing(room -> room.getKey().name()))
                .forEach(room -> expected.addAll(room.getValue().requests.values()));
        expected.removeIf(request -> request.isOpen() != open || request.terms().kind() != kind);
        List<SessionRequest> found = new ArrayList<>();
        Requests.Place place = null;
        do {
            Requests.Inbox page = sessions.requests()
                    .inbox(
                            app,
                            "a",
                            open,
                            place,
                            listed -> listed.kind() == kind,
                            1 + random.nextInt(3),
                            1 + random.nextInt(2000));
            found.addAll(page.requests());
            place = page.next();
        } while (place != null);
        assertThat(found).isEqualTo(expected);
    }

    /** Nobody decides twice, or too late, or once it is decided. */
    private static void assertDecidedOnce(SessionRequest request) {
        List<Decision> decisions = request.decisions();
        assertThat(decisions).hasSizeLessThanOrEqualTo(request.terms().quorum());
        for (int i = 0; i < decisions.size(); i++) {
            Decision decision = decisions.get(i);
            assertThat(request.isDue(decision.time())).isFalse();
            assertThat(decisions.subList(0, i)).noneMatch(decision::isBySame);
            assertThat(decision.verdict() == Verdict.DENY && i + 1 < decisions.size())
                    .isFalse();
        }
        if (!decisions.isEmpty() && request.isOpen()) {
            assertThat(decisions).hasSizeLessThan(request.terms().quorum());
        }
    }

    int attendanceRows() {
        return model.rooms().values().stream()
                .mapToInt(room -> room.attendances.size())
                .sum();
    }

    /** How many rows runs have, with what is to be said of them, what they are streaming, and cancels. */
    int runRows() {
        return model.rooms().values().stream()
                .mapToInt(room -> room.runs.size()
                        + room.texts.size()
                        + room.silences.size()
                        + room.open.size()
                        + room.cancels.size())
                .sum();
    }

    /** How many runs are looked at. */
    int silenceRows() {
        return (int) model.rooms().values().stream()
                .flatMap(room -> room.silences.values().stream())
                .filter(silence -> !silence.isStalled())
                .count();
    }

    int topics() {
        return (int) readers.stream().map(reader -> reader.name).distinct().count();
    }

    private void compare(Sessions sessions, SessionName name, Room room) {
        SessionState state = Objects.requireNonNull(sessions.find(name));
        assertThat(List.of(state.id(), state.last(), state.horizon(), (long) state.members()))
                .isEqualTo(List.of(room.id, room.last, room.horizon, (long) room.members.size()));
        assertThat(state.control()).isEqualTo(room.control);
        assertThat(sessions.controls().changes(state, 0, 1000, 1 << 20).entries())
                .isEqualTo(room.changes.entrySet().stream()
                        .map(change -> new ControlChange(change.getKey(), change.getValue()))
                        .toList());
        assertThat(state.stalled()).isEqualTo(SilenceModel.anyStalled(room));
        room.runs.values().forEach(run -> assertSilence(sessions.silences().of(state, run.id()), room, run));
        assertThat(sessions.profiles().of(state)).isEqualTo(room.profile);
        assertThat(sessions.index().participants(state)).containsExactlyInAnyOrderElementsOf(room.participants);
        assertThat(sessions.wakes().agents(state)).isEqualTo(room.wakes.agents());
        assertThat(sessions.wakes().of(state)).isEqualTo(room.wakes.wakes(name));
        assertThat(sessions.notifications().of(state)).isEqualTo(List.copyOf(room.notify.pending.values()));
        CLIENTS.forEach(
                id -> assertThat(sessions.notifications().told(state, id)).isEqualTo(room.notify.told.get(id)));
        assertThat(sessions.requests().of(state, "", 1000, 1 << 20).entries())
                .isEqualTo(List.copyOf(room.requests.values()))
                .allSatisfy(SessionSide::assertDecidedOnce);
        assertThat(sessions.requests().countOpen(name)).isEqualTo((int)
                room.requests.values().stream().filter(SessionRequest::isOpen).count());
        long content = room.messages.values().stream()
                .mapToLong(versions -> versions.getLast().whole().body().size())
                .sum();
        assertThat(state.bytes()).isGreaterThanOrEqualTo(content);
        sessions.objects().read(state, objects -> {
            room.objects.assertSame(objects);
            return objects;
        });
        assertThat(state.bytes() == 0).isEqualTo(room.messages.isEmpty());
        compareMessages(sessions, state, room);
        assertThat(sessions.runs().of(state)).isEqualTo(List.copyOf(room.runs.values()));
        assertThat(sessions.runs()
                        .cancels(state, new PositionRange(0, Long.MAX_VALUE, false), 1 << 20)
                        .entries())
                .isEqualTo(room.cancels.keySet().stream()
                        .filter(room.messages::containsKey)
                        .map(serial -> annotated(
                                room,
                                Objects.requireNonNull(room.messages.get(serial))
                                        .getLast()
                                        .whole()))
                        .toList());
        compareVersions(sessions, state, room);
        boolean newestFirst = random.nextBoolean();
        PositionRange range = new PositionRange(somewhere(room), Long.MAX_VALUE, newestFirst);
        NavigableMap<Long, PresenceEntry> events = room.presence.tailMap(range.from(), true);
        assertThat(sessions.presence().events(state, range, 1000, 1 << 20).entries())
                .isEqualTo(List.copyOf((newestFirst ? events.descendingMap() : events).values()));
        assertThat(sessions.presence().members(state))
                .isEqualTo(room.members.values().stream()
                        .map(m -> new PresenceEntry(
                                m.position(),
                                PresenceEntry.Action.PRESENT,
                                m.id(),
                                m.clientId(),
                                m.connectionId(),
                                m.body()))
                        .sorted(Comparator.comparing(PresenceEntry::connectionId)
                                .thenComparing(PresenceEntry::clientId))
                        .toList());
    }

    private static void assertSilence(@Nullable Silence found, Room room, Run run) {
        SilenceModel.Heard expected = room.silences.get(run.id());
        assertThat(expected == null).as("nobody works at %s", run).isEqualTo(run.suspended());
        assertThat(found)
                .isEqualTo(
                        expected == null
                                ? null
                                : new Silence(
                                        expected.heardAt(),
                                        Objects.requireNonNullElse(expected.listedAt(), 0L),
                                        Objects.requireNonNullElse(expected.stalledAt(), 0L)));
    }

    /** Page by page, as a client reads history. */
    private void compareMessages(Sessions sessions, SessionState state, Room room) {
        List<MessageEntry> expected = new ArrayList<>();
        room.messages
                .values()
                .forEach(versions ->
                        expected.add(annotated(room, versions.getLast().whole())));
        boolean newestFirst = random.nextBoolean();
        int limit = 1 + random.nextInt(5);
        long from = 0;
        long to = Long.MAX_VALUE;
        List<MessageEntry> read = new ArrayList<>();
        while (true) {
            List<MessageEntry> page = sessions.messages()
                    .list(state, new PositionRange(from, to, newestFirst), limit, 1 + random.nextInt(2000));
            if (page.isEmpty()) {
                break;
            }
            assertThat(page).hasSizeLessThanOrEqualTo(limit);
            read.addAll(page);
            if (newestFirst) {
                to = page.getLast().serial() - 1;
            } else {
                from = page.getLast().serial() + 1;
            }
        }
        assertThat(read).isEqualTo(newestFirst ? expected.reversed() : expected);
    }

    private void compareVersions(Sessions sessions, SessionState state, Room room) {
        room.messages.forEach((serial, versions) -> {
            assertThat(sessions.messages().find(state, serial))
                    .isEqualTo(annotated(room, versions.getLast().whole()));
            List<MessageEntry> expected = new ArrayList<>();
            for (int i = 0; i < versions.size(); i++) {
                if (i + 1 == versions.size()) {
                    expected.add(annotated(room, versions.get(i).whole()));
                } else if (!versions.get(i).joined() || !versions.get(i + 1).joined()) {
                    expected.add(versions.get(i).whole());
                }
            }
            assertThat(sessions.messages()
                            .versions(state, serial, 0, 1000, 1 << 20)
                            .entries())
                    .isEqualTo(expected);
            assertThat(sessions.annotations()
                            .page(state, serial, 0, 1000, 1 << 20)
                            .entries())
                    .isEqualTo(room.annotations.getOrDefault(serial, List.of()));
        });
    }

    private static MessageEntry annotated(Room room, MessageEntry message) {
        return room.annotations.containsKey(message.serial())
                ? with(room.summaries(message.serial()), message)
                : message;
    }

    private static MessageEntry bare(MessageEntry message) {
        return with(null, message);
    }

    private static MessageEntry with(@Nullable Summaries summaries, MessageEntry m) {
        return new MessageEntry(
                m.position(),
                m.action(),
                m.serial(),
                m.previous(),
                m.id(),
                m.clientId(),
                m.connectionId(),
                m.body(),
                m.operation(),
                summaries);
    }
}
