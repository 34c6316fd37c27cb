package dev.parley.engine.session.run;

import static dev.parley.engine.session.GoldenValues.BYTES;
import static dev.parley.engine.session.GoldenValues.FULL;
import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.StallRun;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Runs lie in the store as they always did. */
class RunFormatTest {
    private static final long TIME = 1_700_000_000_000L;

    @Test
    void runs() throws IOException {
        GoldenBytes golden = new GoldenBytes("runs").without(RunNote.class).without(SessionCommand.class);
        golden.bytes("runKey", RunRows.runKey(ID, "run"));
        golden.bytes("cancelKey", RunRows.cancelKey(ID, SERIAL));
        golden.example(
                "run of an agent", new Run(NAME, "run", SERIAL, "input", "conn", false), RunRows::run, RunRows::run);
        golden.example(
                "run that a client has begun",
                new Run(NAME, "run", SERIAL, "input", "conn", false, "ann ü"),
                RunRows::run,
                RunRows::run);
        golden.example("run of nobody", new Run(NAME, "run", SERIAL, null, null, true), RunRows::run, RunRows::run);
        golden.example("cancel of a run", new RunNote.Cancel(0, "run", null), RunRows::cancel, RunRows::cancel);
        golden.example("cancel of an input", new RunNote.Cancel(300, null, "input"), RunRows::cancel, RunRows::cancel);
        golden.bytes("textsKey", RunRows.textsKey(ID, "run"));
        golden.example(
                "texts of a run",
                new RunTexts(
                        FULL,
                        new RunTexts.Notice("away", "{\"c\":\"", "\",\"at\":", "}", "json"),
                        new RunTexts.Notice("back", "", ",", "", null),
                        null),
                RunRows::texts,
                RunRows::texts);
        golden.example(
                "texts of a run, without data",
                new RunTexts(
                        Body.EMPTY,
                        new RunTexts.Notice("away", "", ",", "", null),
                        new RunTexts.Notice("back", "", ",", "", null),
                        null),
                RunRows::texts,
                RunRows::texts);
        golden.example(
                "texts of a run, of bytes",
                new RunTexts(
                        BYTES,
                        new RunTexts.Notice("away", "", ",", "", null),
                        new RunTexts.Notice("back", "", ",", "", null),
                        null),
                RunRows::texts,
                RunRows::texts);
        golden.example(
                "texts of a run that ends when a person takes over",
                new RunTexts(
                        Body.EMPTY,
                        new RunTexts.Notice("away", "", ",", "", null),
                        new RunTexts.Notice("back", "", ",", "", null),
                        FULL),
                RunRows::texts,
                RunRows::texts);
        golden.bytes("openKey", RunRows.openKey(ID, SERIAL));
        golden.example("open message of a run", new RunRows.Open("run", "{\"a\":1}"), RunRows::open, RunRows::open);
        for (Body takenOver : new Body[] {null, FULL}) {
            golden.example(
                    "texts of a run whose agent may be stalled" + (takenOver == null ? "" : ", or ended"),
                    new RunTexts(
                            Body.EMPTY,
                            new RunTexts.Notice("away", "", ",", "", null),
                            new RunTexts.Notice("back", "", ",", "", null),
                            takenOver,
                            new RunTexts.Notice("stalled", "{", ",\"at\":", "}", "json")),
                    RunRows::texts,
                    RunRows::texts);
        }
        golden.bytes("silenceKey", RunRows.silenceKey(ID, "run"));
        golden.bytes("silencesEnd", RunRows.silencesEnd(ID));
        golden.example("silence of an agent", new Silence(TIME, TIME - 300, 0), RunRows::silence, RunRows::silence);
        golden.example(
                "silence of an agent that is stalled",
                new Silence(TIME, 0, TIME + 300),
                RunRows::silence,
                RunRows::silence);
        golden.bytes("listedKey", RunRows.listedKey(TIME, ID, "run"));
        golden.bytes("listedEnd", RunRows.listedEnd(TIME));
        golden.example(
                "listed",
                new StallRun(NAME, TIME, "run", TIME - 300),
                listed -> RunRows.listed(listed.session(), listed.runId()),
                row -> RunRows.listed(row, TIME, TIME - 300));
        golden.haveAllOf(RunRows.class);
        golden.complete();
    }
}
