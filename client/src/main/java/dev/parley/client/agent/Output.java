package dev.parley.client.agent;

import dev.parley.client.Message;
import dev.parley.client.NewMessage;
import dev.parley.client.Operation;
import dev.parley.client.ParleyException;
import dev.parley.client.Session;
import dev.parley.conversation.Headers;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.OutputWriter;
import dev.parley.conversation.Part;
import dev.parley.conversation.UiChunk;
import dev.parley.conversation.WireForm;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One message of an agent: what a model answers to one request. It grows in the session as it is written; its texts, tool
 * calls and other parts stand in the order in which they were begun. Close it when the model has finished.
 *
 * <p>An output in which nothing is written leaves no trace. Writing waits for the server only where a part begins, and while
 * too much is on its way. A piece of text that the server has refused, or of which it is not known whether the server has it,
 * is made good with the whole text.
 *
 * <p>All methods that write throw {@link CancellationException} once the run is to stop, and {@link IllegalStateException} if the
 * run has ended. Outputs are safe for use by several threads.
 */
public final class Output implements AutoCloseable {
    private static final String TEXT = "text";
    private static final String REASONING = "reasoning";

    /** How often a message whose appends have failed is written whole before that counts as a failure too. */
    private static final int REPAIRS = 5;

    /** Chunks that {@link #pipe(Flow.Publisher)} asks for at once. */
    private static final int PIPED = 64;

    private static final Set<String> OUTSIDE_ROUNDS =
            Set.of("start", "start-step", "finish-step", "finish", "message-metadata", "abort", "error");

    private final Run run;
    private final RunLog log;
    private final Session session;
    private final String messageId;

    /** Whether the message was begun by another output, which has framed it. */
    private final boolean amends;

    /** The step in which it is; null for one of its own. */
    private final @Nullable Step step;

    /** Made when something is written. */
    private @Nullable OutputWriter writer;

    /** The serials of the parts that grow. */
    private final Map<String, CompletableFuture<List<String>>> begun = new HashMap<>();

    /** Of everything that waits for its acknowledgement; completes without an error. */
    private final ArrayDeque<CompletableFuture<?>> pending = new ArrayDeque<>();

    /** The parts of which an append has failed since they were last written whole. */
    private final Set<String> broken = ConcurrentHashMap.newKeySet();

    private volatile @Nullable Throwable failure;

    private boolean started;
    private boolean inRound;
    private boolean finished;
    private boolean closed;
    private boolean brokenOff;
    private @Nullable String growing;
    private String growingKind = "";
    private int parts;

    Output(Run run, @Nullable Step step) {
        this(run, step, Ids.next(), false);
    }

    /** More about a message that was begun by another output. */
    static Output amending(Run run, Step step, String messageId) {
        return new Output(run, step, messageId, true);
    }

    private Output(Run run, @Nullable Step step, String messageId, boolean amends) {
        this.run = run;
        this.log = run.log();
        this.session = run.session();
        this.step = step;
        this.messageId = messageId;
        this.amends = amends;
    }

    /** {@return the id of the message} */
    public String messageId() {
        return messageId;
    }

    // What an agent says

    /**
     * Goes on with the text, or begins one after something else.
     *
     * @param delta what is added
     * @return this output
     */
    public Output text(String delta) {
        return run.writing(() -> grow(TEXT, delta));
    }

    /**
     * Goes on with what the model thinks, or begins with it after something else.
     *
     * @param delta what is added
     * @return this output
     */
    public Output reasoning(String delta) {
        return run.writing(() -> grow(REASONING, delta));
    }

    private Output grow(String kind, String delta) {
        String id = growing;
        if (id == null || !growingKind.equals(kind)) {
            endGrowing();
            id = kind + '-' + parts++;
            put(UiChunk.of(kind + "-start").with("id", id));
            growing = id;
            growingKind = kind;
        }
        put(UiChunk.of(kind + "-delta").with("id", id).with("delta", delta));
        return this;
    }

    private void endGrowing() {
        String id = growing;
        if (id != null) {
            growing = null;
            put(UiChunk.of(growingKind + "-end").with("id", id));
        }
    }

