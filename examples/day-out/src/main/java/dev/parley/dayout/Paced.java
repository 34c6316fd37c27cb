package dev.parley.dayout;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;

/** A model that takes a pause before each piece of an answer, as real ones do. */
final class Paced implements StreamingChatModel {
    /** Takes a pause, on the thread of the model. */
    @FunctionalInterface
    interface Pause {
        void take() throws InterruptedException;
    }

    private final StreamingChatModel model;
    private final Pause pause;

    Paced(StreamingChatModel model, Pause pause) {
        this.model = model;
        this.pause = pause;
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        model.doChat(request, new Slow(handler));
    }

    private final class Slow implements StreamingChatResponseHandler {
        private final StreamingChatResponseHandler handler;

        Slow(StreamingChatResponseHandler handler) {
            this.handler = handler;
        }

        /** Runs it after a pause, unless the answer was cancelled meanwhile. */
        private void later(Runnable task) {
            try {
                pause.take();
                task.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            later(() -> handler.onPartialResponse(piece, context));
        }

        @Override
        public void onPartialToolCall(PartialToolCall piece, PartialToolCallContext context) {
            later(() -> handler.onPartialToolCall(piece, context));
        }

        @Override
        public void onCompleteToolCall(CompleteToolCall call) {
            handler.onCompleteToolCall(call);
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            handler.onCompleteResponse(response);
        }

        @Override
        public void onError(Throwable error) {
            handler.onError(error);
        }
    }
}
