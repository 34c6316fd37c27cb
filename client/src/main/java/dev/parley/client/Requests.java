package dev.parley.client;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The requests of a connection that are not acknowledged yet, in the order of their numbers. Used under the connection's lock.
 */
final class Requests {
    /** Requests that may wait; the server remembers the outcomes of a few more, so that all can be sent again. */
    static final int MAX_WAITING = 1_000;

    /** Characters of requests that may wait, unless a single one is larger. */
    static final int MAX_WAITING_CHARS = 4 << 20;

    /** What may be done with a request that was sent when its connection cannot be continued. */
    enum Again {
        /** It can be sent on the new connection, and still has its effect once. */
        HARMLESS,
        /** It may have its effect twice. */
        TWICE
    }

    /** A request. */
    static final class Request {
        /** The frame without its beginning, which has the number. */
        private final String rest;

        private final Again again;
        private final CompletableFuture<List<@Nullable String>> outcome = new CompletableFuture<>();
        private long msgSerial;
        private boolean sent;

        /**
         * A request that is not numbered yet.
         *
         * @param rest the fields of the frame as JSON, without the opening brace, the action and the number
         */
        Request(int action, String rest, Again again) {
            this.rest = Wire.completed("\"action\":" + action + "," + rest);
            this.again = again;
        }

        /** Completes with the serials when the server has acknowledged it. */
        CompletableFuture<List<@Nullable String>> outcome() {
            return outcome;
        }

        int chars() {
            return rest.length();
        }

        /** The frame, which is now being sent. */
        String frame() {
            sent = true;
            return "{\"msgSerial\":" + msgSerial + "," + rest;
        }
    }

    /** Runs what completes a future when the lock is no longer held. */
    private final Consumer<Runnable> later;

    private final ArrayDeque<Request> waiting = new ArrayDeque<>();
    private long nextSerial;
    private long chars;

    Requests(Consumer<Runnable> later) {
        this.later = later;
    }

    boolean hasRoom(Request request) {
        return waiting.isEmpty() || (waiting.size() < MAX_WAITING && chars + request.chars() <= MAX_WAITING_CHARS);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** Numbers a request. */
    void add(Request request) {
        request.msgSerial = nextSerial++;
        waiting.add(request);
        chars += request.chars();
    }

    /** All that wait, in order. */
    List<Request> all() {
        return List.copyOf(waiting);
    }

    /**
     * Completes the requests that the server has accepted.
     *
     * @param results for each request its serials, as the protocol has them
     */
    void accepted(long msgSerial, long count, JsonNode results) {
        forEach(msgSerial, count, (request, index) -> {
            List<@Nullable String> serials = new ArrayList<>();
            for (JsonNode serial : results.path(index).path("serials")) {
                serials.add(serial.isString() ? serial.stringValue() : null);
            }
            later.accept(() -> request.outcome.complete(serials));
        });
    }

    /** Fails the requests that the server has refused. */
    void refused(long msgSerial, long count, ParleyException error) {
        forEach(msgSerial, count, (request, index) -> later.accept(() -> request.outcome.completeExceptionally(error)));
    }

    private interface Action {
        void accept(Request request, int index);
    }

    private void forEach(long msgSerial, long count, Action action) {
        while (!waiting.isEmpty() && waiting.getFirst().msgSerial < msgSerial + count) {
            Request request = waiting.getFirst();
            if (request.msgSerial < msgSerial) {
                // Acknowledgements come in order. Nothing says what became of this one.
                throw new IllegalArgumentException("The server has passed over the request " + request.msgSerial + ".");
            }
            remove();
            action.accept(request, (int) (request.msgSerial - msgSerial));
        }
    }

    private void remove() {
        chars -= waiting.removeFirst().chars();
    }

    /**
     * Numbers the requests anew, for a connection that knows nothing of the one before.
     *
     * @param forgotten fails the requests that were sent and might have their effect twice
     */
    void renumber(ParleyException forgotten) {
        failUncertain(forgotten);
        nextSerial = 0;
        for (Request request : waiting) {
            request.msgSerial = nextSerial++;
            request.sent = false;
        }
    }

    /** Fails the requests that were sent and, sent again, might have their effect twice. */
    void failUncertain(ParleyException error) {
        for (Iterator<Request> all = waiting.iterator(); all.hasNext(); ) {
            Request request = all.next();
            if (request.sent && request.again == Again.TWICE) {
                all.remove();
                chars -= request.chars();
                later.accept(() -> request.outcome.completeExceptionally(error));
            }
        }
    }

    /** Fails all requests. */
    void failAll(ParleyException error) {
        while (!waiting.isEmpty()) {
            Request request = waiting.getFirst();
            remove();
            later.accept(() -> request.outcome.completeExceptionally(error));
        }
    }
}