    /**
     * Goes on with the input of a tool call, which is JSON, piece by piece; begins the call if it is new.
     *
     * @param toolCallId the id of the call
     * @param toolName the name of the tool
     * @param delta a piece of the JSON
     * @return this output
     */
    public Output toolInput(String toolCallId, String toolName, String delta) {
        return run.writing(() -> {
            endGrowing();
            if (!begun.containsKey(toolCallId)) {
                put(UiChunk.of("tool-input-start")
                        .with("toolCallId", toolCallId)
                        .with("toolName", toolName));
            }
            put(UiChunk.of("tool-input-delta").with("toolCallId", toolCallId).with("inputTextDelta", delta));
            return this;
        });
    }

    /**
     * A call of a tool whose input is complete, whether it was written piece by piece before or not.
     *
     * @param toolCallId the id of the call
     * @param toolName the name of the tool
     * @param input the arguments; null if there are none
     * @return this output
     */
    public Output toolCall(String toolCallId, String toolName, @Nullable JsonNode input) {
        return write(UiChunk.toolInput(toolCallId, toolName, input));
    }

    /**
     * Asks people whether a call of this message may be executed. {@link Run#suspend} then, and go on when the run is resumed.
     *
     * @param toolCallId the id of the call
     * @return the id of the request
     */
    public String requestApproval(String toolCallId) {
        String id = Ids.next();
        write(UiChunk.approvalRequest(id, toolCallId));
        return id;
    }

    /**
     * The result of a call of this run.
     *
     * @param toolCallId the id of the call
     * @param output the result, or null
     * @return this output
     */
    public Output toolOutput(String toolCallId, @Nullable JsonNode output) {
        return write(UiChunk.toolOutput(toolCallId, output));
    }

    /**
     * A call of this run has failed.
     *
     * @param toolCallId the id of the call
     * @param text what went wrong, for the model
     * @return this output
     */
    public Output toolError(String toolCallId, String text) {
        return write(
                UiChunk.of("tool-output-error").with("toolCallId", toolCallId).with("errorText", text));
    }

    /**
     * A call of this run is not executed, because it was not approved.
     *
     * @param toolCallId the id of the call
     * @return this output
     */
    public Output toolDenied(String toolCallId) {
        return write(UiChunk.of("tool-output-denied").with("toolCallId", toolCallId));
    }

    /**
     * A file.
     *
     * @param file the file
     * @return this output
     */
    public Output file(Part.File file) {
        return write(UiChunk.of("file")
                .with("mediaType", file.mediaType())
                .with("url", file.url())
                .with("filename", file.filename())
                .with("providerMetadata", file.providerMetadata()));
    }

    /**
     * A page that the answer rests on.
     *
     * @param source the page
     * @return this output
     */
    public Output source(Part.UrlSource source) {
        return write(UiChunk.of("source-url")
                .with("sourceId", source.sourceId())
                .with("url", source.url())
                .with("title", source.title())
                .with("providerMetadata", source.providerMetadata()));
    }

    /**
     * Whatever the application wants to say; data of the same name and id takes the place of what was there.
     *
     * @param data the name, the id and the data
     * @return this output
     */
    public Output data(Part.Data data) {
        return write(UiChunk.of("data-" + data.name()).with("id", data.id()).with("data", data.data()));
    }

    /**
     * Data for those who watch now; it is not kept.
     *
     * @param name the name of the data
     * @param data the data
     * @return this output
     */
    public Output passing(String name, JsonNode data) {
        return write(UiChunk.of("data-" + name).with("data", data).with("transient", Boolean.TRUE));
    }

    /**
     * A chunk of a UI message stream of Vercel's AI SDK.
     *
     * @param chunk the chunk
     * @return this output
     * @throws IllegalArgumentException if it goes on with something that has not begun or has ended, or is of no known
     *     type
     */
    public Output write(UiChunk chunk) {
        return run.writing(() -> {
            endGrowing();
            put(chunk);
            return this;
        });
    }

    /**
     * Writes chunks as they come; blocks until there are no more. Stops in between when the run is to stop.
     *
     * @param chunks the chunks
     */
    public void pipe(Iterable<UiChunk> chunks) {
        for (UiChunk chunk : chunks) {
            write(chunk);
        }
    }

