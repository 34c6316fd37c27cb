package dev.parley.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RoomTest {
    private final TestSession session = new TestSession();

    private List<String> said() {
        return session.conversation.room().entries().stream()
                .map(entry ->
                        entry.message().clientId() + ": " + entry.message().text())
                .toList();
    }

    @Test
    void whatPeopleWriteAtOnceAndAgentsAnswerIsAllThereInLogOrder() {
        String one = session.say("ann", null, "one");
        String two = session.say("bob", null, "two");
        RunContext poet = session.begin("poet", one, null);
        RunContext critic = session.begin("critic", one, null);
        session.pipe("critic", critic, null, List.of(), TestSession.text("no"));
        session.pipe("poet", poet, null, List.of(), TestSession.text("yes"));
        session.say("ann", one, "three");
        session.answer("poet", two, "twice");
        session.pipe("poet", poet, null, List.of(), TestSession.text("really"));
        assertThat(said())
                .containsExactly(
                        "ann: one", "bob: two", "critic: no", "poet: yes", "ann: three", "poet: twice", "poet: really");
        // One branch has room for one answer only.
        assertThat(session.conversation.newView().runOf(one).orElseThrow().agentId())
                .isEqualTo("critic");
    }

    @Test
    void whatWasReplacedOnPurposeIsLeftOutAndWhatOthersSaidBelowItStays() {
        String one = session.say("ann", null, "one");
        String answer = session.answer("agent", one, "answer to one");
        session.answer("agent", session.say("bob", answer, "and why?"), "because");
        session.say("ann", new Inputs.Placement("e", "edited", "ann", null, null, one), new Part.Text("two"));
        session.answer("agent", "edited", "answer to two");
        assertThat(said()).containsExactly("bob: and why?", "agent: because", "ann: two", "agent: answer to two");
    }

    @Test
    void anAnswerThatIsGeneratedAnewTakesThePlaceOfTheFirst() {
        String one = session.say("ann", null, "one");
        String first = session.answer("agent", one, "first");
        RunContext again = session.begin("agent", one, first);
        assertThat(again.regenerates()).isEqualTo(first);
        session.pipe("agent", again, null, List.of(), TestSession.text("second"));
        assertThat(said()).containsExactly("ann: one", "agent: second");
        RunContext third = session.begin("agent", one, first);
        session.pipe("agent", third, null, List.of(), TestSession.text("third"));
        assertThat(said()).containsExactly("ann: one", "agent: third");
    }

    @Test
    void aRunWhosePlaceAnAnswerToAToolHasTakenIsLeftOut() {
        session.conversation.applyAll(Golden.of("a tool runs at the clients, and each result makes a run of its own")
                .deliveries());
        assertThat(session.conversation.room().entries().stream()
                        .map(entry -> entry.message().text()))
                .containsExactly(
                        "where are we?",
                        "let me see ",
                        "let me see ",
                        "in Bern",
                        "in Basel",
                        "thanks",
                        "you are welcome");
    }

    @Test
    void theScenesOfTheNpmLibraryAreWhole() {
        session.conversation.applyAll(Golden.of("two agents answer one message").deliveries());
        assertThat(said())
                .containsExactly(
                        "ann: a poem, please",
                        "poet: roses are red",
                        "critic: not another one",
                        "ann: and now?",
                        "poet: violets are blue");
    }
}
