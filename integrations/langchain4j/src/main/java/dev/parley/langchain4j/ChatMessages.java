package dev.parley.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.AudioContent;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.PdfFileContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.message.VideoContent;
import dev.parley.conversation.Message;
import dev.parley.conversation.Part;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.UiChunk;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What stands in a session, as the messages of LangChain4j that a model is sent.
 *
 * <p>A round with the model becomes an {@link AiMessage} with its texts, its thinking and its calls of tools, and a result
 * message for each of these. What people have sent keeps its texts, images, sounds, videos and PDFs; of other files the model
 * is told the name and the type. Data is left out, since it is for programs.
 */
public final class ChatMessages {
    private static final String NO_RESULT = "There is no result.";
    private static final String DENIED = "A person has not approved the call.";
    private static final String METADATA = "langchain4j";
    private static final TypeReference<Map<String, Object>> ATTRIBUTES = new TypeReference<>() {};

    private ChatMessages() {}

    /**
     * The messages of a prompt.
     *
     * @param systemMessage what stands before them; null if nothing
     */
    public static List<ChatMessage> of(@Nullable String systemMessage, Prompt prompt) {
        List<ChatMessage> messages = new ArrayList<>();
        if (systemMessage != null) {
            messages.add(SystemMessage.from(systemMessage));
        }
        for (Message message : prompt.messages()) {
            switch (message.role()) {
                case USER -> addSaid(message, messages);
                case SYSTEM -> messages.add(SystemMessage.from(message.text()));
                case ASSISTANT -> addRounds(message, messages);
            }
        }
        return messages;
    }

    // What people have sent

    private static void addSaid(Message message, List<ChatMessage> to) {
        List<Content> contents = new ArrayList<>();
        for (Part part : message.parts()) {
            if (part instanceof Part.Text text && !text.text().isBlank()) {
                contents.add(TextContent.from(text.text()));
            } else if (part instanceof Part.File file) {
                contents.add(content(file));
            }
        }
        if (!contents.isEmpty()) {
            to.add(UserMessage.from(contents));
        }
    }

    private static Content content(Part.File file) {
        try {
            Content shown = shown(file);
            return shown == null ? described(file) : shown;
        } catch (IllegalArgumentException e) {
            // It is not well-formed. Whoever has sent it must not fail every run of the session.
            return described(file);
        }
    }

    /** A file that a model can see or hear; null if it can not. */
    private static @Nullable Content shown(Part.File file) {
        String type = file.mediaType();
        String kind = type.equals("application/pdf") ? "pdf" : type.substring(0, Math.max(type.indexOf('/'), 0));
        // Decoded and written anew, since what is not well-formed would fail at the model's provider.
        String content = file.content().map(Base64.getEncoder()::encodeToString).orElse(null);
        boolean isHere = content != null;
        String at = isHere ? content : file.url();
        return switch (kind) {
            case "image" -> isHere ? ImageContent.from(at, type) : ImageContent.from(at);
            case "audio" -> isHere ? AudioContent.from(at, type) : AudioContent.from(at);
            case "video" -> isHere ? VideoContent.from(at, type) : VideoContent.from(at);
            case "pdf" -> isHere ? PdfFileContent.from(at, type) : PdfFileContent.from(at);
            default -> null;
        };
    }

    private static Content described(Part.File file) {
        boolean isHere = file.url().regionMatches(true, 0, "data:", 0, 5);
        return TextContent.from("(a file of type " + file.mediaType()
                + (file.filename() == null ? "" : ": " + file.filename()) + (isHere ? "" : ", at " + file.url()) + ")");
    }

    // What agents have said

    private static final class Round {
        final StringBuilder text = new StringBuilder();
        final StringBuilder thinking = new StringBuilder();
        final List<ToolCall> calls = new ArrayList<>();

        void addTo(List<ChatMessage> messages, Map<String, Object> attributes) {
            if (text.isEmpty() && calls.isEmpty()) {
                // Thinking alone is no message that a model takes.
                return;
            }
            messages.add(AiMessage.builder()
                    .text(text.isEmpty() ? null : text.toString())
                    .thinking(thinking.isEmpty() ? null : thinking.toString())
                    .toolExecutionRequests(
                            calls.stream().map(ChatMessages::request).toList())
                    .attributes(attributes)
                    .build());
            calls.forEach(call -> messages.add(result(call)));
        }
    }

    private static void addRounds(Message message, List<ChatMessage> to) {
        Map<String, Object> attributes = attributes(message);
        Round round = new Round();
        for (Part part : message.parts()) {
            // Another agent may have put several rounds into one message.
            boolean isNext = part instanceof Part.StepStart
                    || (!round.calls.isEmpty() && (part instanceof Part.Text || part instanceof Part.Reasoning));
            if (isNext) {
                round.addTo(to, attributes);
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
        round.addTo(to, attributes);
    }

    static ToolExecutionRequest request(ToolCall call) {
        JsonNode input = call.input();
        return ToolExecutionRequest.builder()
                .id(call.toolCallId())
                .name(call.toolName())
                .arguments(input != null && input.isObject() ? input.toString() : "{}")
                .build();
    }

    private static ToolExecutionResultMessage result(ToolCall call) {
        String text = switch (call.state()) {
            case OUTPUT_AVAILABLE -> text(call.output());
            case OUTPUT_ERROR -> Objects.requireNonNullElse(call.errorText(), "");
            case OUTPUT_DENIED -> denied(call.approval());
            case INPUT_STREAMING, INPUT_AVAILABLE, APPROVAL_REQUESTED, APPROVAL_RESPONDED -> NO_RESULT;
        };
        return ToolExecutionResultMessage.builder()
                .id(call.toolCallId())
                .toolName(call.toolName())
                .text(text)
                .isError(call.state() != ToolCall.State.OUTPUT_AVAILABLE)
                .build();
    }

    private static String text(@Nullable JsonNode output) {
        if (output == null) {
            return "";
        }
        return output.isString() ? output.stringValue() : output.toString();
    }

    private static String denied(ToolCall.@Nullable Approval approval) {
        String reason = approval == null ? null : approval.reason();
        return reason == null || reason.isBlank() ? DENIED : DENIED + " The reason given: " + reason;
    }

    // What only the model's provider understands

    /** What is to be kept of an answer beside what it says, such as the signature of its thinking. */
    static Optional<UiChunk> metadata(AiMessage message) {
        Map<String, Object> kept = new HashMap<>(message.attributes());
        // Images are no attributes for the next request.
        kept.remove(AiMessage.GENERATED_IMAGES_KEY);
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode metadata = JsonMapper.shared().createObjectNode();
        metadata.set(METADATA, JsonMapper.shared().valueToTree(kept));
        return Optional.of(UiChunk.of("message-metadata").with("messageMetadata", metadata));
    }

    private static Map<String, Object> attributes(Message message) {
        JsonNode metadata = message.metadata();
        JsonNode kept = metadata == null ? null : metadata.get(METADATA);
        if (kept == null || !kept.isObject()) {
            return Map.of();
        }
        try {
            return JsonMapper.shared().treeToValue(kept, ATTRIBUTES);
        } catch (JacksonException e) {
            // Somebody else has used the name.
            return Map.of();
        }
    }
}
