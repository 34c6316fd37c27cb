package dev.parley.server.wire;

import dev.parley.engine.session.ObjectValue;
import java.util.Base64;
import tools.jackson.databind.JsonNode;

/** The values in objects. Each is written as an object with one field, whose name is the type. */
final class ObjectValues {
    private ObjectValues() {}

    static ObjectValue read(Fields data) throws WireException {
        JsonNode bytes = data.get("bytes");
        if (bytes != null) {
            return new ObjectValue.Bytes(bytes(bytes));
        }
        JsonNode truth = data.get("boolean");
        if (truth != null) {
            if (!truth.isBoolean()) {
                throw invalid("The value boolean is neither true nor false.");
            }
            return new ObjectValue.Bool(truth.booleanValue());
        }
        JsonNode json = data.get("json");
        if (json != null) {
            return new ObjectValue.Json(document(json.isString() ? json.stringValue() : json.toString()));
        }
        String text = data.text("string");
        if (text != null) {
            // The specification writes JSON documents like this.
            return "json".equals(data.text("encoding"))
                    ? new ObjectValue.Json(document(text))
                    : new ObjectValue.Text(text);
        }
        String target = data.text("objectId");
        if (target != null) {
            return new ObjectValue.Ref(target);
        }
        if (data.get("number") == null) {
            throw invalid("A value has one of objectId, boolean, bytes, number, string or json.");
        }
        return new ObjectValue.Numeric(data.decimal("number"));
    }

    private static byte[] bytes(JsonNode value) throws WireException {
        if (value.isBinary()) {
            return value.binaryValue();
        }
        try {
            return Base64.getDecoder().decode(value.isString() ? value.stringValue() : "-");
        } catch (IllegalArgumentException e) {
            throw invalid("The value bytes is not base64.");
        }
    }

    private static String document(String text) throws WireException {
        try {
            WireFormat.JSON.read(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        } catch (WireException e) {
            throw invalid("The value json is not a JSON document.");
        }
        return text;
    }

    private static WireException invalid(String message) {
        return new WireException(ErrorInfo.invalidObjectMessage(message));
    }

    /** Writes the value of a field {@code data} or {@code value}. */
    static void write(WireWriter to, ObjectValue value) {
        to.beginObject();
        field(to, value);
        to.endObject();
    }

    /** Writes the one field of a value. */
    static void field(WireWriter to, ObjectValue value) {
        switch (value) {
            case ObjectValue.Ref v -> to.field("objectId", v.objectId());
            case ObjectValue.Text v -> to.field("string", v.text());
            case ObjectValue.Numeric v -> to.name("number").value(v.number());
            case ObjectValue.Bool v -> to.field("boolean", v.value());
            case ObjectValue.Json v -> to.field("json", v.text());
            case ObjectValue.Bytes v -> to.name("bytes").value(v.bytes());
        }
    }

    /** Writes a value without its type. */
    static void bare(WireWriter to, ObjectValue value) {
        switch (value) {
            case ObjectValue.Ref v -> to.value(v.objectId());
            case ObjectValue.Text v -> to.value(v.text());
            case ObjectValue.Numeric v -> to.value(v.number());
            case ObjectValue.Bool v -> to.value(v.value());
            case ObjectValue.Json v -> to.value(v.text());
            case ObjectValue.Bytes v -> to.value(v.bytes());
        }
    }
}
