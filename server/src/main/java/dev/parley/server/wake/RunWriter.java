package dev.parley.server.wake;

import dev.parley.conversation.Headers;
import dev.parley.conversation.Node;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.OutputWriter;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.UiChunk;
import dev.parley.conversation.WireForm;
import dev.parley.engine.Engine;
import dev.parley.engine.OverloadedException;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.NotHeld;
import dev.parley.engine.session.SessionOutcome.TakenOver;
import dev.parley.engine.session.Wake;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says what an agent answers in a run of the session, under the lease of its wake. One command is on its way at a time: what comes meanwhile
 * is joined. Used by one thread.
 */
final class RunWriter {
    /** The greatest size of all that is said in one answer. */
    static final int MAX_SAID_BYTES = 1 << 20;

    /** The greatest number of messages of the session that one answer becomes. */
    static final int MAX_MESSAGES = 1_000;

    /** How long one attempt to say something waits for room, and how long all do. */
    private static final Duration ROOM_WAIT = Duration.ofSeconds(1);

    static final Duration MAX_ROOM_WAIT = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(RunWriter.class);

    /** Somebody else decides by now what becomes of the wake, or a person speaks: nothing more is said here. */
    static final class NoLongerOursException extends Exception {
        private static final long serialVersionUID = 1;

        NoLongerOursException(String message) {
            super(message);
        }
    }

    /** What the agent says cannot be said. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1;

        RefusedException(String message) {
            super(message);
        }
    }

    private final Engine engine;
    private final InstantSource clock;
    private final Wake wake;
    private final String runId;
    private final RunContext frame;
    private final AgentAnswers.Limits limits;
    private final int messageBytes;
    private final OutputWriter output;
    private final RunNotes notes = new RunNotes();

    /** What is to be said next. */
    private final List<OutputWriter.Write> pending = new ArrayList<>();

    /** The serials of what grows, or has grown. */
    private final Map<String, Long> serials = new HashMap<>();

    private long saidBytes;
    private int messages;
    private boolean begun;

    RunWriter(Engine engine, InstantSource clock, Wake wake, Prompts.Order order, AgentAnswers.Limits limits) {
        this.engine = engine;
        this.clock = clock;
        this.wake = wake;
        this.frame = order.frame();
        this.runId = frame.runId();
        this.limits = limits;
        this.messageBytes = limits.messageBytes();
        this.output = new OutputWriter(order.context(), null, messageId(wake, runId), List.of());
    }

    /** The id of the message that an answer is in the conversation. A run may have several. */
    private static String messageId(Wake wake, String runId) {
        return wake.id().equals(runId) ? wake.id() + "-answer" : wake.id() + "-" + runId;
    }

    /** The id of the message with which a wake begins a run, or goes on with one. The session has it once. */
    static String beginId(Wake wake, String runId) {
        return wake.id() + ":begin:" + runId;
    }

    /** Whether the run has begun. */
    boolean hasBegun() {
        return begun;
    }

