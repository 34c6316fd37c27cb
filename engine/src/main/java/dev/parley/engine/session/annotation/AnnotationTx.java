package dev.parley.engine.session.annotation;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.annotation.AnnotationRows.Sum;
import dev.parley.engine.session.annotation.AnnotationRows.Totals;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.log.SessionRows.Logged;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Annotations as a batch of commands sees and changes them. Not thread-safe. */
public final class AnnotationTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final MessageTx messages;

    /** Starts in {@code batch}. */
    public AnnotationTx(SessionBatch batch, MessageTx messages) {
        this.batch = batch;
        this.rows = batch.rows();
        this.messages = messages;
    }

    /** The batch. */
    public SessionBatch batch() {
        return batch;
    }

    /** The annotated messages. */
    MessageTx messages() {
        return messages;
    }

    Totals totals(SessionState s, long serial) {
        byte[] row = rows.get(Table.SUMMARIES, AnnotationRows.totalsKey(s.id(), serial));
        return row == null ? Totals.NONE : AnnotationRows.totals(row);
    }

    private void putTotals(SessionState s, long serial, Totals totals) {
        rows.put(Table.SUMMARIES, AnnotationRows.totalsKey(s.id(), serial), AnnotationRows.totals(totals));
    }

    /** Adds an annotation to an existing message. */
    void add(SessionState s, AnnotationEntry entry) {
        messages.markAnnotated(s, entry.serial());
        rows.put(
                Table.ANNOTATIONS,
                AnnotationRows.annotationKey(s.id(), entry.serial(), entry.position()),
                AnnotationRows.annotation(entry));
        batch.log(s, entry.position(), new Logged.Annotation(entry.serial()));
        putTotals(s, entry.serial(), totals(s, entry.serial()).plus(entry));
    }

    /** Notes that there is a new summary. The log has only the newest one. */
    void summary(SessionState s, long serial, long position) {
        Totals totals = totals(s, serial);
        if (totals.summary() != 0) {
            batch.unlog(s, totals.summary());
        }
        batch.log(s, position, new Logged.Summary(serial));
        putTotals(s, serial, totals.withSummary(position));
    }

    @Nullable
    Sum sum(SessionState s, long serial, String type, String name) {
        byte[] row = rows.get(Table.SUMMARIES, AnnotationRows.sumKey(s.id(), serial, type, name));
        return row == null ? null : AnnotationRows.sum(row);
    }

    /** Sets a tally, or removes it if it is empty; {@code before} is the previous one, or null. */
    void putSum(SessionState s, long serial, @Nullable Sum before, Sum sum) {
        byte[] key = AnnotationRows.sumKey(s.id(), serial, sum.type(), sum.name());
        Totals totals = totals(s, serial);
        if (sum.total() == 0) {
            if (before != null) {
                rows.remove(Table.SUMMARIES, key);
                putTotals(s, serial, totals.withNames(totals.names() - 1));
            }
            return;
        }
        rows.put(Table.SUMMARIES, key, AnnotationRows.sum(sum));
        if (before == null) {
            putTotals(s, serial, totals.withNames(totals.names() + 1));
        }
    }

    /** The contribution of a client to a tally. */
    long part(SessionState s, long serial, Sum sum, String clientId) {
        byte[] row =
                rows.get(Table.SUMMARIES, AnnotationRows.partKey(s.id(), serial, sum.type(), sum.name(), clientId));
        return row == null ? 0 : AnnotationRows.part(row);
    }

    void putPart(SessionState s, long serial, Sum sum, String clientId, long count) {
        byte[] key = AnnotationRows.partKey(s.id(), serial, sum.type(), sum.name(), clientId);
        if (count == 0) {
            rows.remove(Table.SUMMARIES, key);
        } else {
            rows.put(Table.SUMMARIES, key, AnnotationRows.part(count));
        }
    }

    /** The name that a client has chosen, or null. */
    @Nullable
    String choice(SessionState s, long serial, String type, String clientId) {
        byte[] row = rows.get(Table.SUMMARIES, AnnotationRows.choiceKey(s.id(), serial, type, clientId));
        return row == null ? null : AnnotationRows.choice(row);
    }

    void choose(SessionState s, long serial, String type, String clientId, @Nullable String name) {
        byte[] key = AnnotationRows.choiceKey(s.id(), serial, type, clientId);
        if (name == null) {
            rows.remove(Table.SUMMARIES, key);
        } else {
            rows.put(Table.SUMMARIES, key, AnnotationRows.choice(name));
        }
    }

    /** The size of the annotations of a message in bytes, roughly. */
    public long bytes(SessionState s, long serial) {
        return totals(s, serial).bytes();
    }

    /** Removes the annotations of messages, which are those up to {@code upTo}, and their later entries in the log. */
    public void remove(SessionState s, long upTo, List<Head> of) {
        of.stream().filter(Head::annotated).forEach(head -> unlog(s, head.serial(), upTo));
        byte[] from = SessionRows.idKey(s.id());
        byte[] to = SessionRows.positionKey(s.id(), upTo + 1);
        rows.removeRange(Table.ANNOTATIONS, from, to);
        rows.removeRange(Table.SUMMARIES, from, to);
    }

    /** Removes the entries after {@code upTo} about annotations of a message from the log. */
    private void unlog(SessionState s, long serial, long upTo) {
        long summary = totals(s, serial).summary();
        if (summary > upTo) {
            batch.unlog(s, summary);
        }
        rows.list(
                        Table.ANNOTATIONS,
                        AnnotationRows.annotationKey(s.id(), serial, upTo + 1),
                        AnnotationRows.annotationKey(s.id(), serial + 1, 0),
                        Integer.MAX_VALUE)
                .forEach(row -> batch.unlog(
                        s, AnnotationRows.annotation(row.key(), row.value()).position()));
    }
}
