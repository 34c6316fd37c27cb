package dev.parley.engine.session.annotation;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.Summaries.Tally;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.annotation.AnnotationRows.Sum;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PageBuilder;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.Messages;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Moment;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The annotations of messages and their summaries, as readers see them. Thread-safe; reads block on the disk. */
public final class Annotations {
    /** The greatest number of clients that are listed in one tally. */
    public static final int LISTED_CLIENTS = 100;

    /** The greatest number of clients that are listed in all tallies of a message. */
    public static final int LISTED_CLIENTS_OF_ALL = 1_000;

    private final Store store;

    /** Reads from {@code store}. */
    public Annotations(Store store) {
        this.store = store;
    }

    /** The summaries of a message, as {@code view} shows them. */
    public static Summaries summaries(View view, long session, long serial) {
        Map<String, Map<String, Tally>> types = new LinkedHashMap<>();
        int room = LISTED_CLIENTS_OF_ALL;
        for (Sum sum : sums(view, session, serial)) {
            Map<String, Long> counts = new LinkedHashMap<>();
            byte[] from = AnnotationRows.firstPartKey(session, serial, sum.type(), sum.name());
            byte[] to = AnnotationRows.partsEnd(session, serial, sum.type(), sum.name());
            int limit = Math.min(room, LISTED_CLIENTS);
            if (sum.clients() > 0 && limit > 0) {
                for (Row part : view.list(Table.SUMMARIES, from, to, limit)) {
                    counts.put(AnnotationRows.client(part.key()), AnnotationRows.part(part.value()));
                }
            }
            room -= counts.size();
            put(types, sum, new Tally(sum.total(), sum.unidentified(), sum.clients(), counts));
        }
        return new Summaries(types);
    }

    private static List<Sum> sums(View view, long session, long serial) {
        return view
                .list(
                        Table.SUMMARIES,
                        AnnotationRows.firstSumKey(session, serial),
                        AnnotationRows.sumsEnd(session, serial),
                        AnnotationMachine.MAX_NAMES)
                .stream()
                .map(row -> AnnotationRows.sum(row.value()))
                .toList();
    }

    private static void put(Map<String, Map<String, Tally>> types, Sum sum, Tally tally) {
        types.computeIfAbsent(sum.type(), type -> new LinkedHashMap<>()).put(sum.name(), tally);
    }

    /** The summaries of a message. */
    public Summaries summaries(SessionState session, long serial) {
        try (Moment now = store.snapshot()) {
            return summaries(now, session.id(), serial);
        }
    }

    /** The summaries of the annotations of one client, even if the client is not listed in the summaries of all. */
    public Summaries summaries(SessionState session, long serial, String clientId) {
        Map<String, Map<String, Tally>> types = new LinkedHashMap<>();
        try (Moment now = store.snapshot()) {
            for (Sum sum : sums(now, session.id(), serial)) {
                byte[] part = now.get(
                        Table.SUMMARIES,
                        AnnotationRows.partKey(session.id(), serial, sum.type(), sum.name(), clientId));
                if (part != null) {
                    long count = AnnotationRows.part(part);
                    put(types, sum, new Tally(count, 0, 1, Map.of(clientId, count)));
                }
            }
        }
        return new Summaries(types);
    }

    /** The annotations of a message from {@code from} on, including deletions, oldest first. */
    public Page<AnnotationEntry> page(SessionState session, long serial, long from, int limit, int maxBytes) {
        var page = new PageBuilder<AnnotationEntry>(limit, maxBytes);
        try (Rows rows = store.scan(
                Table.ANNOTATIONS,
                AnnotationRows.annotationKey(session.id(), serial, from),
                AnnotationRows.annotationKey(session.id(), serial + 1, 0))) {
            Row row = rows.next();
            while (row != null && page.takes(AnnotationRows.annotation(row.key(), row.value()))) {
                row = rows.next();
            }
        }
        return page.page();
    }

    /** The annotation at a position of the log, as {@code view} shows it, or null. */
    public static @Nullable AnnotationEntry find(View view, long session, long serial, long position) {
        byte[] key = AnnotationRows.annotationKey(session, serial, position);
        byte[] annotation = view.get(Table.ANNOTATIONS, key);
        return annotation == null ? null : AnnotationRows.annotation(key, annotation);
    }

    /** The summary at a position of the log, as {@code view} shows it, or null if the message is gone. */
    public static @Nullable SummaryEntry summary(View view, long session, long serial, long position) {
        Head head = Messages.head(view, session, serial);
        return head == null ? null : head.summary(position, summaries(view, session, serial));
    }
}
