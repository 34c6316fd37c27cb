package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A listener that does not keep up slows down its session: nothing is lost, and the memory does not grow. */
@ExtendWith(SharedServer.class)
class SlowListenerTest {
    private static final boolean FULL = "1".equals(System.getenv("PARLEY_TEST_FULL"));
    private static final int REQUESTS = FULL ? 10_000 : 2_000;
    private static final int PER_REQUEST = 10;
    private static final int MESSAGES = REQUESTS * PER_REQUEST;
    private static final int QUEUE = 500;

    /** What one frame may have at most, which is added to a queue that is not quite full. */
    private static final int IN_A_FRAME = 3_000;

    /** How much the heap may grow while the queue fills; all messages together would be several times as large. */
    private static final long MAX_GROWTH_BYTES = 16 << 20;

    private final TestServer server;

    SlowListenerTest(TestServer server) {
        this.server = server;
    }

    @Test
    void aListenerThatStandsStillIsLeftBehindAndCatchesUp() throws Exception {
        String key = server.newKey();
        try (ParleyClient publisher =
                        ParleyClient.of(TestServer.options(server.uri(), key).build());
                ParleyClient client = ParleyClient.of(TestServer.options(server.uri(), key)
                        .pauseLimit(Duration.ofMillis(300))
                        .build())) {
            var release = new CountDownLatch(1);
            List<Integer> received = new ArrayList<>();
            Session slow = client.session("slow", SessionOptions.DEFAULT.withQueue(QUEUE, 1 << 20));
            slow.onMessage(message -> {
                awaitQuietly(release);
                synchronized (received) {
                    received.add(Integer.valueOf(String.valueOf(message.text())));
                }
            });
            slow.attach();
            Session lively = client.session("lively");
            List<String> livelyTexts = new CopyOnWriteArrayList<>();
            lively.onMessage(message -> livelyTexts.add(String.valueOf(message.text())));
            lively.attach();

            long before = usedHeap();
            publishAll(publisher.session("slow"));
            // The session that stands still does not keep the other one, nor publishing, from going on.
            lively.publish("n", "a");
            slow.publish("n", Integer.toString(MESSAGES));
            await().atMost(Duration.ofMinutes(1)).until(() -> livelyTexts.contains("a"));
            assertThat(slow.attachment().inbox().size()).isBetween(QUEUE, QUEUE + IN_A_FRAME);
            await().untilAsserted(() -> assertThat(usedHeap() - before).isLessThan(MAX_GROWTH_BYTES));

            release.countDown();
            await().atMost(Duration.ofMinutes(2)).until(() -> {
                assertThat(slow.attachment().inbox().size()).isLessThanOrEqualTo(QUEUE + IN_A_FRAME);
                synchronized (received) {
                    return received.size() > MESSAGES;
                }
            });
            synchronized (received) {
                assertThat(received)
                        .containsExactlyElementsOf(
                                IntStream.rangeClosed(0, MESSAGES).boxed().toList());
            }
        }
    }

    /** What is in use after a collection. */
    private static long usedHeap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static void publishAll(Session session) {
        CompletableFuture<?> last = CompletableFuture.completedFuture(null);
        for (int request = 0; request < REQUESTS; request++) {
            NewMessage[] messages = new NewMessage[PER_REQUEST];
            for (int i = 0; i < PER_REQUEST; i++) {
                messages[i] = NewMessage.of("n", Integer.toString(request * PER_REQUEST + i));
            }
            last = session.publishAsync(messages);
        }
        last.join();
    }

    @Test
    void aListenerThatIsMerelySlowKeepsTheConnectionBack() throws Exception {
        String key = server.newKey();
        try (ParleyClient publisher =
                        ParleyClient.of(TestServer.options(server.uri(), key).build());
                ParleyClient client =
                        ParleyClient.of(TestServer.options(server.uri(), key).build())) {
            List<Integer> received = new CopyOnWriteArrayList<>();
            Session slow = client.session("slow", SessionOptions.DEFAULT.withQueue(50, 1 << 20));
            slow.onMessage(message -> {
                awaitQuietly(new CountDownLatch(1), 1);
                received.add(Integer.valueOf(String.valueOf(message.text())));
            });
            slow.attach();
            String id = client.connection().id();
            for (int i = 0; i < 1_000; i += 10) {
                NewMessage[] messages = new NewMessage[10];
                for (int j = 0; j < 10; j++) {
                    messages[j] = NewMessage.of("n", Integer.toString(i + j));
                }
                publisher.session("slow").publish(messages);
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> received.size() >= 1_000);
            assertThat(received)
                    .containsExactlyElementsOf(IntStream.range(0, 1_000).boxed().toList());
            assertThat(client.connection().id()).isEqualTo(id);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void awaitQuietly(CountDownLatch latch, long millis) {
        try {
            var _ = latch.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
