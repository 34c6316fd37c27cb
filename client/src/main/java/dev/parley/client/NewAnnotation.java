package dev.parley.client;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Something that is to be said about a message.
 *
 * @param type what kind of thing it says, and after a colon how such things are summed up: {@code reactions:unique.v1},
 *     {@code distinct.v1}, {@code multiple.v1}, {@code flag.v1}, {@code total.v1}
 * @param name what it says, such as an emoji; null for types without names
 * @param count how often it says so, for {@code multiple.v1}; 0 if it does not count
 * @param data what it carries, or null
 * @param extras further fields, or null
 */
public record NewAnnotation(
        String type,
        @Nullable String name,
        int count,
        @Nullable Data data,
        @Nullable JsonNode extras) {
    /**
     * {@return an annotation of this type with this name}
     *
     * @param type what kind of thing it says, such as {@code reactions:unique.v1}
     * @param name what it says, such as an emoji; null for types without names
     */
    public static NewAnnotation of(String type, @Nullable String name) {
        return new NewAnnotation(type, name, 0, null, null);
    }
}
