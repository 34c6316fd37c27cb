package dev.parley.client;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message that is to be published, or a change that is to be made to one. What is null is left out; an update keeps what it
 * leaves out.
 *
 * @param name the message's name
 * @param data what it carries
 * @param extras further fields, such as {@code headers}; {@code {"ephemeral": true}} is for those who are there only
 * @param clientId who says it, if the credentials leave that open
 * @param id makes the publish idempotent beyond this client: a session has a message with an id once. The client sets one
 *     if this is null. Of several messages that are published together all ids are null, or {@code base:0},
 *     {@code base:1} and so on
 */
public record NewMessage(
        @Nullable String name,
        @Nullable Data data,
        @Nullable JsonNode extras,
        @Nullable String clientId,
        @Nullable String id) {

    /**
     * {@return a message with a name and data}
     *
     * @param name the name of the message, or null
     * @param data what it carries, or null
     */
    public static NewMessage of(@Nullable String name, @Nullable Data data) {
        return new NewMessage(name, data, null, null, null);
    }

    /**
     * {@return a message with a name and text}
     *
     * @param name the name of the message, or null
     * @param text what it says
     */
    public static NewMessage of(@Nullable String name, String text) {
        return of(name, Data.of(text));
    }

    /**
     * {@return the same with these extras, a JSON object}
     *
     * @param newExtras the extras, or null
     */
    public NewMessage withExtras(@Nullable JsonNode newExtras) {
        return new NewMessage(name, data, newExtras, clientId, id);
    }

    /**
     * {@return the same by this client}
     *
     * @param newClientId who says it, or null
     */
    public NewMessage withClientId(@Nullable String newClientId) {
        return new NewMessage(name, data, extras, newClientId, id);
    }

    /**
     * {@return the same with this id}
     *
     * @param newId the id, or null for one that the client chooses
     */
    public NewMessage withId(@Nullable String newId) {
        return new NewMessage(name, data, extras, clientId, newId);
    }
}
