package dev.parley.engine.session.log;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Origin;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What sessions are listed by lies in the store as it always did. */
class IndexFormatTest {
    @Test
    void index() throws IOException {
        GoldenBytes golden = new GoldenBytes("index");
        golden.bytes("key of an open run", IndexRows.key(NAME, new Attribute.OpenRun()));
        golden.bytes("key of a stalled run", IndexRows.key(NAME, new Attribute.StalledRun()));
        golden.bytes("key of an open request", IndexRows.key(NAME, new Attribute.OpenRequest()));
        golden.bytes("key of a label", IndexRows.key(NAME, new Attribute.Labelled("key", "valüe")));
        golden.bytes("key of a participant", IndexRows.key(NAME, new Attribute.Participant("client")));
        golden.bytes("end of a label", IndexRows.end("app", new Attribute.Labelled("key", "valüe")));
        golden.bytes("first of labels", IndexRows.first("app", true));
        golden.bytes("last of labels", IndexRows.last("app", true));
        golden.bytes("first of participants", IndexRows.first("app", false));
        golden.bytes("last of participants", IndexRows.last("app", false));
        golden.bytes("listed", IndexRows.listed());
        golden.bytes("participantKey", IndexRows.participantKey(ID, "cliënt"));
        golden.bytes("participantsKey", IndexRows.participantsKey(ID));
        golden.example("participants", 300, IndexRows::participants, IndexRows::participants);
        golden.bytes("key of a fork", IndexRows.key(NAME, new Attribute.ForkOf(ID)));
        golden.bytes("originKey", IndexRows.originKey(ID));
        golden.example(
                "origin",
                new Inheritance(new Origin("söurce", ID + 1, List.of(ID, ID - 1)), true),
                IndexRows::origin,
                IndexRows::origin);
        golden.example(
                "origin of an empty fork",
                new Inheritance(new Origin("söurce", ID + 1, List.of(ID)), false),
                IndexRows::origin,
                IndexRows::origin);
        golden.haveAllOf(IndexRows.class);
        golden.complete();
    }
}
