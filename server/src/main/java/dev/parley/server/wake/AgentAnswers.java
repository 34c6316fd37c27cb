package dev.parley.server.wake;

import dev.parley.engine.Engine;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.server.auth.SecretSeal.BrokenSealException;
import dev.parley.server.wake.DataLines.TooLongException;
import dev.parley.server.wake.NamedAgents.Named;
import dev.parley.server.wake.RunWriter.NoLongerOursException;
import dev.parley.server.wake.RunWriter.RefusedException;
import dev.parley.server.webhook.StreamedAnswer;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import dev.parley.server.wire.WireException;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Calls agents that answer with what they say, and says it in the session, as runs. One wake is one run: when anything of it was said, the
 * agent is not called again.
 */
public final class AgentAnswers {
    /** The longest time that an answer takes. */
    static final Duration MAX_ANSWER = Duration.ofMinutes(30);

    /** The greatest size of an answer as it is sent. Most of it may be repetition. */
    static final long MAX_ANSWER_BYTES = 256L << 20;

    private static final String EVENT_STREAM = "text/event-stream";

    /** The header that says which wake it is. */
    private static final String WAKE_HEADER = "Parley-Wake-Id";

    /** The greatest length of what an agent says about its failure. */
    static final int MAX_REASON_CHARS = 1_000;

    private static final int OK = 200;
    private static final int GONE = 410;

    private static final Logger LOG = LoggerFactory.getLogger(AgentAnswers.class);

    private final Engine engine;
    private final NamedAgents agents;
    private final AgentSpecs specs;
    private final WebhookKeys keys;
    private final WebhookClient client;
    private final InstantSource clock;
    private final CallNotes notes;
    private final Limits limits;
    private final Prompts prompts;

    /**
     * How much agents may say.
     *
     * @param messageBytes the greatest size of a message
     * @param grownBytes the size to which a message may grow
     * @param pageBytes the greatest size of what a conversation is made of
     * @param silence how long an agent may send nothing
     */
    public record Limits(int messageBytes, int grownBytes, int pageBytes, Duration silence) {}

    /** What has become of a call. */
    enum Outcome {
        /** The agent has answered, or its run has ended otherwise. */
        DONE,
        /** Nothing was said: the agent may be called again after a pause. */
        FAILED,
        /** Nothing was said, and it was not the agent's fault. */
        NOT_NOW,
        /** The agent is no more. */
        GIVE_UP
    }

    /** Whether a call still has its wake. */
    static final class Hold {
        private @Nullable StreamedAnswer answer;
        private boolean lost;
        private boolean stopped;

        /** Somebody else has the wake. */
        synchronized void lose() {
            lost = true;
            look();
        }

        /** The server stops. */
        synchronized void stop() {
            stopped = true;
            look();
        }

        synchronized boolean isLost() {
            return lost;
        }

        synchronized boolean isStopped() {
            return stopped;
        }

        private synchronized void read(@Nullable StreamedAnswer now) {
            answer = now;
            look();
        }

        /** Something may have happened. */
        synchronized void look() {
            if (answer != null) {
                answer.look();
            }
        }
    }

    AgentAnswers(
            Engine engine,
            AgentSpecs specs,
            WebhookKeys keys,
            WebhookClient client,
            InstantSource clock,
            CallNotes notes,
            Limits limits) {
        this.engine = engine;
        this.agents = new NamedAgents(engine);
        this.specs = specs;
        this.keys = keys;
        this.client = client;
        this.clock = clock;
        this.notes = notes;
        this.limits = limits;
        this.prompts = new Prompts(engine.sessions(), limits.pageBytes());
    }

