package dev.parley.dayout;

import dev.langchain4j.model.anthropic.AnthropicStreamingChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.parley.langchain4j.testing.ScriptedChatModel;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The model behind Bernard, by the environment: Anthropic's with {@code ANTHROPIC_API_KEY}, one that speaks OpenAI's protocol with
 * {@code OPENAI_API_KEY} or {@code OPENAI_BASE_URL}, and the {@link Planner} without any of them. {@code MODEL} names another than
 * the usual one.
 */
public final class Models {
    private static final String ANTHROPIC = "claude-sonnet-4-5";
    private static final String OPENAI = "gpt-5-mini";
    private static final int MAX_TOKENS = 4_096;

    /** Reading speed. */
    private static final String WORD_MS = "55";

    private Models() {}

    /**
     * {@return the model}
     *
     * @param environment as {@link System#getenv()} has it
     */
    public static StreamingChatModel choose(Map<String, String> environment) {
        String name = value(environment, "MODEL");
        String anthropic = value(environment, "ANTHROPIC_API_KEY");
        if (anthropic != null) {
            return AnthropicStreamingChatModel.builder()
                    .apiKey(anthropic)
                    .modelName(name == null ? ANTHROPIC : name)
                    .maxTokens(MAX_TOKENS)
                    .build();
        }
        String key = value(environment, "OPENAI_API_KEY");
        String address = value(environment, "OPENAI_BASE_URL");
        if (key != null || address != null) {
            var openAi = OpenAiStreamingChatModel.builder()
                    // Servers on one's own machine want none, but the client does.
                    .apiKey(key == null ? "none" : key)
                    .modelName(name == null ? OPENAI : name);
            return address == null ? openAi.build() : openAi.baseUrl(address).build();
        }
        long pause = Long.parseLong(environment.getOrDefault("WORD_MS", WORD_MS));
        return new Paced(ScriptedChatModel.answering(new Planner()), () -> Thread.sleep(Duration.ofMillis(pause)));
    }

    /** An empty variable is none. */
    private static @Nullable String value(Map<String, String> environment, String name) {
        String value = environment.get(name);
        return value == null || value.isBlank() ? null : value;
    }
}