    /**
     * Writes the chunks of a publisher as they come; blocks until it has no more. It is cancelled when the run is to stop, and
     * asked for no more than the session takes.
     *
     * @param publisher has the chunks
     * @throws IllegalStateException if the publisher fails
     */
    public void pipe(Flow.Publisher<UiChunk> publisher) {
        new Pipe().run(publisher);
    }

    private sealed interface Piped {}

    private record Next(UiChunk chunk) implements Piped {}

    private record End(@Nullable Throwable error) implements Piped {}

    private record Stop() implements Piped {}

    private final class Pipe implements Flow.Subscriber<UiChunk> {
        /** Bounded by what is asked for. */
        private final LinkedBlockingQueue<Piped> queue = new LinkedBlockingQueue<>();

        private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

        void run(Flow.Publisher<UiChunk> publisher) {
            var hook = run.cancelToken().onCancel(() -> queue.add(new Stop()));
            publisher.subscribe(this);
            try {
                Piped next = queue.take();
                while (next instanceof Next piped) {
                    write(piped.chunk());
                    given().request(1);
                    next = queue.take();
                }
                if (next instanceof End end && end.error() != null) {
                    throw new IllegalStateException("What was piped has failed: " + end.error(), end.error());
                }
                run.cancelToken().throwIfCancelled();
            } catch (InterruptedException e) {
                throw SharedConversation.interrupted(e);
            } finally {
                hook.close();
                Flow.Subscription known = subscription.getNow(null);
                if (known != null) {
                    known.cancel();
                }
            }
        }

        /** It is there before the first chunk is. */
        private Flow.Subscription given() {
            return subscription.join();
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription.complete(given);
            given.request(PIPED);
        }

        @Override
        public void onNext(UiChunk chunk) {
            queue.add(new Next(chunk));
        }

        @Override
        public void onError(Throwable error) {
            queue.add(new End(error));
        }

        @Override
        public void onComplete() {
            queue.add(new End(null));
        }
    }

    // The end

    /** Ends the message, and waits until all of it is durable. If the run is to stop, the message is broken off. */
    @Override
    public void close() {
        run.closing(this);
    }

    @Nullable
    Step step() {
        return step;
    }

    boolean hasBegun() {
        return writer != null;
    }

    boolean isClosed() {
        return closed;
    }

    /** Ends the message; under the lock of the run's log. */
    void finish(String reason) {
        if (closed) {
            return;
        }
        try {
            endGrowing();
            if (started && !finished) {
                if (inRound) {
                    put(UiChunk.of("finish-step"));
                }
                put(UiChunk.of("finish").with("finishReason", reason));
            }
        } catch (RuntimeException e) {
            // What grows must not look as if it went on.
            breakOff();
            throw e;
        }
        closed = true;
        settle();
    }

    /** Breaks the message off: what grows says so, and what was said stays; under the lock of the run's log. */
    void breakOff() {
        if (closed) {
            return;
        }
        closed = true;
        brokenOff = true;
        growing = null;
        if (writer != null) {
            writer.cancel().forEach(this::send);
        }
        settle();
    }

    // Writing, under the lock of the run's log

    private void put(UiChunk chunk) {
        if (closed) {
            throw new IllegalStateException("This message has ended.");
        }
        Throwable failed = failure;
        if (failed != null) {
            throw thrown(failed);
        }
        OutputWriter known = writer;
        OutputWriter writer = known == null ? run.begin(this) : known;
        this.writer = writer;
        String type = chunk.type();
        if (!amends) {
            frame(writer, type);
        }
        send(writer.write(chunk));
    }

    private void frame(OutputWriter writer, String type) {
        if (!started && !type.equals("start")) {
            send(writer.write(UiChunk.of("start")));
        }
        started = true;
        if (!inRound && !OUTSIDE_ROUNDS.contains(type)) {
            send(writer.write(UiChunk.of("start-step")));
            inRound = true;
        } else if (type.equals("start-step") || type.equals("finish-step")) {
            inRound = type.equals("start-step");
        }
        finished |= type.equals("finish");
    }

