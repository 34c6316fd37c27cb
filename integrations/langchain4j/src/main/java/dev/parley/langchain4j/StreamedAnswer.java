package dev.parley.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.parley.client.Registration;
import dev.parley.client.agent.CancelToken;
import dev.parley.client.agent.ModelRound;
import dev.parley.client.agent.Output;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a model answers in one round, written as it comes. The model calls on threads of its own; what goes wrong there is thrown
 * to whoever waits.
 *
 * <p>A model need not call anything after its stream was cancelled. So a cancel itself ends the wait.
 */
final class StreamedAnswer implements StreamingChatResponseHandler {
    private static final Logger LOG = LoggerFactory.getLogger(StreamedAnswer.class);

    private final ModelRound round;
    private final Output output;
    private final CancelToken token;
    private final CountDownLatch over = new CountDownLatch(1);
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /** The handle of the model's stream; none until it has said something. */
    private final AtomicReference<@Nullable StreamingHandle> handle = new AtomicReference<>();

    /** All below is guarded by this object. */
    private final Map<Integer, String> callIds = new HashMap<>();

    private int calls;
    private boolean saidText;
    private boolean saidThinking;

    StreamedAnswer(ModelRound round) {
        this.round = round;
        this.output = round.output();
        this.token = round.run().cancelToken();
    }

    /** Asks the model, and waits until it has finished. */
    void await(StreamingChatModel model, ChatRequest request) throws InterruptedException {
        Registration hook = token.onCancel(this::cancelled);
        try {
            token.throwIfCancelled();
            model.chat(request, this);
            over.await();
        } catch (InterruptedException e) {
            close();
            token.throwIfCancelled();
            throw e;
        } finally {
            hook.close();
        }
        token.throwIfCancelled();
        Throwable failed = failure.get();
        if (failed instanceof Error error) {
            throw error;
        }
        if (failed instanceof RuntimeException known) {
            throw known;
        }
        if (failed != null) {
            throw new IllegalStateException("The model has failed: " + failed.getMessage(), failed);
        }
    }

    private void cancelled() {
        close();
        over.countDown();
    }

    private void close() {
        StreamingHandle open = handle.get();
        if (open == null || open.isCancelled()) {
            return;
        }
        try {
            open.cancel();
        } catch (RuntimeException e) {
            // Some models have a handle that only throws.
            LOG.debug(
                    "The model of run {} cannot be stopped; it speaks to nobody.",
                    round.run().id(),
                    e);
        }
    }

    private void fail(Throwable error) {
        failure.compareAndSet(null, error);
        over.countDown();
    }

    /** Writes something. What fails ends the round, and the model's stream with it. */
    private synchronized void write(@Nullable StreamingHandle given, Runnable task) {
        if (given != null) {
            handle.set(given);
        }
        if (over.getCount() == 0 || token.isCancelled()) {
            close();
            return;
        }
        try {
            task.run();
        } catch (RuntimeException e) {
            close();
            fail(e);
        }
    }

    // What the model says

    @Override
    public void onPartialResponse(String text) {
        write(null, () -> text(text));
    }

    @Override
    public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
        write(context.streamingHandle(), () -> text(part.text()));
    }

    @Override
    public void onPartialThinking(PartialThinking part) {
        write(null, () -> thinking(part.text()));
    }

    @Override
    public void onPartialThinking(PartialThinking part, PartialThinkingContext context) {
        write(context.streamingHandle(), () -> thinking(part.text()));
    }

    @Override
    public void onPartialToolCall(PartialToolCall part) {
        write(null, () -> toolInput(part));
    }

    @Override
    public void onPartialToolCall(PartialToolCall part, PartialToolCallContext context) {
        write(context.streamingHandle(), () -> toolInput(part));
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall call) {
        write(null, () -> toolCall(call.index(), call.toolExecutionRequest()));
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
        write(null, () -> finish(response.aiMessage()));
        over.countDown();
    }

    @Override
    public void onError(Throwable error) {
        fail(error);
    }

    private void text(@Nullable String text) {
        if (text != null && !text.isEmpty()) {
            saidText = true;
            output.text(text);
        }
    }

    private void thinking(@Nullable String text) {
        if (text != null && !text.isEmpty()) {
            saidThinking = true;
            output.reasoning(text);
        }
    }

    private void toolInput(PartialToolCall part) {
        String id = callIds.computeIfAbsent(part.index(), index -> round.callId(part.id()));
        output.toolInput(id, part.name(), part.partialArguments());
    }

    private void toolCall(int index, ToolExecutionRequest request) {
        String id = callIds.computeIfAbsent(index, key -> round.callId(request.id()));
        calls++;
        round.toolCall(id, request.name(), request.arguments());
    }

    /** Says what the model has said only at the end, as models do that do not stream all of it. */
    private void finish(AiMessage message) {
        if (!saidThinking) {
            thinking(message.thinking());
        }
        if (!saidText) {
            text(message.text());
        }
        List<ToolExecutionRequest> requests = message.toolExecutionRequests();
        for (int i = calls; requests != null && i < requests.size(); i++) {
            toolCall(i, requests.get(i));
        }
        ChatMessages.metadata(message).ifPresent(output::write);
    }
}
