package dev.parley.server.wire;

import dev.parley.engine.session.Data;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import tools.jackson.databind.JsonNode;

/** Writes MessagePack. A map or array begins with its size, which is filled in when it is known. */
final class MsgpackWriter implements WireWriter {
    private static final byte[] MAP_16 = {(byte) 0xde, 0, 0};
    private static final byte[] ARRAY_32 = {(byte) 0xdd, 0, 0, 0, 0};

    private final MessageBufferPacker packer = MessagePack.newDefaultBufferPacker();
    private final Deque<Container> open = new ArrayDeque<>();
    private final List<Container> all = new ArrayList<>();

    /** A map or array whose size is written at {@code sizeAt}. */
    private static final class Container {
        private final int sizeAt;
        private final int sizeBytes;
        private int size;

        Container(int sizeAt, int sizeBytes) {
            this.sizeAt = sizeAt;
            this.sizeBytes = sizeBytes;
        }
    }

    private interface Packing {
        void run() throws IOException;
    }

    private WireWriter pack(Packing packing) {
        try {
            packing.run();
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
    }

    byte[] toBytes() {
        byte[] bytes = packer.toByteArray();
        for (Container container : all) {
            for (int i = 0; i < container.sizeBytes; i++) {
                bytes[container.sizeAt + i] = (byte) (container.size >>> (8 * (container.sizeBytes - 1 - i)));
            }
        }
        return bytes;
    }

    /** Counts an element: in an array every value is one, in a map every name. */
    private void countElement() {
        Container container = open.peek();
        if (container != null && container.sizeBytes == 4) {
            container.size++;
        }
    }

    private WireWriter begin(byte[] header) {
        countElement();
        return pack(() -> {
            Container container = new Container((int) packer.getTotalWrittenBytes() + 1, header.length - 1);
            open.push(container);
            all.add(container);
            packer.writePayload(header);
        });
    }

    @Override
    public WireWriter beginObject() {
        return begin(MAP_16);
    }

    @Override
    public WireWriter endObject() {
        open.pop();
        return this;
    }

    @Override
    public WireWriter beginArray() {
        return begin(ARRAY_32);
    }

    @Override
    public WireWriter endArray() {
        open.pop();
        return this;
    }

    @Override
    public WireWriter name(String name) {
        open.getFirst().size++;
        return pack(() -> packer.packString(name));
    }

    @Override
    public WireWriter value(String text) {
        countElement();
        return pack(() -> packer.packString(text));
    }

    @Override
    public WireWriter value(long number) {
        countElement();
        return pack(() -> packer.packLong(number));
    }

    @Override
    public WireWriter value(boolean truth) {
        countElement();
        return pack(() -> packer.packBoolean(truth));
    }

    @Override
    public WireWriter value(double number) {
        countElement();
        return pack(() -> packer.packDouble(number));
    }

    @Override
    public WireWriter value(byte[] bytes) {
        countElement();
        return pack(() -> {
            packer.packBinaryHeader(bytes.length);
            packer.writePayload(bytes);
        });
    }

    @Override
    public WireWriter nothing() {
        countElement();
        return pack(packer::packNil);
    }

    @Override
    public WireWriter json(String json) {
        countElement();
        return pack(() -> tree(WireFormat.MAPPER.readTree(json)));
    }

    private void tree(JsonNode node) throws IOException {
        switch (node.getNodeType()) {
            case OBJECT -> {
                packer.packMapHeader(node.size());
                for (Map.Entry<String, JsonNode> field : node.properties()) {
                    packer.packString(field.getKey());
                    tree(field.getValue());
                }
            }
            case ARRAY -> {
                packer.packArrayHeader(node.size());
                for (JsonNode element : node) {
                    tree(element);
                }
            }
            case STRING -> packer.packString(node.stringValue());
            case BOOLEAN -> packer.packBoolean(node.booleanValue());
            case NUMBER -> {
                if (node.canConvertToLong() && node.isIntegralNumber()) {
                    packer.packLong(node.longValue());
                } else {
                    packer.packDouble(node.asDouble());
                }
            }
            default -> packer.packNil();
        }
    }

    @Override
    public WireWriter data(@Nullable Data data, @Nullable String encoding) {
        if (data == null) {
            return field("encoding", encoding);
        }
        name("data");
        pack(() -> {
            if (data.text()) {
                packer.packRawStringHeader(data.bytes().length);
            } else {
                packer.packBinaryHeader(data.bytes().length);
            }
            packer.writePayload(data.bytes());
        });
        return field("encoding", encoding);
    }
}
