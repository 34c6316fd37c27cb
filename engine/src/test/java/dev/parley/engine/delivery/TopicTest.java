package dev.parley.engine.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.Payload;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What only long streams reach: the bounds of the window. The rest is shown through tails. */
class TopicTest {
    private final Topic topic = new Topic();
    private long tail;

    private void append(int bytes) {
        topic.append(new Entry(tail, Payload.ofBytes(new byte[bytes])));
        tail += bytes;
    }

    private List<Long> startsSince(long from, int maxBytes) {
        List<Entry> entries = topic.since(from, maxBytes);
        return entries == null
                ? List.of(-1L)
                : entries.stream().map(Entry::start).toList();
    }

    @Test
    void theWindowHoldsSoManyEntries() {
        for (int i = 0; i < 2000; i++) {
            append(1);
        }
        assertThat(startsSince(2000 - 1024, Integer.MAX_VALUE)).hasSize(1024).startsWith(976L);
        assertThat(topic.since(2000 - 1025, Integer.MAX_VALUE)).as("one more").isNull();
    }

    @Test
    void theWindowHoldsSoManyBytesButAlwaysTheNewestEntry() {
        append(100 << 10);
        append(100 << 10);
        append(100 << 10);
        assertThat(topic.since(0, 1)).isNull();
        assertThat(startsSince(100 << 10, Integer.MAX_VALUE)).containsExactly(100L << 10, 200L << 10);
        append(1 << 20);
        assertThat(topic.since(200 << 10, 1)).isNull();
        assertThat(startsSince(300 << 10, 1)).containsExactly(300L << 10);
    }

    @Test
    void aReaderInTheMiddleOfAnEntryGetsTheRestOfIt() {
        append(10);
        append(10);
        assertThat(startsSince(3, Integer.MAX_VALUE)).containsExactly(3L, 10L);
        assertThat(startsSince(3, 7)).containsExactly(3L);
        assertThat(startsSince(3, 8)).containsExactly(3L, 10L);
        assertThat(topic.since(20, 1)).as("nothing yet").isNull();
    }

    @Test
    void thoseWhoShareAListenerAreToldOnce() {
        AtomicInteger told = new AtomicInteger();
        Runnable shared = told::incrementAndGet;
        topic.listeners().add(shared);
        topic.listeners().add(shared);
        topic.end();
        assertThat(told).hasValue(1);
        assertThat(topic.listeners().remove(shared)).isFalse();
        topic.end();
        assertThat(told).hasValue(2);
        assertThat(topic.listeners().remove(shared)).isTrue();
        topic.end();
        assertThat(told).hasValue(2);
    }
}
