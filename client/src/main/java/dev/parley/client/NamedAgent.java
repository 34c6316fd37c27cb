package dev.parley.client;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An agent that a session names: who is woken by what is said there. Begin with {@link #of}.
 *
 * @param id the client id under which the agent speaks
 * @param name how people call it; null for its id
 * @param trigger what wakes it
 * @param mentions the words that mention it, such as {@code @helper}; a {@code *} at the end of one stands for anything. Empty
 *     for its id behind an {@code @}
 * @param debounce for how long nothing more must be said before it is woken
 * @param endpoint where the server calls it; null if it {@linkplain SessionAgents#claim claims} its wakes
 * @param headers what a call has as headers, for example credentials. The server encrypts them and never shows them, so they
 *     are empty in what it {@linkplain SessionAgents#list lists}
 */
public record NamedAgent(
        String id,
        @Nullable String name,
        Trigger trigger,
        List<String> mentions,
        Duration debounce,
        @Nullable URI endpoint,
        Map<String, String> headers) {
    /** What wakes an agent. */
    public enum Trigger {
        /** Inputs of people, and inputs of agents that mention it. */
        USER_MESSAGES,
        /** Inputs that mention it. */
        MENTION,
        /** Inputs of anybody else. */
        ALL,
        /** Only {@link SessionAgents#wake}. */
        INVOCATION;

        String wireName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        private static Trigger of(@Nullable String wireName) {
            for (Trigger trigger : values()) {
                if (trigger.wireName().equals(wireName)) {
                    return trigger;
                }
            }
            throw new IllegalArgumentException("No trigger of an agent is called " + wireName + ".");
        }
    }

    /** Copies what may change. */
    public NamedAgent {
        mentions = List.copyOf(mentions);
        headers = Map.copyOf(headers);
    }

    /**
     * {@return an agent that is woken by what people say, and that claims its wakes}
     *
     * @param id the client id under which it speaks
     */
    public static NamedAgent of(String id) {
        return new NamedAgent(id, null, Trigger.USER_MESSAGES, List.of(), Duration.ZERO, null, Map.of());
    }

    /**
     * {@return the same with this name}
     *
     * @param newName how people call it
     */
    public NamedAgent withName(@Nullable String newName) {
        return new NamedAgent(id, newName, trigger, mentions, debounce, endpoint, headers);
    }

    /**
     * {@return the same, woken by this}
     *
     * @param newTrigger what wakes it
     */
    public NamedAgent withTrigger(Trigger newTrigger) {
        return new NamedAgent(id, name, newTrigger, mentions, debounce, endpoint, headers);
    }

    /**
     * {@return the same, woken when one of these words is said}
     *
     * @param words begin with an {@code @}
     */
    public NamedAgent withMentions(String... words) {
        return new NamedAgent(id, name, Trigger.MENTION, List.of(words), debounce, endpoint, headers);
    }

    /**
     * {@return the same, woken when nothing more was said for this time}
     *
     * @param quiet at most 10 minutes
     */
    public NamedAgent withDebounce(Duration quiet) {
        return new NamedAgent(id, name, trigger, mentions, quiet, endpoint, headers);
    }

    /**
     * {@return the same, called at this address}
     *
     * @param address an address that the server is allowed to call
     * @param newHeaders what a call has as headers
     */
    public NamedAgent withEndpoint(@Nullable URI address, Map<String, String> newHeaders) {
        return new NamedAgent(id, name, trigger, mentions, debounce, address, newHeaders);
    }

    void write(ObjectNode to) {
        to.put("id", id).put("triggers", trigger.wireName()).put("debounceMs", debounce.toMillis());
        if (name != null) {
            to.put("name", name);
        }
        if (!mentions.isEmpty()) {
            mentions.forEach(to.putArray("mentions")::add);
        }
        if (endpoint != null) {
            to.put("endpoint", endpoint.toString());
        }
        if (!headers.isEmpty()) {
            headers.forEach(to.putObject("headers")::put);
        }
    }

    static NamedAgent of(JsonNode json) {
        String endpoint = Wire.text(json, "endpoint");
        return new NamedAgent(
                Wire.required(json, "id"),
                Wire.text(json, "name"),
                Trigger.of(Wire.text(json, "triggers")),
                json.path("mentions").valueStream().map(JsonNode::asString).toList(),
                Duration.ofMillis(Wire.number(json, "debounceMs", 0)),
                endpoint == null ? null : URI.create(endpoint),
                Map.of());
    }
}
