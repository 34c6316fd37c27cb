package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What was missed is read from the history, and what the history has shown ahead is not delivered again. */
class RefillTest {
    private static final Gap GAP = new Gap(serial(10), serial(20), null);

    private static String serial(int n) {
        return "%014d-%07d".formatted(n, 0);
    }

    private static Message message(Message.Action action, int serial, int version) {
        return new Message(
                action,
                serial(serial),
                null,
                version == serial ? null : new Version(serial(version), Instant.EPOCH, null, null, null),
                null,
                null,
                null,
                null,
                null,
                Instant.EPOCH,
                null,
                null);
    }

    @Test
    void readsAllPagesOfTheGap() {
        List<String> queries = new ArrayList<>();
        var refill = new Refill(
                query -> {
                    queries.add(query);
                    return page(12, page(15, null));
                },
                GAP);
        List<String> missed = new ArrayList<>();
        while (!refill.isOver()) {
            if (refill.needsPage()) {
                refill.add(refill.readPage());
            }
            Message next = refill.poll();
            if (next != null) {
                missed.add(next.serial());
            }
        }
        assertThat(missed).containsExactly(serial(12), serial(15));
        assertThat(queries)
                .containsExactly("direction=forwards&limit=100&cursor=" + serial(10) + "&from_serial=" + serial(20));
    }

    private static Page<Message> page(int serial, @Nullable Page<Message> next) {
        return new Page<>(
                List.of(message(Message.Action.CREATE, serial, serial)), next == null ? null : "next", query -> {
                    if (next == null) {
                        throw new IllegalStateException("there is no next page");
                    }
                    return next;
                });
    }

    @Test
    void knowsWhatTheHistoryHasShownAhead() {
        var refill = new Refill(
                query -> new Page<>(List.of(message(Message.Action.UPDATE, 12, 25)), null, q -> {
                    throw new IllegalStateException("there is no next page");
                }),
                GAP);
        refill.add(refill.readPage());
        assertThat(refill.knows(message(Message.Action.APPEND, 12, 22))).isTrue();
        assertThat(refill.knows(message(Message.Action.APPEND, 13, 23))).isFalse();
        assertThat(refill.knows(message(Message.Action.APPEND, 12, 25))).isTrue();
        assertThat(refill.knows(message(Message.Action.APPEND, 12, 26))).isFalse();
    }
}
