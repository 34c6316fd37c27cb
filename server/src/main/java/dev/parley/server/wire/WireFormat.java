package dev.parley.server.wire;

import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The formats of frames and bodies. Both are read into the same kind of tree, in which the bytes of MessagePack are
 * binary nodes.
 */
public enum WireFormat {
    JSON("application/json") {
        @Override
        public JsonNode read(byte[] bytes) throws WireException {
            try {
                JsonNode node = MAPPER.readTree(Surrogates.completed(bytes));
                if (node.isMissingNode()) {
                    throw new WireException(ErrorInfo.unreadable("The body or frame is empty; JSON is expected."));
                }
                return node;
            } catch (StreamConstraintsException e) {
                throw new WireException(ErrorInfo.unreadable("The JSON is nested too deeply or has too many parts."));
            } catch (JacksonException e) {
                throw new WireException(ErrorInfo.unreadable("This is not valid JSON."));
            }
        }

        @Override
        public byte[] write(Consumer<WireWriter> value) {
            JsonWriter writer = new JsonWriter();
            value.accept(writer);
            return writer.toBytes();
        }
    },

    MSGPACK("application/x-msgpack") {
        @Override
        public JsonNode read(byte[] bytes) throws WireException {
            return MsgpackReader.read(bytes);
        }

        @Override
        public byte[] write(Consumer<WireWriter> value) {
            MsgpackWriter writer = new MsgpackWriter();
            value.accept(writer);
            return writer.toBytes();
        }
    };

    /** The greatest depth of nested values. */
    public static final int MAX_DEPTH = 64;

    /**
     * The greatest number of values, names and brackets in a frame or body. They take few bytes there, and many in
     * memory.
     */
    public static final int MAX_PARTS = 400_000;

    static final JsonMapper MAPPER = new JsonMapper(JsonFactory.builder()
            // Where there are several values, each is a line.
            .rootValueSeparator("\n")
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxTokenCount(MAX_PARTS)
                    // The size of the whole text bounds them.
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build());

    private final String contentType;

    WireFormat(String contentType) {
        this.contentType = contentType;
    }

    /** The media type of bodies. */
    public String contentType() {
        return contentType;
    }

    /** Reads the bytes, which may be anything. The depth and the memory of the result are bounded. */
    public abstract JsonNode read(byte[] bytes) throws WireException;

    /** The bytes of one value. */
    public abstract byte[] write(Consumer<WireWriter> value);
}
