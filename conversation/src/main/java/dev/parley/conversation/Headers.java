package dev.parley.conversation;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a message of a session says about itself in its extras: how it is to be placed ({@code extras.ai.transport}) and how
 * it is to be read ({@code extras.ai.codec}). The names of headers stand in {@link WireForm}.
 *
 * @param transport the headers that say which run, step and message it belongs to
 * @param codec the headers that say what its data is
 */
public record Headers(Map<String, String> transport, Map<String, String> codec) {
    /** No headers: the message does not belong to the conversation. */
    public static final Headers NONE = new Headers(Map.of(), Map.of());

    /** Copies the maps. */
    public Headers {
        transport = Map.copyOf(transport);
        codec = Map.copyOf(codec);
    }

    /**
     * Reads the extras of a message; what is not in AI Transport's form is passed over.
     *
     * @param extras the extras; null if there are none
     * @return the headers
     */
    public static Headers of(@Nullable JsonNode extras) {
        if (extras == null || !extras.path(WireForm.AI).isObject()) {
            return NONE;
        }
        return new Headers(
                texts(extras.path(WireForm.AI).path(WireForm.TRANSPORT)),
                texts(extras.path(WireForm.AI).path(WireForm.CODEC)));
    }

    private static Map<String, String> texts(JsonNode tier) {
        Map<String, String> texts = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> header : tier.properties()) {
            if (header.getValue().isString()) {
                texts.put(header.getKey(), header.getValue().stringValue());
            }
        }
        return texts;
    }

    /** {@return whether there are none} */
    public boolean isEmpty() {
        return transport.isEmpty() && codec.isEmpty();
    }

    /**
     * {@return the transport header of a name, null if there is none}
     *
     * @param name the header's name
     */
    public @Nullable String get(String name) {
        return transport.get(name);
    }

    /**
     * {@return the transport header of a name, if there is one}
     *
     * @param name the header's name
     */
    public Optional<String> find(String name) {
        return Optional.ofNullable(transport.get(name));
    }

    /**
     * {@return the codec header of a name, null if there is none}
     *
     * @param name the header's name
     */
    public @Nullable String codec(String name) {
        return codec.get(name);
    }

    /** {@return the kind of input or output, empty if it does not say} */
    public String kind() {
        return codec.getOrDefault(WireForm.KIND, "");
    }

    /** {@return whether the message grows by appends} */
    public boolean streams() {
        return WireForm.TRUE.equals(transport.get(WireForm.STREAM));
    }

    /** Whether a message with these headers belongs where one with the others does: they differ only in how far it is. */
    boolean placesAs(Headers other) {
        if (transport.size() != other.transport.size()) {
            return false;
        }
        for (Map.Entry<String, String> header : transport.entrySet()) {
            String name = header.getKey();
            if (!name.equals(WireForm.STATUS) && !header.getValue().equals(other.transport.get(name))) {
                return false;
            }
        }
        return true;
    }

    /**
     * {@return these headers as the extras of a message}
     *
     * @param ephemeral whether the message is for those who are listening now and not for the log
     */
    public ObjectNode toExtras(boolean ephemeral) {
        ObjectNode extras = JsonMapper.shared().createObjectNode();
        ObjectNode ai = extras.putObject(WireForm.AI);
        ObjectNode placed = ai.putObject(WireForm.TRANSPORT);
        transport.forEach(placed::put);
        if (!codec.isEmpty()) {
            ObjectNode read = ai.putObject(WireForm.CODEC);
            codec.forEach(read::put);
        }
        if (ephemeral) {
            extras.put("ephemeral", true);
        }
        return extras;
    }
}
