package dev.parley.springai;

import dev.parley.client.agent.ModelMessage;
import dev.parley.conversation.UiChunk;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.util.ClassUtils;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The properties that a model gives its answer. Models think there, each in its own way, and some want to be sent again what
 * they have put there, such as the signature of what they thought: the session keeps that in the metadata of the message.
 */
final class ProviderProperties {
    /** OpenAI and those who speak like it: all that was thought so far, in every piece. It is sent to the model again. */
    private static final String REASONING = "reasoningContent";

    /** Google: the piece is a thought. */
    private static final String IS_THOUGHT = "isThought";

    /** Ollama and Mistral: what was thought in this piece. */
    private static final List<String> THOUGHTS = List.of("thinking", "thinking_content");

    /**
     * Anthropic: what was thought, with signatures, at the end of the answer. It has to be sent again with the results of tools,
     * and is then read only as a list of this type, which Spring AI does not publish.
     */
    private static final String SIGNED = "anthropicThinkingContents";

    static final String SIGNED_TYPE = "org.springframework.ai.anthropic.AnthropicChatModel$AnthropicThinkingContent";

    /** What no model reads in a message that it is sent. */
    private static final Set<String> PASSING = Set.of(
            IS_THOUGHT,
            "thinking",
            "thinking_content",
            "annotations",
            "finishReason",
            "id",
            "index",
            "messageType",
            "refusal",
            "role");

    private static final Logger LOG = LoggerFactory.getLogger(ProviderProperties.class);
    private static final String METADATA = "springAi";
    private static final String BYTES = "base64";

    private final Map<String, JsonNode> kept = new HashMap<>();
    private String reasoning = "";

    /** Whether the text of a piece with these properties is what the model thinks. */
    static boolean isThought(Map<String, Object> properties) {
        return Boolean.parseBoolean(String.valueOf(properties.get(IS_THOUGHT)));
    }

    /** Adds the properties of a piece, and gives what the model thinks in it. */
    String add(Map<String, Object> properties) {
        properties.forEach((name, value) -> {
            JsonNode node = PASSING.contains(name) || name.equals(REASONING) ? null : toJson(value);
            if (node != null) {
                kept.put(name, node);
            }
        });
        if (properties.get(SIGNED) instanceof List<?> contents) {
            return signed(contents);
        }
        for (String name : THOUGHTS) {
            if (properties.get(name) instanceof String thought && !thought.isEmpty()) {
                return thought;
            }
        }
        if (properties.get(REASONING) instanceof String all && !all.isEmpty()) {
            String thought = all.startsWith(reasoning) ? all.substring(reasoning.length()) : all;
            reasoning = all.startsWith(reasoning) ? all : reasoning + all;
            // The text itself is in the session already.
            kept.put(REASONING, JsonNodeFactory.instance.booleanNode(true));
            return thought;
        }
        return "";
    }

    private String signed(List<?> contents) {
        JsonNode node = JsonMapper.shared().valueToTree(contents);
        kept.put(SIGNED, node);
        return node.valueStream()
                .map(content -> content.path("thinking").asString(""))
                .filter(thought -> !thought.isEmpty())
                .collect(Collectors.joining("\n\n"));
    }

    /** What the session is to keep. */
    Optional<UiChunk> metadata() {
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode metadata = JsonMapper.shared().createObjectNode();
        metadata.putObject(METADATA).setAll(kept);
        return Optional.of(UiChunk.of("message-metadata").with("messageMetadata", metadata));
    }

    /** The properties that the message of a round had. */
    static Map<String, Object> of(ModelMessage.Answered round) {
        JsonNode metadata = round.metadata();
        JsonNode kept = metadata == null ? null : metadata.get(METADATA);
        Map<String, Object> properties = new HashMap<>();
        if (kept != null) {
            kept.propertyStream().forEach(property -> {
                String name = property.getKey();
                Object value = switch (name) {
                    case REASONING -> round.thinking();
                    case SIGNED -> signed(property.getValue());
                    default -> fromJson(property.getValue());
                };
                if (value != null) {
                    properties.put(name, value);
                }
            });
        }
        return properties;
    }

    /** The contents as the model reads them; null if they are not well-formed, or the model of the answer is not here. */
    private static @Nullable List<?> signed(JsonNode contents) {
        try {
            Class<?> type = ClassUtils.forName(SIGNED_TYPE, null);
            List<Object> read = new ArrayList<>();
            for (JsonNode content : contents) {
                read.add(JsonMapper.shared().treeToValue(content, type));
            }
            return read;
        } catch (ClassNotFoundException | LinkageError | JacksonException e) {
            LOG.debug("The thoughts of an earlier answer cannot be sent again.", e);
            return null;
        }
    }

    /** A value as JSON; null if it is empty, or of a type that could not be made of JSON again. */
    private static @Nullable JsonNode toJson(@Nullable Object value) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        if (value instanceof String text) {
            return text.isEmpty() ? null : nodes.stringNode(text);
        }
        if (value instanceof Boolean || value instanceof Integer || value instanceof Long || value instanceof Double) {
            return JsonMapper.shared().valueToTree(value);
        }
        if (value instanceof byte[] bytes) {
            return nodes.objectNode().put(BYTES, Base64.getEncoder().encodeToString(bytes));
        }
        if (value instanceof List<?> list && !list.isEmpty()) {
            ArrayNode array = nodes.arrayNode();
            for (Object element : list) {
                JsonNode node = toJson(element);
                if (node == null) {
                    return null;
                }
                array.add(node);
            }
            return array;
        }
        if (value instanceof Map<?, ?> map && !map.isEmpty()) {
            ObjectNode object = nodes.objectNode();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                JsonNode node = entry.getKey() instanceof String ? toJson(entry.getValue()) : null;
                if (node == null) {
                    return null;
                }
                object.set(String.valueOf(entry.getKey()), node);
            }
            return object;
        }
        return null;
    }

    private static @Nullable Object fromJson(JsonNode node) {
        if (node.isObject()) {
            JsonNode bytes = node.size() == 1 ? node.get(BYTES) : null;
            return bytes != null && bytes.isString() ? decode(bytes.stringValue()) : map(node);
        }
        if (node.isArray()) {
            List<Object> list = new ArrayList<>();
            for (JsonNode element : node) {
                Object value = fromJson(element);
                if (value != null) {
                    list.add(value);
                }
            }
            return list;
        }
        if (node.isNumber()) {
            return node.numberValue();
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        return node.isString() ? node.stringValue() : null;
    }

    private static Map<String, Object> map(JsonNode node) {
        Map<String, Object> map = new HashMap<>();
        node.propertyStream().forEach(property -> {
            Object value = fromJson(property.getValue());
            if (value != null) {
                map.put(property.getKey(), value);
            }
        });
        return map;
    }

    private static byte @Nullable [] decode(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            // Somebody else has used the name.
            return null;
        }
    }
}
