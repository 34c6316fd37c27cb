package dev.parley.client;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * A part of a stream: whole appends, in order.
 *
 * @param bytes the data; of a JSON stream an array with the messages. Empty if there is nothing new
 * @param next the offset behind the data, from which reading goes on
 * @param upToDate whether the data ends at the end of the stream
 * @param ended whether the stream is closed and there is nothing after this data
 */
public record Chunk(byte[] bytes, String next, boolean upToDate, boolean ended) {
    /** {@return the data of a stream of text} */
    public String text() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** {@return the messages of a JSON stream} */
    public List<JsonNode> messages() {
        List<JsonNode> messages = new ArrayList<>();
        if (bytes.length > 0) {
            Wire.MAPPER.readTree(bytes).forEach(messages::add);
        }
        return messages;
    }
}
