package dev.parley.client;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A stream: an append-only sequence of bytes or JSON messages at a path of the server (the Durable Streams protocol). The
 * object stands for whatever is at the path; it holds no connection.
 */
public final class Stream {
    /** The offset at which every stream begins. */
    public static final String START = "-1";

    /** The offset of the end of a stream at the time of the request. */
    public static final String NOW = "now";

    private static final String ROOT = "/v1/stream/";
    private static final String NEXT_OFFSET = "Stream-Next-Offset";
    private static final String CLOSED = "Stream-Closed";
    private static final String TRUE = "true";
    private static final String CONTENT_TYPE = "Content-Type";
    private static final int NOT_MODIFIED = 300;

    /** How much longer than for other answers a reader waits for new data. */
    private static final Duration LONG_POLL = Duration.ofMinutes(2);

    private static final int EPOCHS_PER_MILLI = 1_000;

    private final String path;
    private final String url;
    private final Http http;
    private final ClientOptions options;

    Stream(String path, Http http, ClientOptions options) {
        this.path = path;
        this.url = ROOT + encoded(path);
        this.http = http;
        this.options = options;
    }

    private static String encoded(String path) {
        StringBuilder encoded = new StringBuilder();
        for (String segment : path.split("/", -1)) {
            encoded.append(encoded.length() == 0 ? "" : "/").append(ConnectUri.encode(segment));
        }
        return encoded.toString();
    }

    /** {@return the path below that of all streams} */
    public String path() {
        return path;
    }

    // Creating and ending

    /**
     * Creates the stream, or confirms that it exists as asked for; blocks.
     *
     * @param wanted how the stream is to be
     * @return what is known of the stream
     * @throws ParleyException.Refused with the status 409 if there is another stream at the path
     */
    public StreamInfo create(StreamOptions wanted) {
        Map<String, String> headers = new HashMap<>();
        headers.put(CONTENT_TYPE, wanted.contentType());
        if (wanted.lifetime() != null) {
            headers.put("Stream-TTL", Long.toString(wanted.lifetime().toSeconds()));
        }
        return info(call("PUT", "", headers, null, true));
    }

    /**
     * {@return what is known of the stream; blocks}
     *
     * @throws ParleyException.Refused with the status 404 if there is none
     */
    public StreamInfo info() {
        return info(call("HEAD", "", Map.of(), null, true));
    }

    private static StreamInfo info(HttpResponse<byte[]> response) {
        return new StreamInfo(
                response.headers().firstValue(CONTENT_TYPE).orElse(""), offset(response), isClosed(response));
    }

    /** Closes the stream for all writers, so that readers know where it ends; blocks. Closing it again does nothing. */
    public void close() {
        call("POST", "", Map.of(CLOSED, TRUE), null, true);
    }

    /**
     * Deletes the stream; blocks. Returns false if there was none.
     *
     * @return whether there was one
     */
    public boolean delete() {
        HttpResponse<byte[]> response = Http.await(
                send("DELETE", "", Map.of(), null, true, options.requestTimeout()), options.requestTimeout());
        if (response.statusCode() == 404 || response.statusCode() == 410) {
            return false;
        }
        check(response);
        return true;
    }

    // Writing

    /**
     * Appends data, and waits until it is durable. It is sent once: with {@link #producer} a failure can be repaired.
     *
     * @param contentType the type of the stream
     * @param data at least one byte
     * @return the offset behind the data
     * @throws ParleyException.OutcomeUnknown if the connection broke before the answer came
     */
    public String append(String contentType, byte[] data) {
        return offset(call("POST", "", Map.of(CONTENT_TYPE, contentType), data, false));
    }

    /**
     * Appends a message to a JSON stream, or all messages of an array; see {@link #append(String, byte[])}.
     *
     * @param message the message, or an array of messages
     * @return the offset behind the data
     */
    public String append(JsonNode message) {
        return append(StreamOptions.JSON.contentType(), Wire.MAPPER.writeValueAsBytes(message));
    }

