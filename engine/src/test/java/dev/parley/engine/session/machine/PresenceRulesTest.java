package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.TooManyMembers;
import dev.parley.engine.session.log.Membership;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The rules for presence members. */
class PresenceRulesTest extends SessionFixture {
    private List<String> members() {
        return sessions.presence().members(state()).stream()
                .map(member -> member.connectionId() + " " + member.clientId() + " " + member.id())
                .toList();
    }

    private List<String> events() {
        return shown.stream()
                .map(entry -> (PresenceEntry) entry)
                .map(event -> event.action() + " " + event.clientId() + " " + event.id())
                .toList();
    }

    @Test
    void aMemberIsAClientOfAConnection() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(enter("c2", 0, "ann", "c2:0:0"));
        apply(presence("c1", null, 10, op(PresenceEntry.Action.UPDATE, "ann", "c1:1:0")));
        assertThat(members()).containsExactly("c1 ann c1:1:0", "c2 ann c2:0:0");
        apply(presence("c1", null, 10, op(PresenceEntry.Action.LEAVE, "ann", "c1:2:0")));
        assertThat(members()).containsExactly("c2 ann c2:0:0");
        assertThat(events())
                .containsExactly("ENTER ann c1:0:0", "ENTER ann c2:0:0", "UPDATE ann c1:1:0", "LEAVE ann c1:2:0");
        assertThat(state().members()).isEqualTo(1);
    }

    @Test
    void toEnterAgainWithTheSameIdIsNothingNew() {
        List<Long> first = positions(apply(enter("c1", 0, "ann", "c1:0:0")));
        assertThat(positions(apply(enter("c1", 5, "ann", "c1:0:0")))).isEqualTo(first);
        assertThat(shown).hasSize(1);
    }

    @Test
    void whoUpdatesEntersAndWhoIsNotThereCannotLeave() {
        assertThat(positions(apply(presence(
                        "c1",
                        null,
                        10,
                        op(PresenceEntry.Action.LEAVE, "ann", "1"),
                        op(PresenceEntry.Action.UPDATE, "ann", "2"),
                        op(PresenceEntry.Action.PRESENT, "ben", "3")))))
                .containsExactly(0L, Positions.of(now, 0), Positions.of(now, 1));
        assertThat(events()).containsExactly("ENTER ann 2", "ENTER ben 3");
    }

    @Test
    void aSessionHasSoManyMembers() {
        PresenceOp ann = op(PresenceEntry.Action.ENTER, "ann", "1");
        PresenceOp ben = op(PresenceEntry.Action.ENTER, "ben", "2");
        assertThat(apply(presence("c1", null, 1, ann, ben))).isEqualTo(new TooManyMembers(1));
        assertThat(sessions.find(NAME)).isNull();
        apply(presence("c1", null, 2, ann, ben));
        PresenceOp newer = op(PresenceEntry.Action.UPDATE, "ann", "3");
        assertThat(apply(presence("c1", null, 1, newer)))
                .as("no more than before")
                .isInstanceOf(Accepted.class);
        PresenceOp leave = op(PresenceEntry.Action.LEAVE, "ann", "4");
        PresenceOp cid = op(PresenceEntry.Action.ENTER, "cid", "5");
        assertThat(apply(presence("c1", null, 2, leave, cid))).isInstanceOf(Accepted.class);
        assertThat(members()).containsExactly("c1 ben 2", "c1 cid 5");
    }

    @Test
    void aConnectionThatIsOverLeavesWithAllItsMembers() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(enter("c1", 1, "ben", "c1:1:0"));
        apply(enter("c11", 0, "cid", "c11:0:0"));
        now += 1;
        apply(new Leave(NAME, now, "c1", false));
        assertThat(members()).containsExactly("c11 cid c11:0:0");
        PresenceEntry left = (PresenceEntry) shown.get(3);
        assertThat(left.id()).isEqualTo(left.position() + ":leave").doesNotStartWith("c1");
        assertThat(left.body()).isEqualTo(text("c1:0:0"));
        assertThat(positions(apply(enter("c1", 1, "ben", "c1:1:0"))))
                .as("not forgotten")
                .containsExactly(Positions.of(now - 1, 1));
        assertThat(state().members()).isEqualTo(1);
        apply(new Leave(NAME, now, "c1", true));
        apply(enter("c1", 1, "ben", "c1:1:0"));
        assertThat(state().members()).isEqualTo(2);
        assertThat(apply(new Leave(new SessionName("app", "nowhere"), now, "c1", true)))
                .isEqualTo(new Done());
        assertThat(sessions.presence().memberships())
                .containsExactly(new Membership(NAME, "c1"), new Membership(NAME, "c11"));
    }
}
