package dev.parley.server.session;

import dev.parley.engine.session.Attribute.Labelled;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Labels of sessions as requests write them. */
final class Labels {
    /** The number of labels of a session. */
    static final int MAX_LABELS = 32;

    /** The number of characters of a label's key. */
    static final int MAX_KEY_CHARS = 64;

    /** The number of characters of a label's value. */
    static final int MAX_VALUE_CHARS = 256;

    /** The number of labels that one list asks for. */
    static final int MAX_ASKED = 8;

    private Labels() {}

    /** The labels in a field of a body; null if there is no such field. A value that is null removes its label. */
    static @Nullable List<LabelChange> in(Fields body, String field) throws WireException {
        Fields labels = body.object(field, "labels");
        return labels == null ? null : of(labels.node());
    }

    /** The labels in an object. A value that is null removes its label. */
    static List<LabelChange> of(JsonNode labels) throws WireException {
        if (!labels.isObject() || labels.size() > 2 * MAX_LABELS) {
            throw new WireException(ErrorInfo.invalidValue(
                    "Labels are an object of texts, with at most " + MAX_LABELS + " labels of a session."));
        }
        List<LabelChange> changes = new ArrayList<>();
        for (var label : labels.properties()) {
            JsonNode value = label.getValue();
            if (!isKey(label.getKey()) || !(value.isNull() || (value.isString() && isValue(value.stringValue())))) {
                throw invalid();
            }
            changes.add(new LabelChange(label.getKey(), value.isNull() ? null : value.stringValue()));
        }
        return List.copyOf(changes);
    }

    /** The label that a parameter of a list asks for, as {@code key:value}. */
    static Labelled asked(String parameter) throws WireException {
        int colon = parameter.indexOf(':');
        if (colon < 0 || !isKey(parameter.substring(0, colon)) || !isValue(parameter.substring(colon + 1))) {
            throw invalid();
        }
        return new Labelled(parameter.substring(0, colon), parameter.substring(colon + 1));
    }

    private static boolean isKey(String key) {
        return !key.isEmpty() && key.length() <= MAX_KEY_CHARS && key.indexOf(':') < 0 && isText(key);
    }

    private static boolean isValue(String value) {
        return value.length() <= MAX_VALUE_CHARS && isText(value);
    }

    /** Half a character could not be written as UTF-8, so that two labels could become one. */
    private static boolean isText(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static WireException invalid() {
        return new WireException(ErrorInfo.invalidValue("The key of a label has 1 to " + MAX_KEY_CHARS
                + " characters and no colon, and its value has at most " + MAX_VALUE_CHARS
                + " characters; a list asks for label=key:value."));
    }
}