    /** Does what a wake asks for. */
    Outcome answer(Wake wake, Hold hold) throws InterruptedException {
        SessionState session = engine.sessions().find(wake.session());
        Named named = agents.of(wake.session()).get(wake.agentId());
        Agent.Endpoint endpoint = named == null ? null : named.agent().endpoint();
        if (session == null || named == null || endpoint == null || !endpoint.streams()) {
            return Outcome.NOT_NOW;
        }
        Collection<Prompts.Task> tasks = prompts.tasks(session, wake);
        if (tasks == null) {
            notes.note(wake, 0, "its input is not in the newest part of the session");
            return Outcome.FAILED;
        }
        for (Prompts.Task task : tasks) {
            String runId = Objects.requireNonNullElse(task.resumed(), wake.id());
            // What has begun with this wake before has ended with whoever has begun it.
            if (!engine.sessions().messages().isKnown(session, RunWriter.beginId(wake, runId))) {
                Prompts.Order order = prompts.order(session, wake, task);
                Outcome outcome =
                        order == null ? Outcome.DONE : new Call(wake, hold, named, endpoint, task, order).make();
                if (outcome != Outcome.DONE) {
                    return outcome;
                }
            }
        }
        return Outcome.DONE;
    }

    /** One call of an agent, on one thread. */
    private final class Call {
        private final Wake wake;
        private final Hold hold;
        private final Named named;
        private final Agent.Endpoint endpoint;
        private final Prompts.Task task;
        private final Prompts.Order order;
        private final String runId;
        private final RunWriter writer;
        private final DataLines lines = new DataLines();
        private final AnswerChunks chunks = new AnswerChunks();
        private long received;

        Call(Wake wake, Hold hold, Named named, Agent.Endpoint endpoint, Prompts.Task task, Prompts.Order order) {
            this.wake = wake;
            this.hold = hold;
            this.named = named;
            this.endpoint = endpoint;
            this.task = task;
            this.order = order;
            this.runId = order.frame().runId();
            this.writer = new RunWriter(engine, clock, wake, order, limits);
        }

        Outcome make() throws InterruptedException {
            try {
                Outcome outcome = say();
                if (chunks.skipped() > 0) {
                    notes.note(wake, OK, chunks.skipped() + " lines of the answer were not understood");
                }
                return outcome;
            } catch (NoLongerOursException e) {
                LOG.info(
                        "the agent {} of {} says no more: {}",
                        wake.agentId(),
                        wake.session().key(),
                        e.getMessage());
                return writer.hasBegun() ? Outcome.DONE : Outcome.NOT_NOW;
            } catch (RefusedException | TooLongException e) {
                return fail(e.getMessage());
            } catch (IOException | WireException | BrokenSealException e) {
                return hold.isStopped() && !writer.hasBegun()
                        ? Outcome.NOT_NOW
                        : fail(
                                hold.isStopped()
                                        ? "The server was stopped."
                                        : "The agent has failed: " + e.getMessage());
            }
        }

        /** The agent has failed: its run ends, if it has begun. */
        private Outcome fail(@Nullable String why) throws InterruptedException {
            String said = Objects.requireNonNullElse(why, "The agent has failed.");
            notes.note(wake, 0, said);
            LOG.info(
                    "the agent {} of {} has failed: {}",
                    wake.agentId(),
                    wake.session().key(),
                    said);
            if (!writer.hasBegun()) {
                return Outcome.FAILED;
            }
            return breakOff(said);
        }

        private Outcome breakOff(@Nullable String failure) throws InterruptedException {
            try {
                writer.breakOff(failure);
                return Outcome.DONE;
            } catch (NoLongerOursException e) {
                return Outcome.DONE;
            } catch (RefusedException | IOException e) {
                // The run ends when the wake is given back.
                LOG.warn(
                        "the run {} of {} could not be ended",
                        runId,
                        wake.session().key(),
                        e);
                return Outcome.FAILED;
            }
        }

        private Outcome say()
                throws IOException, WireException, BrokenSealException, NoLongerOursException, RefusedException,
                        TooLongException, InterruptedException {
            AgentSpecs.Call call = specs.call(named.place(wake.session()), wake.agentId(), endpoint);
            ObjectNode body = call.body();
            body.set("messages", order.messages());
            byte[] bytes = body.put("stream", true).toString().getBytes(StandardCharsets.UTF_8);
            Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            headers.putAll(call.headers());
            headers.put("Accept", EVENT_STREAM);
            headers.put(WAKE_HEADER, wake.id());
            String signature = keys.sign(bytes, clock.millis() / 1000);
            // Whatever happens in the session, the reader of the answer looks at it.
            try (var _ = engine.delivery().tail(wake.session(), null, false, hold::look);
                    StreamedAnswer answer = client.open(specs.url(endpoint), bytes, headers, signature)) {
                hold.read(answer);
                return read(answer);
            } finally {
                hold.read(null);
            }
        }

