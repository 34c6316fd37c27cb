package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Nothing that goes wrong around a session's listeners lets the session stand still. */
class InboxTest {
    private static final Message MESSAGE = new Message(
            Message.Action.CREATE, "2", null, null, null, null, null, null, null, Instant.EPOCH, null, null);

    private final List<SessionEvent> told = new CopyOnWriteArrayList<>();
    private final Inbox inbox = new Inbox(
            "session",
            ClientOptions.builder(URI.create("http://localhost")).build(),
            SessionOptions.DEFAULT,
            query -> {
                throw new IllegalArgumentException("not understood");
            },
            () -> {});

    @Test
    void aSubscriberMayFailAtTheEnd() {
        inbox.add(new Inbox.Sink() {
            @Override
            public void event(SessionEvent event) {}

            @Override
            public void end(@Nullable ParleyException error) {
                throw new IllegalStateException("for the test");
            }
        });
        inbox.add(told::add);
        inbox.end(null);
        inbox.offer(List.of(MESSAGE), 1, "position");
        await().untilAsserted(() -> assertThat(told).containsExactly(MESSAGE));
    }

    @Test
    void theHistoryMayNotBeUnderstood() {
        inbox.add(told::add);
        Gap gap = new Gap("1", "1", null);
        inbox.offer(List.of(gap), 0, "position");
        inbox.offer(List.of(MESSAGE), 1, "position");
        await().untilAsserted(() -> assertThat(told).containsExactly(gap, MESSAGE));
    }

    @Test
    void whatFailsUnderTheLockOfAConnectionKeepsNothingBack() {
        LinkLock lock = new LinkLock();
        lock.run(() -> {
            lock.later(() -> {
                throw new IllegalStateException("for the test");
            });
            lock.later(() -> told.add(MESSAGE));
        });
        assertThat(told).containsExactly(MESSAGE);
    }
}
