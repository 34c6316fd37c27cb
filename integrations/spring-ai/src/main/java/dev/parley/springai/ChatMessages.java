package dev.parley.springai;

import dev.parley.conversation.Message;
import dev.parley.conversation.Part;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage.ToolResponse;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.content.Media;
import org.springframework.util.MimeTypeUtils;
import tools.jackson.databind.JsonNode;

/**
 * What stands in a session, as the messages of Spring AI that a model is sent.
 *
 * <p>A round with the model becomes an {@link AssistantMessage} with its texts and its calls of tools, and a
 * {@link ToolResponseMessage} with their results, which are JSON as those of Spring AI are. What the model has thought goes back
 * to it only in the way in which it wants to have it. What people have sent keeps its texts, images, sounds, videos and PDFs; of
 * other files the model is told the name and the type. Data is left out, since it is for programs.
 */
public final class ChatMessages {
    private static final String NO_RESULT = "There is no result.";
    private static final String DENIED = "A person has not approved the call.";
    private static final Set<String> MEDIA = Set.of("image", "audio", "video");

    private ChatMessages() {}

    /**
     * {@return the messages of a prompt}
     *
     * @param systemMessage what stands before them; null if nothing
     * @param prompt what the model is to answer
     */
    public static List<org.springframework.ai.chat.messages.Message> of(@Nullable String systemMessage, Prompt prompt) {
        List<org.springframework.ai.chat.messages.Message> messages = new ArrayList<>();
        if (systemMessage != null) {
            messages.add(new SystemMessage(systemMessage));
        }
        for (Message message : prompt.messages()) {
            switch (message.role()) {
                case USER -> addSaid(message, messages);
                case SYSTEM -> messages.add(new SystemMessage(message.text()));
                case ASSISTANT -> addRounds(message, messages);
            }
        }
        return messages;
    }

    // What people have sent

    private static void addSaid(Message message, List<org.springframework.ai.chat.messages.Message> to) {
        List<String> texts = new ArrayList<>();
        List<Media> media = new ArrayList<>();
        for (Part part : message.parts()) {
            if (part instanceof Part.Text text && !text.text().isBlank()) {
                texts.add(text.text());
            } else if (part instanceof Part.File file) {
                Media shown = media(file);
                if (shown == null) {
                    texts.add(described(file));
                } else {
                    media.add(shown);
                }
            }
        }
        if (!texts.isEmpty() || !media.isEmpty()) {
            to.add(UserMessage.builder()
                    .text(String.join("\n\n", texts))
                    .media(media)
                    .build());
        }
    }

    /** A file that a model can see or hear; null if it can not, or if the file is not well-formed. */
    private static @Nullable Media media(Part.File file) {
        String type = file.mediaType();
        String kind = type.substring(0, Math.max(type.indexOf('/'), 0));
        if (!MEDIA.contains(kind) && !type.equals("application/pdf")) {
            return null;
        }
        try {
            Media.Builder media = Media.builder().mimeType(MimeTypeUtils.parseMimeType(type));
            file.content().ifPresentOrElse(media::data, () -> media.data(URI.create(file.url())));
            return media.build();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static String described(Part.File file) {
        boolean isHere = file.url().regionMatches(true, 0, "data:", 0, 5);
        return "(a file of type " + file.mediaType() + (file.filename() == null ? "" : ": " + file.filename())
                + (isHere ? "" : ", at " + file.url()) + ")";
    }

    // What agents have said

    private static final class Round {
        final StringBuilder text = new StringBuilder();
        final StringBuilder thinking = new StringBuilder();
        final List<ToolCall> calls = new ArrayList<>();

        void addTo(List<org.springframework.ai.chat.messages.Message> messages, Message from) {
            if (text.isEmpty() && calls.isEmpty()) {
                // Thinking alone is no message that a model takes.
                return;
            }
            messages.add(AssistantMessage.builder()
                    .content(text.toString())
                    .properties(ProviderProperties.of(from, thinking.toString()))
                    .toolCalls(calls.stream().map(ChatMessages::request).toList())
                    .build());
            if (!calls.isEmpty()) {
                messages.add(ToolResponseMessage.builder()
                        .responses(calls.stream().map(ChatMessages::response).toList())
                        .build());
            }
        }
    }

    private static void addRounds(Message message, List<org.springframework.ai.chat.messages.Message> to) {
        Round round = new Round();
        for (Part part : message.parts()) {
            // Another agent may have put several rounds into one message.
            boolean isNext = part instanceof Part.StepStart
                    || (!round.calls.isEmpty() && (part instanceof Part.Text || part instanceof Part.Reasoning));
            if (isNext) {
                round.addTo(to, message);
                round = new Round();
            }
            if (part instanceof Part.Text text) {
                round.text.append(text.text());
            } else if (part instanceof Part.Reasoning reasoning) {
                round.thinking.append(reasoning.text());
            } else if (part instanceof ToolCall call && !Boolean.TRUE.equals(call.providerExecuted())) {
                round.calls.add(call);
            }
        }
        round.addTo(to, message);
    }

    private static AssistantMessage.ToolCall request(ToolCall call) {
        return new AssistantMessage.ToolCall(call.toolCallId(), "function", call.toolName(), arguments(call));
    }

    /** The arguments of a call as JSON. */
    static String arguments(ToolCall call) {
        JsonNode input = call.input();
        return input != null && input.isObject() ? input.toString() : "{}";
    }

    private static ToolResponse response(ToolCall call) {
        String data = switch (call.state()) {
            case OUTPUT_AVAILABLE -> String.valueOf(call.output());
            case OUTPUT_ERROR -> Objects.requireNonNullElse(call.errorText(), "");
            case OUTPUT_DENIED -> denied(call.approval());
            case INPUT_STREAMING, INPUT_AVAILABLE, APPROVAL_REQUESTED, APPROVAL_RESPONDED -> NO_RESULT;
        };
        return new ToolResponse(call.toolCallId(), call.toolName(), data);
    }

    private static String denied(ToolCall.@Nullable Approval approval) {
        String reason = approval == null ? null : approval.reason();
        return reason == null || reason.isBlank() ? DENIED : DENIED + " The reason given: " + reason;
    }
}
