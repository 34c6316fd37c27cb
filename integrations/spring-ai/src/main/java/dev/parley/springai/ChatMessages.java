package dev.parley.springai;

import dev.parley.client.agent.ModelMessage;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage.ToolResponse;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.util.MimeTypeUtils;

/**
 * What stands in a session, as the messages of Spring AI that a model is sent; {@link ModelMessage} says what that is.
 *
 * <p>A round with the model becomes an {@link AssistantMessage} with its texts and its calls of tools, and a
 * {@link ToolResponseMessage} with their results, which are JSON as those of Spring AI are. What the model has thought goes back
 * to it only in the way in which it wants to have it. What people have sent keeps its texts, images, sounds, videos and PDFs; of
 * other files the model is told the name and the type.
 */
public final class ChatMessages {
    private ChatMessages() {}

    /**
     * {@return the messages of a prompt}
     *
     * @param systemMessage what stands before them; null if nothing
     * @param prompt what the model is to answer
     */
    public static List<Message> of(@Nullable String systemMessage, Prompt prompt) {
        List<Message> messages = new ArrayList<>();
        if (systemMessage != null) {
            messages.add(new SystemMessage(systemMessage));
        }
        for (ModelMessage message : ModelMessage.of(prompt)) {
            if (message instanceof ModelMessage.Instructions instructions) {
                messages.add(new SystemMessage(instructions.text()));
            } else if (message instanceof ModelMessage.Said said) {
                messages.add(user(said));
            } else if (message instanceof ModelMessage.Answered answered) {
                addRound(answered, messages);
            }
        }
        return messages;
    }

    private static UserMessage user(ModelMessage.Said said) {
        List<String> texts = new ArrayList<>();
        List<org.springframework.ai.content.Media> media = new ArrayList<>();
        for (ModelMessage.Content content : said.contents()) {
            if (content instanceof ModelMessage.Text text) {
                texts.add(text.text());
            } else if (content instanceof ModelMessage.Media file) {
                media.add(media(file));
            }
        }
        return UserMessage.builder()
                .text(String.join("\n\n", texts))
                .media(media)
                .build();
    }

    private static org.springframework.ai.content.Media media(ModelMessage.Media media) {
        var builder =
                org.springframework.ai.content.Media.builder().mimeType(MimeTypeUtils.parseMimeType(media.mediaType()));
        media.file()
                .content()
                .ifPresentOrElse(
                        builder::data,
                        () -> builder.data(URI.create(media.file().url())));
        return builder.build();
    }

    private static void addRound(ModelMessage.Answered round, List<Message> to) {
        to.add(AssistantMessage.builder()
                .content(round.text())
                .properties(ProviderProperties.of(round))
                .toolCalls(round.calls().stream().map(ChatMessages::request).toList())
                .build());
        if (!round.calls().isEmpty()) {
            to.add(ToolResponseMessage.builder()
                    .responses(
                            round.calls().stream().map(ChatMessages::response).toList())
                    .build());
        }
    }

    private static AssistantMessage.ToolCall request(ToolCall call) {
        return new AssistantMessage.ToolCall(
                call.toolCallId(), "function", call.toolName(), ModelMessage.arguments(call));
    }

    private static ToolResponse response(ToolCall call) {
        String data =
                Objects.requireNonNullElseGet(ModelMessage.withoutResult(call), () -> String.valueOf(call.output()));
        return new ToolResponse(call.toolCallId(), call.toolName(), data);
    }
}
