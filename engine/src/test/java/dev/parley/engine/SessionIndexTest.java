package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Attribute.Participant;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.store.RocksStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A data folder of a program that had no index of sessions gets one when it is opened. */
@Timeout(60)
class SessionIndexTest extends SmallEngine {
    private static final Body BODY = new Body(null, null, null, null);

    private static SessionName session(String name) {
        return new SessionName("app", name);
    }

    private void run(String name, RunNote... notes) throws Exception {
        var message = new Create(null, false, "agent", null, BODY, false);
        submit(new Publish(session(name), TIME, null, List.of(message), List.of(notes)));
    }

    private void enter(String name, String clientId) throws Exception {
        var op = new PresenceOp(PresenceEntry.Action.ENTER, "id", clientId, BODY);
        submit(new ChangePresence(session(name), TIME, null, "conn", List.of(op), 10));
    }

    private List<String> by(Attribute attribute) {
        return engine.sessions().index().names("app", attribute, "", "", 100);
    }

    /** What an older program leaves: rows of sessions, and no index. */
    private void forgetTheIndex() {
        try (Store store = new RocksStore(folder.resolve("store"), 1 << 20, 1 << 20)) {
            store.write(List.of(
                    new Store.Change.RemoveRange(Table.INDEX, new byte[0], new byte[] {-1}),
                    new Store.Change.Remove(Table.META, "index".getBytes(StandardCharsets.UTF_8))));
            store.flush();
        }
    }

    @Test
    void openRunsAndMembersAreFoundAfterAnUpdate() throws Exception {
        run("active", new RunNote.Active("run", null, true));
        run("suspended", new RunNote.Active("run", null, true), new RunNote.Suspended("run"));
        run("over", new RunNote.Active("run", null, true), new RunNote.Ended("run"));
        enter("present", "ann");
        engine.close();
        forgetTheIndex();

        open();
        assertThat(by(new OpenRun())).containsExactly("active", "suspended");
        assertThat(by(new Participant("ann"))).containsExactly("present");

        // What follows continues from there, and is there when the engine is opened once more.
        run("active", new RunNote.Ended("run"));
        enter("over", "ann");
        engine.close();
        open();
        assertThat(by(new OpenRun())).containsExactly("suspended");
        assertThat(by(new Participant("ann"))).containsExactly("over", "present");
        assertThat(by(new Participant("agent"))).containsExactly("active");
    }
}
