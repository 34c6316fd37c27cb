package dev.parley.langchain4j.testing;

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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A streaming model that answers as it is told, without a network and without a clock. It speaks on a thread of its own for each
 * request, and can be cancelled: it then calls nothing any more, as the models of LangChain4j do.
 */
public final class ScriptedChatModel implements StreamingChatModel {
    private final Function<ChatRequest, Answer> answers;
    private final List<ChatRequest> requests = new CopyOnWriteArrayList<>();
    private final AtomicInteger cancellations = new AtomicInteger();
    private final AtomicInteger threads = new AtomicInteger();

    private ScriptedChatModel(Function<ChatRequest, Answer> answers) {
        this.answers = answers;
    }

    /**
     * {@return a model that gives these answers, one to each request; further requests fail}
     *
     * @param answers in the order in which they are given
     */
    public static ScriptedChatModel of(Answer... answers) {
        var next = new AtomicInteger();
        return new ScriptedChatModel(request -> {
            int at = next.getAndIncrement();
            return at < answers.length
                    ? answers[at]
                    : Answer.begin().fail(new IllegalStateException("There is no answer to request " + (at + 1) + "."));
        });
    }

    /**
     * {@return a model whose answer depends on the request, for agents that are started again}
     *
     * @param answers gives the answer to a request
     */
    public static ScriptedChatModel answering(Function<ChatRequest, Answer> answers) {
        return new ScriptedChatModel(answers);
    }

    /** {@return the requests so far} */
    public List<ChatRequest> requests() {
        return List.copyOf(requests);
    }

    /** {@return how many answers were cancelled before their end} */
    public int cancellations() {
        return cancellations.get();
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        requests.add(request);
        Speaker speaker = new Speaker(answers.apply(request), handler);
        Thread thread = new Thread(speaker, "scripted-model-" + threads.incrementAndGet());
        thread.setDaemon(true);
        speaker.start(thread);
    }

    private final class Speaker implements Runnable, StreamingHandle {
        private final Answer answer;
        private final StreamingChatResponseHandler handler;
        private final StringBuilder text = new StringBuilder();
        private final StringBuilder thinking = new StringBuilder();
        private final List<ToolExecutionRequest> calls = new ArrayList<>();
        private final Map<String, Object> attributes = new HashMap<>();
        private @Nullable Thread thread;
        private boolean cancelled;
        private boolean done;

        Speaker(Answer answer, StreamingChatResponseHandler handler) {
            this.answer = answer;
            this.handler = handler;
        }

        synchronized void start(Thread given) {
            thread = given;
            given.start();
        }

        @Override
        public synchronized void cancel() {
            Thread working = thread;
            if (!cancelled && !done && working != null) {
                cancelled = true;
                cancellations.incrementAndGet();
                if (!working.equals(Thread.currentThread())) {
                    working.interrupt();
                }
            }
        }

        @Override
        public synchronized boolean isCancelled() {
            return cancelled;
        }

        private synchronized boolean finish() {
            done = !cancelled;
            return done;
        }

        @Override
        public void run() {
            try {
                for (Answer.Piece piece : answer.pieces()) {
                    if (isCancelled()) {
                        return;
                    }
                    if (piece instanceof Answer.Failure failure) {
                        if (finish()) {
                            handler.onError(failure.error());
                        }
                        return;
                    }
                    say(piece);
                }
            } catch (InterruptedException e) {
                // It was cancelled while it waited.
                return;
            }
            if (finish()) {
                handler.onCompleteResponse(
                        ChatResponse.builder().aiMessage(message()).build());
            }
        }

        private void say(Answer.Piece piece) throws InterruptedException {
            if (piece instanceof Answer.Text said) {
                text.append(said.text());
                handler.onPartialResponse(new PartialResponse(said.text()), new PartialResponseContext(this));
            } else if (piece instanceof Answer.Thinking thought) {
                thinking.append(thought.text());
                handler.onPartialThinking(new PartialThinking(thought.text()), new PartialThinkingContext(this));
            } else if (piece instanceof Answer.Await await) {
                await.latch().await();
            } else if (piece instanceof Answer.Attribute attribute) {
                attributes.put(attribute.name(), attribute.value());
            } else if (piece instanceof Answer.ToolCall call) {
                call(call);
            }
        }

        private void call(Answer.ToolCall call) {
            String arguments = call.arguments();
            int half = arguments.length() / 2;
            for (String part : List.of(arguments.substring(0, half), arguments.substring(half))) {
                if (!part.isEmpty() && !isCancelled()) {
                    handler.onPartialToolCall(
                            PartialToolCall.builder()
                                    .index(calls.size())
                                    .id(call.id())
                                    .name(call.name())
                                    .partialArguments(part)
                                    .build(),
                            new PartialToolCallContext(this));
                }
            }
            ToolExecutionRequest request = ToolExecutionRequest.builder()
                    .id(call.id())
                    .name(call.name())
                    .arguments(arguments)
                    .build();
            calls.add(request);
            if (!isCancelled()) {
                handler.onCompleteToolCall(new CompleteToolCall(calls.size() - 1, request));
            }
        }

        private AiMessage message() {
            return AiMessage.builder()
                    .text(text.isEmpty() ? null : text.toString())
                    .thinking(thinking.isEmpty() ? null : thinking.toString())
                    .toolExecutionRequests(calls)
                    .attributes(attributes)
                    .build();
        }
    }
}
