package dev.parley.conversation;

import static dev.parley.conversation.TestSession.texts;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ViewTest {
    private final TestSession session = new TestSession();
    private final Conversation conversation = session.conversation;

    @Test
    void anEditBySomebodyElseDoesNotTakeAwayWhatWasShown() {
        String one = session.say("ann", null, "one");
        session.answer("agent", one, "answer to one");
        View ann = conversation.newView();
        assertThat(texts(ann.messages())).containsExactly("one", "answer to one");
        String two = session.say("bob", new Inputs.Placement("e", "two", "bob", null, null, one), new Part.Text("two"));
        assertThat(texts(ann.messages())).containsExactly("one", "answer to one");
        assertThat(texts(conversation.newView().messages())).containsExactly("two");
        ann.selectInput(two);
        assertThat(texts(ann.messages())).containsExactly("two");
        assertThat(ann.select(two, 0)).isTrue();
        assertThat(texts(ann.messages())).containsExactly("one", "answer to one");
        ann.selectNewest(one);
        assertThat(texts(ann.messages())).containsExactly("two");
        assertThat(ann.branch(two)).satisfies(branch -> {
            assertThat(texts(branch.alternatives())).containsExactly("one", "two");
            assertThat(branch.selected()).isEqualTo(1);
        });
    }

    @Test
    void anAnswerThatIsGeneratedAnewIsShownUnlessAnotherWasSelected() {
        String asked = session.say("ann", null, "one");
        String first = session.answer("agent", asked, "first");
        View view = conversation.newView();
        assertThat(texts(view.messages())).containsExactly("one", "first");
        View.Regeneration regeneration = view.regeneration(first).orElseThrow();
        assertThat(regeneration).isEqualTo(new View.Regeneration(first, asked));
        regenerate(regeneration, "second");
        assertThat(texts(view.messages())).containsExactly("one", "second");
        assertThat(view.runOf(asked).orElseThrow()).isEqualTo(view.runs().get(0));
        // What is generated anew for the second time is still the first.
        String second = view.messages().get(1).id();
        assertThat(view.regeneration(second)).contains(regeneration);
        view.select(second, 0);
        regenerate(regeneration, "third");
        assertThat(texts(view.messages())).containsExactly("one", "first");
        assertThat(texts(view.branch(first).alternatives())).containsExactly("first", "second", "third");
        assertThat(view.select(first, 99)).isTrue();
        assertThat(texts(view.messages())).containsExactly("one", "third");
        assertThat(view.regeneration(asked)).isEmpty();
    }

    private String regenerate(View.Regeneration regeneration, String text) {
        String id = session.id();
        session.publish(
                "ann",
                Inputs.regenerate(
                        Inputs.Placement.after(regeneration.parent(), session.id(), id, "ann"), regeneration.target()));
        RunContext run = new RunContext(
                session.id(), "ann", session.id(), "ann", id, regeneration.parent(), null, regeneration.target());
        session.publish("agent", RunMessages.start(run));
        String answer = session.pipe("agent", run, null, List.of(), TestSession.text(text));
        session.publish("agent", RunMessages.end(run, RunStatus.COMPLETE, null));
        return answer;
    }

    @Test
    void aMessageInTheMidstOfARunHasAlternativesOfItsOwn() {
        String asked = session.say("ann", null, "plan");
        RunContext run = session.begin("agent", asked, null);
        session.pipe("agent", run, null, List.of(), TestSession.text("by car"));
        String steer =
                session.say("ann", Inputs.Placement.in(run.runId(), "e", "steer", "ann"), new Part.Text("by train"));
        String second = session.pipe("agent", run, null, List.of(steer), TestSession.text("by train then"));
        session.publish("agent", RunMessages.end(run, RunStatus.COMPLETE, null));
        View view = conversation.newView();
        View.Regeneration regeneration = view.regeneration(second).orElseThrow();
        assertThat(regeneration).isEqualTo(new View.Regeneration(second, steer));
        String other = regenerate(regeneration, "by night train");
        assertThat(texts(view.messages())).containsExactly("plan", "by car", "by train", "by night train");
        assertThat(texts(view.branch(other).alternatives())).containsExactly("by train then", "by night train");
        view.select(other, 0);
        assertThat(texts(view.messages())).containsExactly("plan", "by car", "by train", "by train then");
        assertThat(view.branch(second).selected()).isZero();
    }

    @Test
    void aMessageKnowsWhatIsBeforeIt() {
        String one = session.say("ann", null, "one");
        String answer = session.answer("agent", one, "answer");
        View view = conversation.newView();
        assertThat(view.leaf()).contains(answer);
        assertThat(view.before(answer)).contains(one);
        assertThat(view.before(one)).isEmpty();
        assertThat(view.before("unknown")).isEmpty();
        assertThat(view.branch("unknown").alternatives()).isEmpty();
        assertThat(view.select("unknown", 0)).isFalse();
    }

    @Test
    void aViewOfAnotherPartShowsWhatWasShown() {
        String one = session.say("ann", null, "one");
        String asked = session.say("ann", session.answer("agent", one, "answer"), "two");
        String first = session.answer("agent", asked, "first");
        View view = conversation.newView();
        view.messages();
        regenerate(view.regeneration(first).orElseThrow(), "second");
        view.select(first, 0);
        assertThat(texts(view.messages())).containsExactly("one", "answer", "two", "first");
        session.say("bob", new Inputs.Placement("e", "other", "bob", null, null, one), new Part.Text("otherwise"));
        assertThat(texts(view.messages())).containsExactly("one", "answer", "two", "first");

        // The other part begins with the second question, and knows more than the view has looked at.
        session.say(
                "bob",
                new Inputs.Placement(
                        "f", "edit", "bob", null, view.before(asked).orElse(null), asked),
                new Part.Text("three"));
        Conversation newest = new Conversation();
        String begin = session.log.stream()
                .filter(message -> asked.equals(message.headers().get(WireForm.MESSAGE_ID)))
                .findFirst()
                .orElseThrow()
                .serial();
        session.log.stream()
                .filter(message -> message.serial().compareTo(begin) >= 0)
                .forEach(newest::apply);
        View moved = newest.newView(view);
        assertThat(texts(moved.messages())).contains("two", "first").doesNotContain("three", "second");

        // With all of the session, all is as it was.
        Conversation whole = new Conversation();
        session.log.forEach(whole::apply);
        assertThat(texts(whole.newView(view).messages())).containsExactly("one", "answer", "two", "first");
        assertThat(texts(whole.newView().messages())).containsExactly("otherwise");
    }
}
