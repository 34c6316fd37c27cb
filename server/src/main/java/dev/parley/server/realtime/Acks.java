package dev.parley.server.realtime;

import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Frames;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests of a connection that are to be acknowledged. They are acknowledged strictly in the order in which they
 * arrived.
 */
final class Acks {
    private final ArrayDeque<Request> waiting = new ArrayDeque<>();
    private int bytes;

    /** A request and its outcome. */
    static final class Request {
        private final long msgSerial;
        private final int size;
        private @Nullable List<Long> positions;
        private @Nullable ErrorInfo error;

        private Request(long msgSerial, int size) {
            this.msgSerial = msgSerial;
            this.size = size;
        }

        void accept(List<Long> accepted) {
            positions = accepted;
        }

        void refuse(ErrorInfo reason) {
            error = reason;
        }

        private boolean isDone() {
            return positions != null || error != null;
        }
    }

    /** Adds a request with this number of bytes. */
    Request add(long msgSerial, int size) {
        Request request = new Request(msgSerial, size);
        waiting.add(request);
        bytes += size;
        return request;
    }

    int count() {
        return waiting.size();
    }

    int bytes() {
        return bytes;
    }

    /** Sends all acknowledgements that are due, in as few frames as possible. */
    void flush(Outbox outbox) {
        while (!waiting.isEmpty() && waiting.getFirst().isDone()) {
            Request first = take();
            if (first.error != null) {
                outbox.send(Frames.nack(outbox.format(), first.msgSerial, 1, first.error));
                continue;
            }
            List<List<Long>> accepted = new ArrayList<>();
            for (Request next = first; next != null; next = takeAfter(next)) {
                if (next.positions != null) {
                    accepted.add(next.positions);
                }
            }
            outbox.send(Frames.ack(outbox.format(), first.msgSerial, accepted));
        }
    }

    private Request take() {
        Request taken = waiting.removeFirst();
        bytes -= taken.size;
        return taken;
    }

    /** The next request, if one frame can acknowledge it together with {@code last}; otherwise null. */
    private @Nullable Request takeAfter(Request last) {
        Request next = waiting.peekFirst();
        return next != null && next.positions != null && next.msgSerial == last.msgSerial + 1 ? take() : null;
    }
}
