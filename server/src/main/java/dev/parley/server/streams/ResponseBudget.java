package dev.parley.server.streams;

import dev.parley.engine.memory.Purse;
import dev.parley.server.http.Gzip;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import java.util.concurrent.atomic.AtomicLong;

/** Bounds the memory of all whole answers that clients have not taken yet. Thread-safe. */
final class ResponseBudget {
    private final Purse answers;

    /** Ours of what is taken from the purse, which others use, too. */
    private final AtomicLong taken = new AtomicLong();

    private final Promise<Void> emptied = Promise.promise();
    private volatile boolean draining;

    ResponseBudget(Purse answers) {
        this.answers = answers;
    }

    /** The same for a body that may be compressed. */
    void end(Exchange exchange, Gzip.Packed body) {
        body.describe(exchange.request());
        end(exchange, body.bytes());
    }

    /** Ends the answer with {@code body}, or with 503 if too much is on its way already. */
    void end(Exchange exchange, byte[] body) {
        if (!answers.tryReserve(body.length)) {
            // Headers that speak of entries do not go with an error.
            exchange.response()
                    .headers()
                    .remove(Wire.NEXT_OFFSET)
                    .remove(Wire.UP_TO_DATE)
                    .remove(Wire.CLOSED);
            exchange.response()
                    .headers()
                    .remove(HttpHeaders.CONTENT_ENCODING)
                    .remove(HttpHeaders.ETAG)
                    .set(HttpHeaders.RETRY_AFTER, "1");
            exchange.error(503, "OVERLOADED", "Too many large answers are on their way; try again soon.");
            return;
        }
        taken.addAndGet(body.length);
        exchange.response().end(Buffer.buffer(body)).onComplete(sent -> giveBack(body));
    }

    private void giveBack(byte[] body) {
        answers.giveBack(body.length);
        if (taken.addAndGet(-body.length) == 0 && draining) {
            emptied.tryComplete();
        }
    }

    /** Completes when clients have taken all that is on its way. To be asked when nothing more is begun. */
    Future<Void> drained() {
        draining = true;
        if (taken.get() == 0) {
            emptied.tryComplete();
        }
        return emptied.future();
    }
}