    /**
     * Begins the run, or goes on with it.
     *
     * @param resumes whether it goes on
     */
    void begin(boolean resumes) throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        OutboundMessage message = resumes ? RunMessages.resume(frame) : RunMessages.start(frame);
        say(List.of(create(message, beginId(wake, runId))));
        begun = true;
        add(UiChunk.of("start"));
        add(UiChunk.of("start-step"));
    }

    /** Takes what is said next. It is said when {@link #flush} is called, or there is much of it. */
    void add(UiChunk chunk) throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        try {
            add(output.write(chunk));
        } catch (IllegalArgumentException e) {
            throw new RefusedException("The agent has said something that has no place here: " + e.getMessage() + ".");
        }
    }

    private void add(OutputWriter.Write write)
            throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        if (write instanceof OutputWriter.Append append) {
            if (!serials.containsKey(append.streamId())) {
                flush();
            }
            OutputWriter.Append before = pending.isEmpty()
                            || !(pending.getLast() instanceof OutputWriter.Append last)
                            || !last.streamId().equals(append.streamId())
                    ? null
                    : last;
            for (String text : split(append.text())) {
                count(text.length());
                if (before != null && before.text().length() + text.length() <= messageBytes / 4) {
                    pending.removeLast();
                    text = before.text() + text;
                }
                pending.add(new OutputWriter.Append(append.streamId(), text, append.headers(), append.isLast()));
                before = null;
                if (text.length() > messageBytes / 8) {
                    flush();
                }
            }
        } else if (write instanceof OutputWriter.Publish publish) {
            messages++;
            if (messages > MAX_MESSAGES) {
                throw new RefusedException("The answer consists of more than " + MAX_MESSAGES + " messages.");
            }
            pending.add(publish);
        }
    }

    private void count(long bytes) throws RefusedException {
        saidBytes += bytes;
        if (saidBytes > MAX_SAID_BYTES) {
            throw new RefusedException("The answer has more than " + MAX_SAID_BYTES + " bytes.");
        }
    }

    /** A text in pieces, each of which is no message that is too large. */
    private List<String> split(String text) {
        int most = messageBytes / 4;
        if (text.length() <= most) {
            return List.of(text);
        }
        List<String> pieces = new ArrayList<>();
        for (int from = 0; from < text.length(); ) {
            int to = Math.min(text.length(), from + most);
            if (to < text.length() && Character.isHighSurrogate(text.charAt(to - 1))) {
                to--;
            }
            pieces.add(text.substring(from, to));
            from = to;
        }
        return pieces;
    }

    /** Says what was taken, and waits until it is durable. */
    void flush() throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        if (!pending.isEmpty()) {
            List<OutputWriter.Write> writes = List.copyOf(pending);
            pending.clear();
            List<Said> said = new ArrayList<>();
            for (OutputWriter.Write write : writes) {
                said.add(write(write));
            }
            List<Long> positions = say(said);
            for (int i = 0; i < writes.size(); i++) {
                if (writes.get(i) instanceof OutputWriter.Publish publish && publish.streamId() != null) {
                    serials.put(publish.streamId(), positions.get(i));
                }
            }
        }
    }

    /**
     * Ends the run.
     *
     * @param last what is said before
     * @param waits whether it waits for somebody
     */
    void end(List<UiChunk> last, boolean waits)
            throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        for (UiChunk chunk : last) {
            if (chunk.type().equals("finish")) {
                add(UiChunk.of("finish-step"));
            }
            add(chunk);
        }
        flush();
        say(List.of(create(
                waits ? RunMessages.suspend(frame) : RunMessages.end(frame, RunStatus.COMPLETE, null), newId())));
    }

    /**
     * Ends the run before the answer was at its end.
     *
     * @param failure why; null if it was cancelled
     */
    void breakOff(@Nullable String failure)
            throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        pending.clear();
        for (OutputWriter.Write write : output.cancel()) {
            if (write instanceof OutputWriter.Append append && serials.containsKey(append.streamId())) {
                try {
                    say(List.of(write(append)));
                } catch (RefusedException e) {
                    LOG.debug("somebody has deleted it, so that it need not be closed", e);
                }
            }
        }
        OutboundMessage end = failure == null
                ? RunMessages.end(frame, RunStatus.CANCELLED, null)
                : RunMessages.end(frame, RunStatus.ERROR, new Node.RunError(WireForm.STREAM_ERROR, failure));
        say(List.of(create(end, newId())));
    }

    /** A message as it is published, and as what it means for runs is read from it. */
    private record Said(MessageOp operation, InboundMessage message) {}

    private String newId() {
        return wake.id() + ":" + wake.epoch() + ":" + runId + ":" + messages++;
    }

    private Said write(OutputWriter.Write write) throws RefusedException {
        return switch (write) {
            case OutputWriter.Publish publish -> {
                Said said = create(publish.message(), newId());
                count(said.message().size());
                yield said;
            }
            case OutputWriter.Append append -> append(append);
        };
    }

    private Said create(OutboundMessage message, String id) throws RefusedException {
        InboundMessage inbound;
        try {
            inbound = InboundMessage.read(message.toJson());
        } catch (WireException e) {
            throw new RefusedException("The agent has said something that no message can have: " + e.getMessage());
        }
        if (inbound.size() > messageBytes) {
            throw new RefusedException("The agent has said more than " + messageBytes + " bytes at once.");
        }
        var create = new MessageOp.Create(id, true, wake.agentId(), null, inbound.body(), inbound.ephemeral());
        return new Said(create, inbound);
    }

    private Said append(OutputWriter.Append append) {
        long serial = Objects.requireNonNull(serials.get(append.streamId()));
        Headers headers = append.headers();
        var body = new Body(
                null, Data.of(append.text()), null, headers.toExtras(false).toString());
        var by = new Operation(wake.agentId(), null, null);
        var change =
                new MessageOp.Change(MessageEntry.Action.APPEND, serial, body, by, true, false, limits.grownBytes());
        var inbound = new InboundMessage(
                InboundMessage.Action.APPEND, null, Serials.render(serial), null, null, null, body, false, by);
        return new Said(change, inbound);
    }

    /** Says something, as soon as there is room for it. */
    private List<Long> say(List<Said> said)
            throws IOException, NoLongerOursException, RefusedException, InterruptedException {
        long until = System.nanoTime() + MAX_ROOM_WAIT.toNanos();
        var publish = new Publish(
                wake.session(),
                clock.millis(),
                null,
                said.stream().map(Said::operation).toList(),
                notes.of(wake.session().name(), said.stream().map(Said::message).toList()));
        var speak = new Speak(publish, wake.agentId(), wake.id(), wake.epoch(), runId);
        while (true) {
            try {
                return positions(engine.submit(speak).get());
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof OverloadedException) || System.nanoTime() - until > 0) {
                    throw new IOException("The session could not take what the agent has said.", e.getCause());
                }
                awaitRoom();
            }
        }
    }

    private void awaitRoom() throws InterruptedException {
        CountDownLatch room = new CountDownLatch(1);
        var waiting = engine.whenRoom(room::countDown);
        if (!room.await(ROOM_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
            waiting.cancel();
        }
    }

    private static List<Long> positions(SessionOutcome.OfPublish outcome)
            throws NoLongerOursException, RefusedException {
        return switch (outcome) {
            case Accepted(List<Long> positions) -> positions;
            case NotHeld n -> throw new NoLongerOursException("somebody else has the wake, or it is no more");
            case TakenOver t -> throw new NoLongerOursException("a person has taken over");
            default ->
                throw new RefusedException("What the agent has said was refused, since it was changed or deleted.");
        };
    }
}
