package dev.parley.engine.session.annotation;

import static dev.parley.engine.session.GoldenValues.BYTES;
import static dev.parley.engine.session.GoldenValues.FULL;
import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.annotation.AnnotationRows.Sum;
import dev.parley.engine.session.annotation.AnnotationRows.Totals;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Annotations lie in the store as they always did. */
class AnnotationFormatTest {
    @Test
    void annotations() throws IOException {
        GoldenBytes golden = new GoldenBytes("annotations").without(SessionEntry.class);
        byte[] key = AnnotationRows.annotationKey(ID, SERIAL, SERIAL + 1);
        golden.bytes("annotationKey", key);
        golden.example(
                "annotation of a client",
                new AnnotationEntry(
                        SERIAL + 1,
                        AnnotationEntry.Action.CREATE,
                        SERIAL,
                        "t:sum.v1",
                        300,
                        "id",
                        "client",
                        "conn",
                        FULL),
                AnnotationRows::annotation,
                row -> AnnotationRows.annotation(key, row));
        golden.example(
                "annotation of nobody, taken back",
                new AnnotationEntry(
                        SERIAL + 1, AnnotationEntry.Action.DELETE, SERIAL, "t:sum.v1", 0, null, null, null, Body.EMPTY),
                AnnotationRows::annotation,
                row -> AnnotationRows.annotation(key, row));
        golden.example(
                "annotation of bytes",
                new AnnotationEntry(
                        SERIAL + 1, AnnotationEntry.Action.CREATE, SERIAL, "t:sum.v1", 0, null, null, null, BYTES),
                AnnotationRows::annotation,
                row -> AnnotationRows.annotation(key, row));
        golden.bytes("totalsKey", AnnotationRows.totalsKey(ID, SERIAL));
        golden.example(
                "totals of a message",
                new Totals(300, 2, 65_536, SERIAL),
                AnnotationRows::totals,
                AnnotationRows::totals);
        golden.bytes("firstSumKey", AnnotationRows.firstSumKey(ID, SERIAL));
        golden.bytes("sumsEnd", AnnotationRows.sumsEnd(ID, SERIAL));
        golden.bytes("sumKey", AnnotationRows.sumKey(ID, SERIAL, "t:sum.v1", "name"));
        golden.example(
                "sum of a name", new Sum("t:sum.v1", "name", 300, 200, 100), AnnotationRows::sum, AnnotationRows::sum);
        golden.bytes("firstPartKey", AnnotationRows.firstPartKey(ID, SERIAL, "t:sum.v1", "name"));
        golden.bytes("partsEnd", AnnotationRows.partsEnd(ID, SERIAL, "t:sum.v1", "name"));
        golden.bytes("partKey", AnnotationRows.partKey(ID, SERIAL, "t:sum.v1", "name", "client"));
        golden.example("part of a client", 300L, AnnotationRows::part, AnnotationRows::part);
        golden.bytes("choiceKey", AnnotationRows.choiceKey(ID, SERIAL, "t:unique.v1", "client"));
        golden.example("choice of a client", "näme", AnnotationRows::choice, AnnotationRows::choice);
        golden.haveAllOf(AnnotationRows.class);
        golden.complete();
    }
}
