package dev.parley.server.wire;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePackException;
import org.msgpack.core.MessageUnpacker;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads MessagePack from any client. A length that is greater than the number of remaining bytes is refused. */
final class MsgpackReader {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final MessageUnpacker unpacker;
    private final int length;
    private int parts;

    private MsgpackReader(MessageUnpacker unpacker, int length) {
        this.unpacker = unpacker;
        this.length = length;
    }

    static JsonNode read(byte[] bytes) throws WireException {
        try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(bytes)) {
            MsgpackReader reader = new MsgpackReader(unpacker, bytes.length);
            JsonNode node = reader.value(0);
            if (unpacker.getTotalReadBytes() != bytes.length) {
                throw invalid();
            }
            return node;
        } catch (IOException | MessagePackException e) {
            throw invalid();
        }
    }

    private static WireException invalid() {
        return new WireException(ErrorInfo.unreadable("This is not valid MessagePack."));
    }

    private JsonNode value(int depth) throws IOException, WireException {
        if (depth > WireFormat.MAX_DEPTH || ++parts > WireFormat.MAX_PARTS) {
            throw new WireException(
                    ErrorInfo.unreadable("The MessagePack is nested too deeply or has too many parts."));
        }
        return switch (unpacker.getNextFormat().getValueType()) {
            case NIL -> {
                unpacker.unpackNil();
                yield NODES.nullNode();
            }
            case BOOLEAN -> NODES.booleanNode(unpacker.unpackBoolean());
            case INTEGER -> NODES.numberNode(unpacker.unpackLong());
            case FLOAT -> NODES.numberNode(unpacker.unpackDouble());
            case STRING -> NODES.stringNode(string());
            case BINARY -> NODES.binaryNode(unpacker.readPayload(available(unpacker.unpackBinaryHeader())));
            case ARRAY -> array(depth);
            case MAP -> map(depth);
            case EXTENSION -> {
                // JavaScript clients write undefined like this.
                unpacker.readPayload(
                        available(unpacker.unpackExtensionTypeHeader().getLength()));
                yield NODES.nullNode();
            }
        };
    }

    private ArrayNode array(int depth) throws IOException, WireException {
        int size = available(unpacker.unpackArrayHeader());
        ArrayNode array = NODES.arrayNode();
        for (int i = 0; i < size; i++) {
            array.add(value(depth + 1));
        }
        return array;
    }

    private ObjectNode map(int depth) throws IOException, WireException {
        int size = available(unpacker.unpackMapHeader());
        ObjectNode map = NODES.objectNode();
        for (int i = 0; i < size; i++) {
            String name = string();
            map.set(name, value(depth + 1));
        }
        return map;
    }

    private String string() throws IOException, WireException {
        byte[] utf8 = unpacker.readPayload(available(unpacker.unpackRawStringHeader()));
        return new String(utf8, StandardCharsets.UTF_8);
    }

    /** Returns {@code size} if so many elements are possible: every element takes at least a byte. */
    private int available(int size) throws WireException {
        if (size < 0 || size > length - unpacker.getTotalReadBytes()) {
            throw invalid();
        }
        return size;
    }
}
