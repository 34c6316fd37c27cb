package dev.parley.engine.session.annotation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.RandomValues;
import dev.parley.engine.session.annotation.AnnotationRows.Sum;
import dev.parley.engine.session.annotation.AnnotationRows.Totals;
import dev.parley.engine.session.log.SessionRows;
import org.junit.jupiter.api.Test;

/** Annotations survive the way through the store, and their keys stand in the order of what they name. */
class AnnotationRowsTest {
    private static final int ROUNDS = 2_000;

    private final RandomValues some = new RandomValues();

    @Test
    void annotations() {
        for (int i = 0; i < ROUNDS; i++) {
            AnnotationEntry entry = new AnnotationEntry(
                    some.number(),
                    some.oneOf(AnnotationEntry.Action.values()),
                    some.number(),
                    some.text(),
                    some.number(),
                    some.maybe(some::text),
                    some.maybe(some::text),
                    some.maybe(some::text),
                    some.body());
            byte[] key = AnnotationRows.annotationKey(some.number(), entry.serial(), entry.position());
            assertThat(AnnotationRows.annotation(key, AnnotationRows.annotation(entry)))
                    .isEqualTo(entry);
            Totals totals = new Totals(some.from(0, 1000), some.from(0, 1000), some.number(), some.number());
            assertThat(AnnotationRows.totals(AnnotationRows.totals(totals))).isEqualTo(totals);
            Sum sum = new Sum(some.text(), some.text(), some.number(), some.number(), some.from(0, 1000));
            assertThat(AnnotationRows.sum(AnnotationRows.sum(sum))).isEqualTo(sum);
            String client = some.text();
            assertThat(AnnotationRows.client(
                            AnnotationRows.partKey(some.number(), some.number(), some.text(), some.text(), client)))
                    .isEqualTo(client);
            long count = some.number();
            assertThat(AnnotationRows.part(AnnotationRows.part(count))).isEqualTo(count);
            assertThat(AnnotationRows.choice(AnnotationRows.choice(client))).isEqualTo(client);
        }
        RandomValues.assertOrder(
                SessionRows.positionKey(5, 7),
                AnnotationRows.totalsKey(5, 7),
                AnnotationRows.firstSumKey(5, 7),
                AnnotationRows.sumKey(5, 7, "type", "name"),
                AnnotationRows.sumsEnd(5, 7),
                AnnotationRows.firstPartKey(5, 7, "type", "name"),
                AnnotationRows.partKey(5, 7, "type", "name", "client"),
                AnnotationRows.partsEnd(5, 7, "type", "name"),
                AnnotationRows.firstPartKey(5, 7, "type", "name2"),
                AnnotationRows.choiceKey(5, 7, "type", "client"),
                SessionRows.positionKey(5, 8));
    }
}
