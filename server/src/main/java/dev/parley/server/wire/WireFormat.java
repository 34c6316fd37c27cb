package dev.parley.server.wire;

import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How frames and bodies are written. Both formats are read into the same tree, in which MessagePack's bytes are binary. */
public enum WireFormat {
    JSON("application/json") {
        @Override
        public JsonNode read(byte[] bytes) throws WireException {
            try {
                JsonNode node = MAPPER.readTree(Surrogates.completed(bytes));
                if (node.isMissingNode()) {
                    throw new WireException(ErrorInfo.unreadable("There is no JSON in it."));
                }
                return node;
            } catch (StreamConstraintsException e) {
                throw new WireException(ErrorInfo.unreadable("The JSON is too deep or has too many parts."));
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

    /** How deep values may be nested. */
    public static final int MAX_DEPTH = 64;

    /** How many values, names and brackets a frame or body may have: what takes few bytes there takes many in memory. */
    public static final int MAX_PARTS = 400_000;

    static final JsonMapper MAPPER = new JsonMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxTokenCount(MAX_PARTS)
                    // The length of the whole bounds them.
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

    /** What the bytes say; they may be anybody's. Bounded in depth and in the memory that it takes. */
    public abstract JsonNode read(byte[] bytes) throws WireException;

    /** The bytes of one value. */
    public abstract byte[] write(Consumer<WireWriter> value);
}
