package dev.parley.server.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.AnnotationOp;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Retain;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.server.wire.Serials;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Random histories of a session, which is compacted and trimmed meanwhile: a reader of its stream that stops and goes on
 * wherever it likes has the rows of one that begins now, and these are what is in the session.
 *
 * <p>{@code PARLEY_TEST_FULL=1} runs 300 histories.
 */
@Timeout(600)
class SessionStreamHistoryTest {
    private static final int HISTORIES = 6;
    private static final int FULL_HISTORIES = 300;
    private static final int STEPS = 150;
    private static final int READERS = 4;
    private static final long FIRST_TIME = 1_800_000_000_000L;
    private static final SessionName SESSION = new SessionName("app", "s");

    @TempDir
    Path folder;

    static IntStream seeds() {
        return IntStream.range(0, "1".equals(System.getenv("PARLEY_TEST_FULL")) ? FULL_HISTORIES : HISTORIES);
    }

    /** Somebody who keeps a copy of the rows. */
    private static final class Reader {
        private final StreamsServer server;
        private final Map<String, JsonNode> rows = new TreeMap<>();
        private String offset = "-1";
        private int begun;

        Reader(StreamsServer server) {
            this.server = server;
        }

        /** Reads a page. Returns whether there is no more. */
        boolean read() throws Exception {
            HttpResponse<String> answer = server.send(
                    "GET", "sessions/s?offset=" + offset, "", "Authorization", "Bearer " + StreamsServer.KEY);
            if (answer.statusCode() == 410) {
                long position = Long.parseLong(offset.substring(25, 44));
                assertThat(server.engine.sessions().find(SESSION))
                        .as("the offset %s is from before the retention cut", offset)
                        .extracting(SessionState::horizon)
                        .satisfies(horizon -> assertThat(horizon).isGreaterThan(position));
                rows.clear();
                offset = "-1";
                begun++;
                return false;
            }
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            for (JsonNode change : JsonMapper.shared().readTree(answer.body())) {
                String key = change.path("type").asString() + " "
                        + change.path("key").asString();
                if (change.path("headers").path("operation").asString().equals("delete")) {
                    rows.remove(key);
                } else {
                    rows.put(key, change.path("value"));
                }
            }
            offset = answer.headers().firstValue("Stream-Next-Offset").orElseThrow();
            return answer.headers().firstValue("Stream-Up-To-Date").isPresent();
        }

        void readAll() throws Exception {
            while (!read()) {
                // There is more.
            }
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aReaderThatGoesOnHasTheRowsOfOneThatBegins(int seed) throws Exception {
        var random = new SplittableRandom(seed);
        try (var server = new StreamsServer(folder, Map.of("limits.chunk-bytes", "2048"))) {
            var history = new History(server, random);
            List<Reader> readers = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                readers.add(new Reader(server));
            }
            history.publish();
            for (int step = 0; step < STEPS; step++) {
                history.step();
                for (Reader reader : readers) {
                    if (random.nextInt(4) == 0) {
                        reader.read();
                    }
                }
            }
            var fresh = new Reader(server);
            fresh.readAll();
            assertThat(fresh.begun).isZero();
            assertThat(fresh.rows.keySet())
                    .as("seed %d: what is in the session", seed)
                    .isEqualTo(history.keys());
            for (Reader reader : readers) {
                reader.readAll();
                assertThat(reader.rows).as("seed %d", seed).isEqualTo(fresh.rows);
            }
        }
    }

    /** What happens in a session. */
    private static final class History {
        private final StreamsServer server;
        private final SplittableRandom random;
        private final List<Long> serials = new ArrayList<>();
        private long time = FIRST_TIME;
        private int ids;

        History(StreamsServer server, SplittableRandom random) {
            this.server = server;
            this.random = random;
        }

        void step() {
            time += random.nextInt(3) == 0 ? random.nextInt(5_000) : 0;
            switch (random.nextInt(23)) {
                case 0, 1, 2, 3 -> publish();
                case 4, 5, 6, 7, 8 -> change(MessageEntry.Action.APPEND);
                case 9, 10 -> change(MessageEntry.Action.UPDATE);
                case 11 -> change(MessageEntry.Action.DELETE);
                case 12, 13, 14 -> presence();
                case 15 -> compact();
                case 16 -> annotate();
                case 17 -> agents();
                case 18, 19 -> ask();
                case 20 -> decide();
                case 21 -> {
                    if (random.nextInt(3) == 0) {
                        submit(new Trim(SESSION, time, oneOf(serials) + random.nextInt(2)));
                    }
                }
                default -> {
                    if (random.nextInt(3) == 0) {
                        submit(new Retain(
                                SESSION, time, time - random.nextInt(60_000), random.nextInt(100, 20_000), time));
                    }
                }
            }
        }

        private <T> T oneOf(List<T> choices) {
            return choices.get(random.nextInt(choices.size()));
        }

