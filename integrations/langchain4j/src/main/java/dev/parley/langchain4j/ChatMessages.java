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
import dev.parley.client.agent.ModelMessage;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.UiChunk;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What stands in a session, as the messages of LangChain4j that a model is sent; {@link ModelMessage} says what that is.
 *
 * <p>A round with the model becomes an {@link AiMessage} with its texts, its thinking and its calls of tools, and a result
 * message for each of these. What people have sent keeps its texts, images, sounds, videos and PDFs; of other files the model
 * is told the name and the type.
 */
public final class ChatMessages {
    private static final String METADATA = "langchain4j";
    private static final TypeReference<Map<String, Object>> ATTRIBUTES = new TypeReference<>() {};

    private ChatMessages() {}

    /**
     * {@return the messages of a prompt}
     *
     * @param systemMessage what stands before them; null if nothing
     * @param prompt what the model is to answer
     */
    public static List<ChatMessage> of(@Nullable String systemMessage, Prompt prompt) {
        List<ChatMessage> messages = new ArrayList<>();
        if (systemMessage != null) {
            messages.add(SystemMessage.from(systemMessage));
        }
        for (ModelMessage message : ModelMessage.of(prompt)) {
            if (message instanceof ModelMessage.Instructions instructions) {
                messages.add(SystemMessage.from(instructions.text()));
            } else if (message instanceof ModelMessage.Said said) {
                messages.add(UserMessage.from(
                        said.contents().stream().map(ChatMessages::content).toList()));
            } else if (message instanceof ModelMessage.Answered answered) {
                addRound(answered, messages);
            }
        }
        return messages;
    }

    private static Content content(ModelMessage.Content content) {
        return content instanceof ModelMessage.Media media
                ? media(media)
                : TextContent.from(((ModelMessage.Text) content).text());
    }

    private static Content media(ModelMessage.Media media) {
        String type = media.mediaType();
        // Decoded and written anew, since what is not well-formed would fail at the model's provider.
        String content =
                media.file().content().map(Base64.getEncoder()::encodeToString).orElse(null);
        boolean isHere = content != null;
        String at = isHere ? content : media.file().url();
        return switch (media.kind()) {
            case IMAGE -> isHere ? ImageContent.from(at, type) : ImageContent.from(at);
            case AUDIO -> isHere ? AudioContent.from(at, type) : AudioContent.from(at);
            case VIDEO -> isHere ? VideoContent.from(at, type) : VideoContent.from(at);
            case PDF -> isHere ? PdfFileContent.from(at, type) : PdfFileContent.from(at);
        };
    }

    private static void addRound(ModelMessage.Answered round, List<ChatMessage> to) {
        String thinking = round.thinking();
        to.add(AiMessage.builder()
                .text(round.text().isEmpty() ? null : round.text())
                .thinking(thinking.isEmpty() ? null : thinking)
                .toolExecutionRequests(round.calls().stream()
                        .map(call -> request(call, ModelMessage.arguments(call)))
                        .toList())
                .attributes(attributes(round.metadata()))
                .build());
        round.calls().forEach(call -> to.add(result(call)));
    }

    static ToolExecutionRequest request(ToolCall call, String arguments) {
        return ToolExecutionRequest.builder()
                .id(call.toolCallId())
                .name(call.toolName())
                .arguments(arguments)
                .build();
    }

    private static ToolExecutionResultMessage result(ToolCall call) {
        String failure = ModelMessage.withoutResult(call);
        return ToolExecutionResultMessage.builder()
                .id(call.toolCallId())
                .toolName(call.toolName())
                .text(failure == null ? text(call.output()) : failure)
                .isError(failure != null)
                .build();
    }

    private static String text(@Nullable JsonNode output) {
        if (output == null) {
            return "";
        }
        return output.isString() ? output.stringValue() : output.toString();
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

    private static Map<String, Object> attributes(@Nullable JsonNode metadata) {
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
