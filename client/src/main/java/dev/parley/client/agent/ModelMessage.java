package dev.parley.client.agent;

import dev.parley.conversation.Part;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message that a model is sent: what stands in a session, in a form of which the messages of any framework can be made.
 *
 * <p>Data is left out, since it is for programs, and so are messages of which nothing remains.
 */
public sealed interface ModelMessage {
    /**
     * What the model is told by neither a person nor an agent.
     *
     * @param text the text
     */
    record Instructions(String text) implements ModelMessage {}

    /**
     * What a person says.
     *
     * @param contents at least one, in the order in which they were sent
     */
    record Said(List<Content> contents) implements ModelMessage {
        /** Copies the contents. */
        public Said {
            contents = List.copyOf(contents);
        }
    }

    /**
     * What an agent says in one round with a model. Has a text that is not empty, or calls.
     *
     * @param text all its texts, one after the other
     * @param thinking all that was thought before them
     * @param calls the calls of tools that have been made in it, except those that the model's provider has executed itself
     * @param metadata that of the message; rounds of one message share it
     */
    record Answered(
            String text,
            String thinking,
            List<ToolCall> calls,
            @Nullable JsonNode metadata) implements ModelMessage {
        /** Copies the calls. */
        public Answered {
            calls = List.copyOf(calls);
        }
    }

    /** A part of what a person says. */
    sealed interface Content {}

    /**
     * A text, or the name and the type of a file that is no {@link Media}.
     *
     * @param text the text
     */
    record Text(String text) implements Content {}

    /**
     * A file that models can see or hear. Its content is well-formed, or it has an absolute address with the scheme {@code http}
     * or {@code https}: some models read what they are given an address of, on the machine of the agent.
     *
     * @param kind what it is
     * @param mediaType its media type, without parameters
     * @param file the file
     */
    record Media(Kind kind, String mediaType, Part.File file) implements Content {
        /** What a file is. */
        public enum Kind {
            /** An image. */
            IMAGE,
            /** A sound. */
            AUDIO,
            /** A video. */
            VIDEO,
            /** A document. */
            PDF
        }
    }

    /**
     * {@return the messages of a prompt}
     *
     * @param prompt what the model is to answer
     */
    static List<ModelMessage> of(Prompt prompt) {
        return ModelMessages.of(prompt);
    }

    /**
     * {@return the arguments with which a call is made as JSON; an empty object if they are no object}
     *
     * @param call the call
     */
    static String arguments(ToolCall call) {
        JsonNode input = call.effectiveInput();
        return input != null && input.isObject() ? input.toString() : "{}";
    }

    /**
     * {@return what a model is told about a call that has no result: that it has failed, or why it was not made; null if it has
     * one}
     *
     * @param call the call
     */
    static @Nullable String withoutResult(ToolCall call) {
        return switch (call.state()) {
            case OUTPUT_AVAILABLE -> null;
            case OUTPUT_ERROR -> Objects.requireNonNullElse(call.errorText(), "");
            case OUTPUT_DENIED -> denied(call.approval());
            case INPUT_STREAMING, INPUT_AVAILABLE, APPROVAL_REQUESTED, APPROVAL_RESPONDED -> "There is no result.";
        };
    }

    private static String denied(ToolCall.@Nullable Approval approval) {
        String reason = approval == null ? null : approval.reason();
        String denied = "A person has not approved the call.";
        return reason == null || reason.isBlank() ? denied : denied + " The reason given: " + reason;
    }
}
