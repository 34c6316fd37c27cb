package dev.parley.examples;

import dev.parley.client.Gap;
import dev.parley.client.HistoryQuery;
import dev.parley.client.Message;
import dev.parley.client.Page;
import dev.parley.client.ParleyClient;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.client.SessionEvent;
import dev.parley.client.SessionOptions;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads a session: what is stored, what comes, and where another process goes on. */
public final class Following {
    private Following() {}

    /** Shows the newest messages of a session, and then what comes. */
    public static Session tail(ParleyClient client, Consumer<Message> show) {
        // region tail
        Session session = client.session("trip", SessionOptions.DEFAULT.withRewind(50));
        session.onMessage(show); // 50 stored messages, then new ones, in one order
        session.attach();
        // endregion
        return session;
    }

    /** Reads all that was published before the session was attached. */
    public static void all(Session session, Consumer<Message> show) {
        // region history
        Page<Message> page = session.history(HistoryQuery.FORWARDS.upToAttach());
        while (page != null) {
            page.items().forEach(show);
            page = page.next();
        }
        // endregion
    }

    /** Handles each message once, over as many processes as that takes. */
    public static Session goOn(ParleyClient client, @Nullable String position, Consumer<Message> handle) {
        // region position
        Session session = client.session("trip", SessionOptions.DEFAULT.withFrom(position));
        session.onEvent(event -> {
            if (event instanceof Message message) {
                handle.accept(message);
            } else if (event instanceof Gap gap) {
                System.err.println("The server no longer has everything after " + gap.from());
            }
        });
        session.attach();
        // Keep session.position() with what you have made of the messages: a later process begins there.
        // endregion
        return session;
    }

    /** Takes one event at a time. */
    public static final class OneByOne implements Flow.Subscriber<SessionEvent> {
        private final Consumer<SessionEvent> handle;
        private Flow.@Nullable Subscription subscription;

        /** A subscriber that handles each event before it asks for the next. */
        public OneByOne(Consumer<SessionEvent> handle) {
            this.handle = handle;
        }

        // region flow
        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            given.request(1);
        }

        @Override
        public void onNext(SessionEvent event) {
            handle.accept(event);
            if (subscription != null) {
                subscription.request(1);
            }
        }
        // endregion

        @Override
        public void onError(Throwable error) {
            System.err.println("The session has failed: " + error.getMessage());
        }

        @Override
        public void onComplete() {}
    }

    /** Stops listening after a while. */
    @SuppressWarnings("try") // The listener is there to be closed.
    public static void listenFor(Session session, Runnable work) {
        // region listener
        try (Registration listener = session.onMessage(message -> System.out.println(message.text()))) {
            work.run();
        }
        // endregion
    }
}