        private Outcome read(StreamedAnswer answer)
                throws IOException, NoLongerOursException, RefusedException, TooLongException, InterruptedException {
            long began = System.nanoTime();
            long heard = began;
            while (true) {
                long now = System.nanoTime();
                long left = MAX_ANSWER.toNanos() - (now - began);
                // Counted from what the agent has sent last, however much others say meanwhile.
                long patience = limits.silence().toNanos() - (now - heard);
                switch (answer.next(Duration.ofNanos(Math.min(patience, left)))) {
                    case StreamedAnswer.Head(int status, String type) -> {
                        heard = System.nanoTime();
                        notes.note(
                                wake,
                                status,
                                status == OK && !type.equals(EVENT_STREAM) ? "the answer is " + type : "");
                        if (status == GONE) {
                            return Outcome.GIVE_UP;
                        }
                        if (status != OK || !type.equals(EVENT_STREAM)) {
                            LOG.info(
                                    "the agent {} of {} answered {} {}",
                                    wake.agentId(),
                                    wake.session().key(),
                                    status,
                                    type);
                            return Outcome.FAILED;
                        }
                        writer.begin(task.resumed() != null);
                    }
                    case StreamedAnswer.Piece(Buffer bytes) -> {
                        heard = System.nanoTime();
                        received += bytes.length();
                        if (received > MAX_ANSWER_BYTES) {
                            throw new RefusedException("The answer has more than " + MAX_ANSWER_BYTES + " bytes.");
                        }
                        take(lines.read(bytes));
                        if (chunks.isOver()) {
                            return end();
                        }
                    }
                    case StreamedAnswer.End() -> {
                        take(lines.rest());
                        return end();
                    }
                    case StreamedAnswer.Late() -> {
                        return fail(
                                left < patience
                                        ? "The answer has taken more than " + MAX_ANSWER.toMinutes() + " minutes."
                                        : "The agent has sent nothing for too long.");
                    }
                    case StreamedAnswer.Look() -> {
                        Outcome outcome = look();
                        if (outcome != null) {
                            return outcome;
                        }
                    }
                }
            }
        }

        private void take(List<String> data)
                throws IOException, NoLongerOursException, RefusedException, InterruptedException {
            for (String line : data) {
                if (!chunks.isOver()) {
                    chunks.read(line);
                    for (var chunk : chunks.take()) {
                        writer.add(chunk);
                    }
                }
            }
            writer.flush();
        }

        /** The answer is at its end. */
        private Outcome end() throws IOException, NoLongerOursException, RefusedException, InterruptedException {
            String failure = chunks.failure();
            if (failure != null) {
                return fail(failure.length() > MAX_REASON_CHARS ? failure.substring(0, MAX_REASON_CHARS) : failure);
            }
            boolean waits = chunks.waits();
            writer.end(chunks.end(), waits);
            return Outcome.DONE;
        }

        /** What has happened in the session that ends the call; null if nothing has. */
        private @Nullable Outcome look()
                throws IOException, NoLongerOursException, RefusedException, InterruptedException {
            if (hold.isStopped()) {
                return writer.hasBegun() ? breakOff("The server was stopped.") : Outcome.NOT_NOW;
            }
            SessionState session = engine.sessions().find(wake.session());
            if (session == null || hold.isLost()) {
                throw new NoLongerOursException("somebody else has the wake, or it is no more");
            }
            if (session.control().mode() == Control.Mode.PERSON) {
                throw new NoLongerOursException("a person has taken over");
            }
            if (writer.hasBegun() && engine.sessions().runs().find(session, runId) == null) {
                throw new NoLongerOursException("the run was ended by somebody else");
            }
            if (engine.sessions()
                    .runs()
                    .isCancelled(session, runId, order.frame().inputMessageId())) {
                if (!writer.hasBegun()) {
                    writer.begin(task.resumed() != null);
                }
                return breakOff(null);
            }
            return null;
        }
    }
}
