package dev.parley.server.wire;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The bodies of messages and presence events. Inside the server, bytes are bytes: the element {@code base64} at the end
 * of an encoding exists on the wire only.
 */
final class Bodies {
    private static final String BASE64 = "base64";
    private static final String JSON = "json";

    private Bodies() {}

    static Body read(Fields fields) throws WireException {
        String encoding = fields.text("encoding");
        if (encoding != null && encoding.isEmpty()) {
            encoding = null;
        }
        JsonNode value = fields.get("data");
        Data data = null;
        if (value != null) {
            switch (value.getNodeType()) {
                case STRING -> {
                    String text = value.stringValue();
                    if (encoding != null && endsInBase64(encoding)) {
                        data = Data.of(bytes(text));
                        encoding = withoutBase64(encoding);
                    } else {
                        data = Data.of(text);
                    }
                }
                case BINARY -> data = Data.of(value.binaryValue());
                case OBJECT, ARRAY -> {
                    if (encoding != null && !encoding.equals(JSON)) {
                        throw new WireException(ErrorInfo.invalidData(
                                "Data with the encoding " + encoding + " must be a text or bytes."));
                    }
                    data = Data.of(value.toString());
                    encoding = JSON;
                }
                default ->
                    throw new WireException(ErrorInfo.invalidData(
                            "Data must be a text, bytes, or an object or array; send other values as JSON in a text."));
            }
        }
        return new Body(fields.text("name"), data, encoding, fields.json("extras"));
    }

    private static boolean endsInBase64(String encoding) {
        return encoding.equals(BASE64) || encoding.endsWith("/" + BASE64);
    }

    private static @Nullable String withoutBase64(String encoding) {
        int end = encoding.length() - BASE64.length() - 1;
        return end <= 0 ? null : encoding.substring(0, end);
    }

    private static byte[] bytes(String base64) throws WireException {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new WireException(ErrorInfo.invalidData("The data is not base64, although its encoding says so."));
        }
    }

    static void write(WireWriter to, Body body) {
        to.field("name", body.name()).data(body.data(), body.encoding()).jsonField("extras", body.extras());
    }
}
