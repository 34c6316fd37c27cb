package dev.parley.server.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MailboxTest {
    private static final int SECONDS = 10;

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void aTaskThatFailsWithAnErrorStopsNoOther() throws Exception {
        Context context = vertx.getOrCreateContext();
        Mailbox mailbox = new Mailbox(context);
        CountDownLatch done = new CountDownLatch(2);
        // On the loop itself, so that all are there before the first one runs.
        context.runOnContext(ignored -> {
            mailbox.post(() -> {
                throw new AssertionError("we pretend that a task has a fault");
            });
            mailbox.post(done::countDown);
            mailbox.post(() -> {
                throw new IllegalStateException("we pretend that another one has");
            });
            mailbox.post(done::countDown);
        });
        assertThat(done.await(SECONDS, TimeUnit.SECONDS)).isTrue();
    }
}
