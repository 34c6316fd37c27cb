package dev.parley.client;

import java.util.concurrent.Flow;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The chunks of a stream for subscribers: each is fetched when it is wanted. */
final class StreamPublisher implements Flow.Publisher<Chunk> {
    private static final Logger LOG = LoggerFactory.getLogger(StreamPublisher.class);

    private final Supplier<StreamReader> readers;

    StreamPublisher(Supplier<StreamReader> readers) {
        this.readers = readers;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Chunk> subscriber) {
        subscriber.onSubscribe(new Subscription(readers.get(), subscriber));
    }

    private static final class Subscription implements Flow.Subscription {
        private final StreamReader reader;
        private final Flow.Subscriber<? super Chunk> subscriber;
        private final ReentrantLock lock = new ReentrantLock();

        @GuardedBy("lock")
        private long wanted;

        @GuardedBy("lock")
        private boolean reading;

        @GuardedBy("lock")
        private boolean over;

        Subscription(StreamReader reader, Flow.Subscriber<? super Chunk> subscriber) {
            this.reader = reader;
            this.subscriber = subscriber;
        }

        @Override
        public void request(long count) {
            if (count <= 0) {
                end(new IllegalArgumentException("At least one chunk has to be requested."));
                return;
            }
            lock.lock();
            try {
                wanted = wanted + count < 0 ? Long.MAX_VALUE : wanted + count;
                if (reading || over) {
                    return;
                }
                reading = true;
            } finally {
                lock.unlock();
            }
            read();
        }

        @Override
        public void cancel() {
            lock.lock();
            try {
                over = true;
            } finally {
                lock.unlock();
            }
        }

        private void read() {
            // On another thread than that of the caller, who may be in the middle of onNext.
            var unused = reader.nextAsync().whenCompleteAsync(this::read, ClientThreads.listeners());
        }

        private void read(@Nullable Chunk chunk, @Nullable Throwable failure) {
            if (chunk == null) {
                end(Http.unwrap(failure));
                return;
            }
            if (isOver()) {
                return;
            }
            if (chunk.bytes().length > 0 && !takes(chunk)) {
                return;
            }
            if (chunk.ended()) {
                end(null);
            } else if (goOn()) {
                read();
            }
        }

        private boolean takes(Chunk chunk) {
            try {
                subscriber.onNext(chunk);
                return true;
            } catch (RuntimeException e) {
                LOG.warn("A subscriber of a stream has failed, and gets no more", e);
                end(e);
                return false;
            }
        }

        private boolean isOver() {
            lock.lock();
            try {
                return over;
            } finally {
                lock.unlock();
            }
        }

        private boolean goOn() {
            lock.lock();
            try {
                if (wanted != Long.MAX_VALUE) {
                    wanted--;
                }
                reading = wanted > 0 && !over;
                return reading;
            } finally {
                lock.unlock();
            }
        }

        private void end(@Nullable Throwable error) {
            lock.lock();
            try {
                if (over) {
                    return;
                }
                over = true;
            } finally {
                lock.unlock();
            }
            if (error == null) {
                subscriber.onComplete();
            } else {
                subscriber.onError(error);
            }
        }
    }
}
