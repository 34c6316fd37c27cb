package dev.parley.engine.session.control;

import static dev.parley.engine.session.GoldenValues.BYTES;
import static dev.parley.engine.session.GoldenValues.EMPTY;
import static dev.parley.engine.session.GoldenValues.FULL;
import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.ControlChange;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.RunTexts.Notice;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.log.SessionRows;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is said about the control of sessions, and when it goes back, lie in the store as they always did. */
class ControlFormatTest {
    private static final long TIME = 1_700_000_000_000L;

    @Test
    void controls() throws IOException {
        GoldenBytes golden = new GoldenBytes("controls").without(SessionCommand.class);
        golden.example(
                "texts of a control",
                new ControlTexts(
                        List.of("ai-output", "täxt"),
                        new Notice("control", "{\"by\":", ",\"at\":", "}", "json"),
                        new Notice("control", "", ",", "", null)),
                ControlRows::texts,
                ControlRows::texts);
        Map<String, Body> notices =
                Map.of("change of a control", FULL, "change, told in bytes", BYTES, "change, told by nothing", EMPTY);
        notices.forEach((name, notice) -> golden.example(
                name,
                new ControlChange(SERIAL, notice),
                change -> ControlRows.change(change.notice()),
                row -> ControlRows.change(SessionRows.positionKey(ID, SERIAL), row)));
        golden.bytes("expiryKey", ControlRows.expiryKey(TIME, ID));
        golden.bytes("expiriesEnd", ControlRows.expiriesEnd(TIME));
        golden.example(
                "expiry of a control",
                new ExpireControl(NAME, TIME),
                command -> ControlRows.expiry(command.session()),
                row -> ControlRows.expiry(row, TIME));
        golden.haveAllOf(ControlRows.class);
        golden.complete();
    }
}
