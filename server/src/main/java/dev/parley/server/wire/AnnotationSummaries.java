package dev.parley.server.wire;

import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.Summaries.Tally;
import dev.parley.engine.session.annotation.SummaryMethod;
import java.util.Map;

/** The summaries of a message's annotations, in the form in which messages show them. */
public final class AnnotationSummaries {
    private AnnotationSummaries() {}

    /** Writes the field of a message that contains the summaries. */
    static void write(WireWriter to, Summaries summaries) {
        to.name("annotations").beginObject().name("summary");
        writeTypes(to, summaries);
        to.endObject();
    }

    /** Writes the summaries, by type. */
    public static void writeTypes(WireWriter to, Summaries summaries) {
        to.beginObject();
        summaries.types().forEach((type, byName) -> {
            SummaryMethod method = SummaryMethod.of(type);
            if (method != null) {
                to.name(type);
                write(to, method, byName);
            }
        });
        to.endObject();
    }

    private static void write(WireWriter to, SummaryMethod method, Map<String, Tally> byName) {
        if (!method.named()) {
            byName.values().forEach(tally -> write(to, method, tally));
            return;
        }
        to.beginObject();
        byName.forEach((name, tally) -> {
            to.name(name);
            write(to, method, tally);
        });
        to.endObject();
    }

    private static void write(WireWriter to, SummaryMethod method, Tally tally) {
        to.beginObject().field("total", tally.total());
        switch (method) {
            case TOTAL -> {}
            case FLAG, DISTINCT, UNIQUE -> {
                to.name("clientIds").beginArray();
                tally.counts().keySet().forEach(to::value);
                to.endArray().field("clipped", tally.clipped());
            }
            case MULTIPLE -> {
                to.name("clientIds").beginObject();
                tally.counts().forEach(to::field);
                to.endObject()
                        .field("totalUnidentified", tally.unidentified())
                        .field("totalClientIds", tally.clients())
                        .field("clipped", tally.clipped());
            }
        }
        to.endObject();
    }
}