    /**
     * {@return a writer whose appends have one effect each, however often they have to be sent} It takes over from an
     * earlier producer with the same id, whose appends are refused from then on.
     *
     * @param id names the writer; one process at a time is meant to have it
     */
    public Producer producer(String id) {
        // Greater than that of every earlier process, unless a clock is wrong, which the producer finds out. The random
        // part is
        // for processes that start in the same millisecond.
        long epoch = System.currentTimeMillis() * EPOCHS_PER_MILLI
                + ThreadLocalRandom.current().nextInt(EPOCHS_PER_MILLI);
        return new Producer(this, id, epoch, true);
    }

    /**
     * {@return a writer whose appends have one effect each, with an epoch of your choice}
     *
     * @param id names the writer
     * @param epoch greater than that of the producer that it takes over from
     */
    public Producer producer(String id, long epoch) {
        return new Producer(this, id, epoch, false);
    }

    // Reading

    /**
     * Reads what is stored from an offset on, up to the size that the server gives at once; blocks.
     *
     * @param offset {@link #START}, {@link #NOW}, or one that was given out for this stream
     * @return what was read; empty at the end of the stream
     */
    public Chunk read(String offset) {
        return chunk(call("GET", "offset=" + ConnectUri.encode(offset), Map.of(), null, true), offset);
    }

    /**
     * Follows the stream from an offset on: what is stored, and then what is appended, until the stream is closed. It survives
     * restarts of the server and lost networks.
     *
     * @param offset {@link #START}, {@link #NOW}, or an offset that was given out for this stream
     * @return a reader, which does nothing yet
     */
    public StreamReader follow(String offset) {
        return new StreamReader(this, offset, options);
    }

    /**
     * Follows the stream as {@link #follow} does, for subscribers. A chunk is asked for when it is requested; nothing is
     * fetched ahead. It ends when the stream is closed, and with an error if the server refuses to go on.
     *
     * @param offset {@link #START}, {@link #NOW}, or an offset that was given out for this stream
     * @return a publisher; each subscriber reads from the offset on
     */
    public Flow.Publisher<Chunk> chunks(String offset) {
        return new StreamPublisher(() -> follow(offset));
    }

    /**
     * Waits for data behind an offset, for as long as the server makes such requests wait. Fails at once if the connection
     * breaks.
     *
     * @param cursor as the last answer had it, or null
     */
    CompletableFuture<HttpResponse<byte[]>> poll(String offset, @Nullable String cursor) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("offset", offset);
        query.put("live", "long-poll");
        if (cursor != null) {
            query.put("cursor", cursor);
        }
        return send("GET", ConnectUri.query(query), Map.of(), null, false, LONG_POLL);
    }

    // Requests

    CompletableFuture<HttpResponse<byte[]>> send(
            String method,
            String query,
            Map<String, String> headers,
            byte @Nullable [] body,
            boolean repeatable,
            Duration within) {
        return http.send(new Http.Call(method, url, query, headers, body, repeatable), within);
    }

    private HttpResponse<byte[]> call(
            String method, String query, Map<String, String> headers, byte @Nullable [] body, boolean repeatable) {
        HttpResponse<byte[]> response = Http.await(
                send(method, query, headers, body, repeatable, options.requestTimeout()), options.requestTimeout());
        check(response);
        return response;
    }

    ClientOptions options() {
        return options;
    }

    private static void check(HttpResponse<byte[]> response) {
        if (response.statusCode() >= NOT_MODIFIED) {
            throw Http.error(response);
        }
    }

    static Chunk chunk(HttpResponse<byte[]> response, String from) {
        boolean upToDate = isTrue(response, "Stream-Up-To-Date");
        return new Chunk(
                response.body(), response.headers().firstValue(NEXT_OFFSET).orElse(from), upToDate, isClosed(response));
    }

    static String offset(HttpResponse<?> response) {
        return response.headers().firstValue(NEXT_OFFSET).orElse("");
    }

    static boolean isClosed(HttpResponse<?> response) {
        return isTrue(response, CLOSED);
    }

    private static boolean isTrue(HttpResponse<?> response, String header) {
        return response.headers().firstValue(header).filter(TRUE::equals).isPresent();
    }

    /** Text as the bytes of a stream of text. */
    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