    private void send(OutputWriter.Write write) {
        if (write instanceof OutputWriter.Publish publish) {
            send(publish.message(), publish.streamId());
        } else if (write instanceof OutputWriter.Append append) {
            append(append);
        }
    }

    private void send(OutboundMessage message, @Nullable String streamId) {
        CompletableFuture<List<String>> published = session.publishAsync(SessionMessages.write(message));
        if (streamId != null) {
            // Appends need the serial.
            begun.put(streamId, published);
            log.wrote(log.await(published).get(0));
            return;
        }
        track(published.handle((given, error) -> {
            if (error != null) {
                failure = error;
                log.refused(error);
            } else if (!message.ephemeral()) {
                log.wrote(given.get(0));
            }
            return Boolean.TRUE;
        }));
    }

    private void append(OutputWriter.Append append) {
        if (append.text().isEmpty() && !append.isLast()) {
            return;
        }
        String streamId = append.streamId();
        CompletableFuture<List<String>> published = begun.get(streamId);
        if (published == null || published.isCompletedExceptionally()) {
            // It could not be begun.
            return;
        }
        // It may not be known yet, if the thread was interrupted that has begun it.
        String serial = log.await(published).get(0);
        if (broken.contains(streamId) && !isTakenOver()) {
            repair(streamId);
            return;
        }
        NewMessage fragment = SessionMessages.text(append.text(), append.headers());
        track(send(streamId, serial, fragment).handle((version, error) -> {
            if (error == null) {
                version.ifPresent(log::wrote);
            } else {
                broken.add(streamId);
                log.refused(error);
            }
            return Boolean.TRUE;
        }));
    }

    private CompletableFuture<Optional<String>> send(String streamId, String serial, NewMessage fragment) {
        try {
            return session.appendAsync(serial, fragment);
        } catch (RuntimeException e) {
            // It is not even sent: there was no room in time, or the thread was interrupted.
            broken.add(streamId);
            throw e;
        }
    }

    private void track(CompletableFuture<?> sent) {
        while (!pending.isEmpty() && pending.peek().isDone()) {
            pending.poll();
        }
        pending.add(sent);
    }

    /** Waits until all that was written is acknowledged, and makes good what was not. */
    void settle() {
        for (CompletableFuture<?> sent = pending.poll(); sent != null; sent = pending.poll()) {
            log.await(sent);
        }
        if (isTakenOver()) {
            // What was refused is not to be said.
            return;
        }
        for (String streamId : List.copyOf(broken)) {
            repair(streamId);
        }
        Throwable failed = failure;
        if (failed != null) {
            throw thrown(failed);
        }
    }

    private boolean isTakenOver() {
        return run.takeover().isCancelled();
    }

    private static RuntimeException thrown(Throwable failed) {
        return failed instanceof RuntimeException known
                ? known
                : new IllegalStateException("A part of the message was not published.", failed);
    }

    /** Replaces what has grown with the whole text, after all appends that are on their way. */
    private void repair(String streamId) {
        for (CompletableFuture<?> sent = pending.poll(); sent != null; sent = pending.poll()) {
            log.await(sent);
        }
        OutputWriter.Append whole = Objects.requireNonNull(writer).whole(streamId);
        Headers headers = whole.headers();
        if (brokenOff && whole.isLast()) {
            Map<String, String> transport = new LinkedHashMap<>(headers.transport());
            transport.put(WireForm.STATUS, WireForm.CANCELLED);
            headers = new Headers(transport, headers.codec());
        }
        NewMessage content = SessionMessages.text(whole.text(), headers);
        String serial = log.await(Objects.requireNonNull(begun.get(streamId))).get(0);
        for (int attempt = 1; ; attempt++) {
            try {
                log.await(session.changeAsync(Message.Action.UPDATE, serial, content, Operation.NONE))
                        .ifPresent(log::wrote);
                broken.remove(streamId);
                return;
            } catch (ParleyException e) {
                boolean again = e.retryHelps() || e instanceof ParleyException.OutcomeUnknown;
                if (!again || attempt == REPAIRS) {
                    throw e;
                }
                log.pause();
            }
        }
    }
}