        private Body body() {
            String text = "x\n\u00e4\ud83d\ude00\"".repeat(random.nextInt(1, random.nextInt(8) == 0 ? 300 : 20));
            String kind = oneOf(List.of("text", "reasoning", "tool-input", "user-message"));
            return new Body(
                    oneOf(List.of("ai-output", "ai-input", "ai-run-end", "chat")),
                    Data.of(text),
                    null,
                    "{\"ai\":{\"transport\":{\"run-id\":\"r\"},\"codec\":{\"kind\":\"" + kind + "\"}}}");
        }

        void publish() {
            String id = "m" + ids++;
            var message = new MessageOp.Create(id, true, "c", null, body(), random.nextInt(10) == 0 && ids > 1);
            var accepted = (Accepted) submit(new Publish(SESSION, time, null, List.of(message)));
            serials.add(accepted.positions().getFirst());
        }

        private void change(MessageEntry.Action action) {
            Body body = action == MessageEntry.Action.APPEND
                    ? new Body(null, Data.of("more "), null, null)
                    : action == MessageEntry.Action.DELETE ? Body.EMPTY : body();
            // A message that is deleted or gone is not changed.
            submit(new Publish(
                    SESSION,
                    time,
                    null,
                    List.of(new MessageOp.Change(
                            action, oneOf(serials), body, new Operation("c", null, null), true, true, 1 << 20))));
        }

        private void presence() {
            String connection = oneOf(List.of("k1", "k2"));
            var action =
                    oneOf(List.of(PresenceEntry.Action.ENTER, PresenceEntry.Action.UPDATE, PresenceEntry.Action.LEAVE));
            String client = oneOf(List.of("a", "b", "c"));
            var event = new PresenceOp(action, connection + ":" + ids++ + ":0", client, body());
            submit(new ChangePresence(SESSION, time, null, connection, List.of(event), 10));
        }

        private void compact() {
            MessageEntry message = server.engine.sessions().messages().find(state(), oneOf(serials));
            if (message != null) {
                submit(new Compact(SESSION, time, message.serial(), message.position()));
            }
        }

        private void annotate() {
            var annotation = new AnnotationOp(
                    AnnotationEntry.Action.CREATE, oneOf(serials), "r:total.v1", 1, null, "c", null, Body.EMPTY);
            submit(new Annotate(SESSION, time, null, List.of(annotation), 100));
        }

        private void agents() {
            String id = oneOf(List.of("bot", "\u00fcbot", "x".repeat(100)));
            if (random.nextBoolean()) {
                submit(new NameAgents(SESSION, time, List.of(), List.of(id)));
                return;
            }
            var notice = new RunTexts.Notice("wake", "{", ",", "}", "json");
            var agent =
                    new Agent(id, "name " + ids++, null, Agent.Trigger.INVOCATION, List.of(), 0, false, notice, notice);
            submit(new NameAgents(SESSION, time, List.of(agent), List.of()));
        }

        private String requestId() {
            return "ask\u00fc" + random.nextInt(6);
        }

        private void ask() {
            var notice = new RunTexts.Notice("parley.request", "{", ",", "}", "json");
            long due = random.nextInt(4) == 0 ? time + 1 : 0;
            var terms = new Terms(
                    Kind.APPROVAL,
                    "title",
                    "c",
                    null,
                    null,
                    null,
                    "{\"a\":1}",
                    List.of("a", "b"),
                    1 + random.nextInt(2),
                    due,
                    WhenDue.EXPIRE,
                    notice);
            submit(new Ask(SESSION, time, requestId(), terms, body()));
        }

        private void decide() {
            String id = requestId();
            // The clock may have gone back.
            long at = time - random.nextInt(3);
            if (random.nextInt(4) == 0) {
                submit(new ExpireRequest(SESSION, at, id));
                return;
            }
            var verdict = random.nextInt(4) == 0 ? Verdict.DENY : Verdict.APPROVE;
            var decision =
                    new Decision("d" + ids++, verdict, oneOf(List.of("a", "b")), "app.key", at, null, null, null, null);
            submit(new Decide(SESSION, at, id, decision, body(), List.of(), List.of()));
        }

        private <O extends SessionOutcome> O submit(SessionCommand<O> command) {
            return server.engine.submit(command).join();
        }

        private SessionState state() {
            return Objects.requireNonNull(server.engine.sessions().find(SESSION));
        }

        /** The keys of the rows that there are to be. */
        Set<String> keys() {
            var keys = new TreeSet<String>();
            var sessions = server.engine.sessions();
            SessionState state = state();
            var all = new PositionRange(Positions.START, Long.MAX_VALUE, false);
            sessions.messages().list(state, all, Integer.MAX_VALUE, Integer.MAX_VALUE).stream()
                    .filter(message -> message.action() != MessageEntry.Action.DELETE)
                    .forEach(message -> keys.add("chunk " + Serials.render(message.serial())));
            sessions.presence()
                    .members(state)
                    .forEach(member -> keys.add("presence " + member.clientId() + ":" + member.connectionId()));
            sessions.wakes().agents(state).forEach(agent -> keys.add("agent " + agent.id()));
            sessions.requests().of(state, "", Integer.MAX_VALUE, Integer.MAX_VALUE).entries().stream()
                    .filter(SessionRequest::isOpen)
                    .forEach(request -> keys.add("request " + request.id()));
            return keys;
        }
    }
}
