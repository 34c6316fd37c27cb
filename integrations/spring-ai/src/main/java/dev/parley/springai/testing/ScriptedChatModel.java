package dev.parley.springai.testing;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/**
 * A streaming model that answers as it is told, without a network and without a clock. It speaks on a thread of its own for each
 * prompt, and stops when its subscription is cancelled. As the models of Spring AI do, it marks what it thinks by a property of
 * the message ({@code isThought}), and gives calls of tools whole.
 */
public final class ScriptedChatModel implements ChatModel {
    private final Function<Prompt, Answer> answers;
    private final List<Prompt> prompts = new CopyOnWriteArrayList<>();
    private final AtomicInteger cancellations = new AtomicInteger();
    private final AtomicInteger threads = new AtomicInteger();

    private ScriptedChatModel(Function<Prompt, Answer> answers) {
        this.answers = answers;
    }

    /**
     * {@return a model that gives these answers, one to each prompt; further prompts fail}
     *
     * @param answers the answers, in the order in which they are given
     */
    public static ScriptedChatModel of(Answer... answers) {
        var next = new AtomicInteger();
        return new ScriptedChatModel(prompt -> {
            int at = next.getAndIncrement();
            return at < answers.length
                    ? answers[at]
                    : Answer.begin().fail(new IllegalStateException("There is no answer to prompt " + (at + 1) + "."));
        });
    }

    /**
     * {@return a model whose answer depends on the prompt, for agents that are started again}
     *
     * @param answers gives the answer to a prompt
     */
    public static ScriptedChatModel answering(Function<Prompt, Answer> answers) {
        return new ScriptedChatModel(answers);
    }

    /** {@return the prompts so far} */
    public List<Prompt> prompts() {
        return List.copyOf(prompts);
    }

    /** {@return how many answers were cancelled before their end} */
    public int cancellations() {
        return cancellations.get();
    }

    @Override
    public ChatOptions getOptions() {
        return ToolCallingChatOptions.builder().build();
    }

    @Override
    public ChatResponse call(Prompt prompt) {
        var whole = new AtomicReference<@Nullable ChatResponse>();
        new MessageAggregator().aggregate(stream(prompt), whole::set).blockLast();
        return Objects.requireNonNull(whole.get(), "an answer");
    }

    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        return Flux.create(sink -> {
            prompts.add(prompt);
            Answer answer = answers.apply(prompt);
            Thread thread = new Thread(() -> speak(answer, sink), "scripted-model-" + threads.incrementAndGet());
            thread.setDaemon(true);
            sink.onCancel(() -> {
                cancellations.incrementAndGet();
                thread.interrupt();
            });
            thread.start();
        });
    }

    private static void speak(Answer answer, FluxSink<ChatResponse> sink) {
        try {
            for (Answer.Piece piece : answer.pieces()) {
                if (sink.isCancelled()) {
                    return;
                }
                if (piece instanceof Answer.Failure failure) {
                    sink.error(failure.error());
                    return;
                }
                say(piece, sink);
            }
            sink.complete();
        } catch (InterruptedException e) {
            // It was cancelled while it waited.
        }
    }

    private static void say(Answer.Piece piece, FluxSink<ChatResponse> sink) throws InterruptedException {
        AssistantMessage.Builder<?> message = AssistantMessage.builder();
        if (piece instanceof Answer.Await await) {
            await.latch().await();
            return;
        }
        if (piece instanceof Answer.Text said) {
            message.content(said.text());
        } else if (piece instanceof Answer.Thinking thought) {
            message.content(thought.text()).properties(Map.of("isThought", true));
        } else if (piece instanceof Answer.Property property) {
            message.content("").properties(Map.of(property.name(), property.value()));
        } else if (piece instanceof Answer.ToolCall call) {
            String id = Objects.requireNonNullElse(call.id(), "");
            message.content("")
                    .toolCalls(List.of(new AssistantMessage.ToolCall(id, "function", call.name(), call.arguments())));
        }
        sink.next(new ChatResponse(List.of(new Generation(message.build()))));
    }
}
