package dev.parley.springai;

import dev.parley.client.Registration;
import dev.parley.client.agent.CancelToken;
import dev.parley.client.agent.ModelRound;
import dev.parley.client.agent.Output;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

/**
 * What a model answers in one round, written as it comes, on the thread of the run: those on which models speak must not block.
 *
 * <p>A model need not say anything more after a cancel. So the cancel itself ends the wait.
 */
final class StreamedAnswer extends BaseSubscriber<ChatResponse> {
    /** How many pieces may wait until they are written. */
    private static final int WAITING = 64;

    private sealed interface Heard {}

    private record Piece(ChatResponse response) implements Heard {}

    private record End(@Nullable Throwable error) implements Heard {}

    private final ModelRound round;
    private final Output output;
    private final CancelToken token;
    private final ProviderProperties properties = new ProviderProperties();

    /** Bounded by what is asked for. */
    private final LinkedBlockingQueue<Heard> heard = new LinkedBlockingQueue<>();

    StreamedAnswer(ModelRound round) {
        this.round = round;
        this.output = round.output();
        this.token = round.run().cancelToken();
    }

    /** Asks the model, and writes until it has finished. */
    void await(ChatModel model, Prompt prompt) throws InterruptedException {
        Registration hook = token.onCancel(this::cancelled);
        try {
            token.throwIfCancelled();
            // On a thread of its own, since a model may block until it has answered, and a cancel must not wait for
            // that.
            Flux.from((Publisher<ChatResponse>) subscriber -> ask(model, prompt, subscriber))
                    .subscribeOn(Schedulers.boundedElastic())
                    .subscribe(this);
            Heard next = heard.take();
            while (next instanceof Piece piece) {
                token.throwIfCancelled();
                write(piece.response());
                request(1);
                next = heard.take();
            }
            token.throwIfCancelled();
            if (next instanceof End end && end.error() != null) {
                throw failure(end.error());
            }
        } catch (InterruptedException e) {
            token.throwIfCancelled();
            throw e;
        } finally {
            hook.close();
            dispose();
        }
        properties.metadata().ifPresent(output::write);
    }

    private void ask(ChatModel model, Prompt prompt, Subscriber<? super ChatResponse> subscriber) {
        try {
            model.stream(prompt).subscribe(subscriber);
        } catch (Throwable e) {
            // Also what Reactor throws at whoever subscribes and tells no subscriber, such as a method that is not
            // there.
            heard.add(new End(e));
        }
    }

    private void cancelled() {
        heard.add(new End(null));
        dispose();
    }

    private static RuntimeException failure(Throwable error) {
        if (error instanceof Error fatal) {
            throw fatal;
        }
        return error instanceof RuntimeException known
                ? known
                : new IllegalStateException("The model has failed: " + error.getMessage(), error);
    }

    // The model's stream, on its threads

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        request(WAITING);
    }

    @Override
    protected void hookOnNext(ChatResponse response) {
        heard.add(new Piece(response));
    }

    @Override
    protected void hookOnComplete() {
        heard.add(new End(null));
    }

    @Override
    protected void hookOnError(Throwable error) {
        heard.add(new End(error));
    }

    // What the model says

    private void write(ChatResponse response) {
        // A piece of an answer may come as several generations: Gemini's parts do.
        for (Generation generation : response.getResults()) {
            AssistantMessage message = generation.getOutput();
            Map<String, Object> given = message.getMetadata();
            boolean isThought = ProviderProperties.isThought(given);
            thinking(properties.add(given));
            String text = message.getText();
            if (text != null && isThought) {
                thinking(text);
            } else if (text != null && !text.isEmpty()) {
                output.text(text);
            }
            for (AssistantMessage.ToolCall call : message.getToolCalls()) {
                round.toolCall(round.callId(call.id()), call.name(), call.arguments());
            }
        }
    }

    private void thinking(String text) {
        if (!text.isEmpty()) {
            output.reasoning(text);
        }
    }
}
