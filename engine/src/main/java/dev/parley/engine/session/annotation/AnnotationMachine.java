package dev.parley.engine.session.annotation;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.AnnotationOp;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.OfAnnotate;
import dev.parley.engine.session.SessionOutcome.TooManyAnnotations;
import dev.parley.engine.session.SessionOutcome.Unidentified;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.annotation.AnnotationRows.Sum;
import dev.parley.engine.session.annotation.AnnotationRows.Totals;
import dev.parley.engine.session.message.Head;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rules for annotations and for the summaries of messages. Pure, like SessionMachine, which calls it. */
public final class AnnotationMachine {
    /** The greatest number of names in the annotations of a message, over all types. */
    public static final int MAX_NAMES = 1_000;

    /** The greatest count of one annotation. */
    static final int MAX_COUNT = 1_000_000;

    private AnnotationMachine() {}

    /** Executes those operations that were not executed before. */
    public static OfAnnotate annotate(SessionState s, Annotate c, AnnotationTx tx) {
        OfAnnotate refusal = judge(s, c, tx);
        if (refusal != null) {
            return refusal;
        }
        List<Long> positions = new ArrayList<>(c.annotations().size());
        return tx.batch().accept(annotate(s, c, positions, tx), positions);
    }

    /** The refusal of the command, or null. */
    private static @Nullable OfAnnotate judge(SessionState s, Annotate c, AnnotationTx tx) {
        Map<Long, Integer> counts = new HashMap<>();
        Map<Long, Set<List<String>>> names = new HashMap<>();
        for (AnnotationOp op : c.annotations()) {
            if (tx.messages().head(s, op.serial()) == null) {
                return new NoSuchMessage(op.serial());
            }
            SummaryMethod method = SummaryMethod.of(op.type());
            if (method != null && method.identified() && op.clientId() == null) {
                return new Unidentified(op.type());
            }
            Totals totals = tx.totals(s, op.serial());
            if (totals.annotations() + counts.merge(op.serial(), 1, Integer::sum) > c.maxAnnotations()) {
                return new TooManyAnnotations(op.serial(), c.maxAnnotations());
            }
            if (method != null && tx.sum(s, op.serial(), op.type(), name(method, op.body())) == null) {
                Set<List<String>> added = names.computeIfAbsent(op.serial(), serial -> new HashSet<>());
                added.add(List.of(op.type(), name(method, op.body())));
                if (totals.names() + added.size() > MAX_NAMES) {
                    return new TooManyAnnotations(op.serial(), MAX_NAMES);
                }
            }
        }
        return null;
    }

    private static String name(SummaryMethod method, Body body) {
        return method.named() && body.name() != null ? body.name() : "";
    }

    /**
     * Executes operations that were accepted: adds the annotations, and then the new summaries of each message.
     *
     * @param positions receives the position of each annotation
     */
    private static SessionState annotate(SessionState s, Annotate c, List<Long> positions, AnnotationTx tx) {
        SessionState now = s;
        Set<Long> summed = new LinkedHashSet<>();
        for (AnnotationOp op : c.annotations()) {
            long at = Positions.next(now.last(), c.time());
            AnnotationEntry entry = new AnnotationEntry(
                    at,
                    op.action(),
                    op.serial(),
                    op.type(),
                    op.count(),
                    op.id(),
                    op.clientId(),
                    op.connectionId(),
                    op.body());
            positions.add(at);
            tx.add(now, entry);
            now = tx.batch().add(now, entry).withBytes(now.bytes() + entry.weight());
            SummaryMethod method = SummaryMethod.of(op.type());
            if (method != null) {
                sumUp(now, entry, method, tx);
                summed.add(op.serial());
            }
        }
        for (long serial : summed) {
            long at = Positions.next(now.last(), c.time());
            tx.summary(now, serial, at);
            Head head = Objects.requireNonNull(tx.messages().head(now, serial));
            now = tx.batch().add(now, head.summary(at, tx.messages().summaries(now, serial)));
        }
        return now;
    }

    private static void sumUp(SessionState s, AnnotationEntry entry, SummaryMethod method, AnnotationTx tx) {
        String name = name(method, entry.body());
        String client = entry.clientId();
        boolean create = entry.action() == AnnotationEntry.Action.CREATE;
        Sum known = tx.sum(s, entry.serial(), entry.type(), name);
        Sum sum = known == null ? new Sum(entry.type(), name, 0, 0, 0) : known;
        if (method == SummaryMethod.TOTAL) {
            tx.putSum(s, entry.serial(), known, sum.plus(create ? 1 : sum.total() > 0 ? -1 : 0, 0));
            return;
        }
        if (client == null) {
            // It has no client id, so no client can delete it.
            if (create) {
                tx.putSum(s, entry.serial(), known, sum.plusUnidentified(weight(entry)));
            }
            return;
        }
        if (method == SummaryMethod.UNIQUE) {
            String chosen = tx.choice(s, entry.serial(), entry.type(), client);
            if (create && chosen != null && !chosen.equals(name)) {
                Sum left = tx.sum(s, entry.serial(), entry.type(), chosen);
                if (left != null) {
                    contribute(s, entry.serial(), left, left, client, -1, tx);
                }
            }
            if (create || name.equals(chosen)) {
                tx.choose(s, entry.serial(), entry.type(), client, create ? name : null);
            }
        }
        long part = tx.part(s, entry.serial(), sum, client);
        if (!create) {
            contribute(s, entry.serial(), known, sum, client, -part, tx);
        } else if (method == SummaryMethod.MULTIPLE) {
            contribute(s, entry.serial(), known, sum, client, weight(entry), tx);
        } else if (part == 0) {
            contribute(s, entry.serial(), known, sum, client, 1, tx);
        }
    }

    private static long weight(AnnotationEntry entry) {
        return Math.clamp(entry.count(), 1, MAX_COUNT);
    }

    /** Changes the contribution of a client to a tally. */
    private static void contribute(
            SessionState s, long serial, @Nullable Sum known, Sum sum, String client, long more, AnnotationTx tx) {
        long before = tx.part(s, serial, sum, client);
        long after = before + more;
        tx.putPart(s, serial, sum, client, after);
        tx.putSum(s, serial, known, sum.plus(more, (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)));
    }
}
