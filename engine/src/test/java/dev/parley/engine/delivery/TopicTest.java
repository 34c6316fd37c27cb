package dev.parley.engine.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.Payload;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What only long streams reach: the bounds of the window. The rest is shown through tails. */
class TopicTest {
    private static final int MAX_WINDOW_BYTES = 1 << 20;

    private final Purse windows = new Memory(0, Map.of(Memory.Kind.WINDOWS, (long) MAX_WINDOW_BYTES)).windows();
    private final Topic topic = new Topic(windows, failure -> {});
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
    void theWindowHoldsSoManyBytes() {
        append(100 << 10);
        append(100 << 10);
        append(100 << 10);
        assertThat(topic.since(0, 1)).isNull();
        assertThat(startsSince(100 << 10, Integer.MAX_VALUE)).containsExactly(100L << 10, 200L << 10);
    }

    @Test
    void anEntryLargerThanTheWindowIsInTheStoreAlone() {
        append(100);
        append(1 << 20);
        assertThat(topic.since(0, 1)).isNull();
        assertThat(topic.since(100, 1)).isNull();
        assertThat(windows.held()).isZero();
        append(10);
        assertThat(topic.since(100, 1)).isNull();
        assertThat(startsSince(100 + (1 << 20), 1)).containsExactly(100L + (1 << 20));
    }

    @Test
    void allWindowsTogetherHoldSoManyBytes() {
        List<Topic> others = IntStream.range(0, 5)
                .mapToObj(i -> new Topic(windows, failure -> {}))
                .toList();
        for (Topic other : others) {
            other.append(new Entry(0, Payload.ofBytes(new byte[200 << 10])));
        }
        append(10 << 10);
        append(10 << 10);
        append(10 << 10);
        assertThat(windows.held()).isBetween(MAX_WINDOW_BYTES - (10L << 10), (long) MAX_WINDOW_BYTES);
        assertThat(topic.since(0, 1)).as("the others leave room for two").isNull();
        assertThat(startsSince(10 << 10, Integer.MAX_VALUE)).containsExactly(10L << 10, 20L << 10);
        others.getFirst().leave();
        append(10 << 10);
        assertThat(startsSince(10 << 10, Integer.MAX_VALUE)).hasSize(3);
        others.forEach(Topic::leave);
        topic.leave();
        assertThat(windows.held()).isZero();
        append(10);
        assertThat(windows.held())
                .as("an append on its way when the last reader left")
                .isZero();
    }

    @Test
    void aReaderInTheMiddleOfAnEntryGetsItWhole() {
        append(10);
        append(10);
        assertThat(startsSince(3, Integer.MAX_VALUE)).containsExactly(0L, 10L);
        assertThat(startsSince(3, 10)).containsExactly(0L);
        assertThat(startsSince(3, 11)).containsExactly(0L, 10L);
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
