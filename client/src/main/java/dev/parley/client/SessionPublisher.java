package dev.parley.client;

import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The events of a session for subscribers that say how many they can take. */
final class SessionPublisher implements Flow.Publisher<SessionEvent> {
    private final Inbox inbox;

    SessionPublisher(Inbox inbox) {
        this.inbox = inbox;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super SessionEvent> subscriber) {
        new Subscription(inbox, subscriber).begin();
    }

    private static final class Subscription implements Flow.Subscription, Inbox.Sink {
        private final Inbox inbox;
        private final Flow.Subscriber<? super SessionEvent> subscriber;
        private final AtomicLong wanted = new AtomicLong();
        private final AtomicBoolean over = new AtomicBoolean();
        private volatile Registration registration = () -> {};

        Subscription(Inbox inbox, Flow.Subscriber<? super SessionEvent> subscriber) {
            this.inbox = inbox;
            this.subscriber = subscriber;
        }

        void begin() {
            subscriber.onSubscribe(this);
            if (!over.get()) {
                registration = inbox.add(this);
                if (over.get()) {
                    registration.close();
                }
            }
        }

        @Override
        public boolean isReady() {
            return wanted.get() > 0 || over.get();
        }

        @Override
        public void event(SessionEvent event) {
            if (over.get()) {
                return;
            }
            wanted.accumulateAndGet(1, (now, one) -> now == Long.MAX_VALUE ? now : now - one);
            subscriber.onNext(event);
        }

        @Override
        public void end(@Nullable ParleyException error) {
            if (over.compareAndSet(false, true)) {
                registration.close();
                if (error == null) {
                    subscriber.onComplete();
                } else {
                    subscriber.onError(error);
                }
            }
        }

        @Override
        public void request(long count) {
            if (count > 0) {
                wanted.accumulateAndGet(count, (now, more) -> now + more < 0 ? Long.MAX_VALUE : now + more);
                inbox.wake();
            } else if (over.compareAndSet(false, true)) {
                registration.close();
                subscriber.onError(new IllegalArgumentException("At least one event has to be requested."));
            }
        }

        @Override
        public void cancel() {
            over.set(true);
            registration.close();
        }
    }
}
