package dev.parley.server.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads the fields of an object that a client has sent. A field that is missing or null is absent, because clients
 * write either. A field of the wrong type is refused.
 *
 * @param what the kind of the object, for error messages
 */
public record Fields(JsonNode node, String what) {
    public static Fields of(JsonNode node, String what) throws WireException {
        if (!node.isObject()) {
            throw new WireException(ErrorInfo.unreadable("The " + what + " is not an object."));
        }
        return new Fields(node, what);
    }

    private WireException wrong(String name, String type) {
        return new WireException(
                ErrorInfo.invalidValue("The field " + name + " of the " + what + " is not " + type + "."));
    }

    /** The value without any conversion, or null. */
    public @Nullable JsonNode get(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    public @Nullable String text(String name) throws WireException {
        JsonNode value = get(name);
        if (value == null) {
            return null;
        }
        if (!value.isString()) {
            throw wrong(name, "a text");
        }
        return value.stringValue();
    }

    public long number(String name, long absent) throws WireException {
        JsonNode value = get(name);
        if (value == null) {
            return absent;
        }
        // Some clients write large whole numbers as floating-point numbers.
        if (!value.isNumber() || !value.canConvertToLong() || value.doubleValue() != Math.rint(value.doubleValue())) {
            throw wrong(name, "a whole number");
        }
        return value.longValue();
    }

    /** Whether a field is true; not if it is absent. */
    public boolean isTrue(String name) throws WireException {
        JsonNode value = get(name);
        if (value != null && !value.isBoolean()) {
            throw new WireException(ErrorInfo.invalidValue("The field " + name + " is true or false."));
        }
        return value != null && value.booleanValue();
    }

    /** A number that may have a fraction. It must be present. */
    public double decimal(String name) throws WireException {
        JsonNode value = get(name);
        if (value == null || !value.isNumber() || !Double.isFinite(value.doubleValue())) {
            throw wrong(name, "a number");
        }
        return value.doubleValue();
    }

    /** A text. It must be present. */
    public String requiredText(String name) throws WireException {
        String text = text(name);
        if (text == null) {
            throw wrong(name, "a text");
        }
        return text;
    }

    /** An object, or null. */
    public @Nullable Fields object(String name, String itsName) throws WireException {
        JsonNode value = get(name);
        return value == null ? null : of(value, itsName);
    }

    /** The elements of an array; none if it is absent. */
    public Iterable<JsonNode> elements(String name) throws WireException {
        JsonNode value = get(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw wrong(name, "an array");
        }
        return value;
    }

    /** An object as the text of a JSON document, or null. */
    public @Nullable String json(String name) throws WireException {
        JsonNode value = get(name);
        if (value == null) {
            return null;
        }
        if (!value.isObject()) {
            throw wrong(name, "an object");
        }
        return value.toString();
    }
}
