package dev.parley.conversation;

import static dev.parley.conversation.TestSession.texts;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PromptTest {
    private final TestSession session = new TestSession();
    private final Conversation conversation = session.conversation;

    private List<String> prompt(String eventId, String runId) {
        return texts(Prompt.of(conversation, conversation.trigger(eventId).orElseThrow(), runId)
                .messages());
    }

    private String ask(String eventId, @org.jspecify.annotations.Nullable String parent, String text) {
        return session.say(
                "ann", new Inputs.Placement(eventId, session.id(), "ann", null, parent, null), new Part.Text(text));
    }

    @Test
    void itIsTheBranchWithoutRunsThatHaveNotReachedTheirEnd() {
        String one = ask("one", null, "one");
        String answer = session.answer("agent", one, "answer to one");
        String two = ask("two", answer, "two");
        RunContext cancelled = session.begin("agent", two, null);
        String half = session.pipe("agent", cancelled, null, List.of(), TestSession.text("half"));
        session.publish("agent", RunMessages.end(cancelled, RunStatus.CANCELLED, null));
        ask("three", half, "three");
        assertThat(prompt("three", "run")).containsExactly("one", "answer to one", "three");
        assertThat(prompt("one", "run")).containsExactly("one");
    }

    @Test
    void messagesThatSteerStandLastUntilTheyAreTakenAccountOf() {
        String asked = ask("one", null, "plan");
        RunContext run = session.begin("agent", asked, null);
        session.say("bob", Inputs.Placement.in(run.runId(), "e", "steer", "bob"), new Part.Text("by train"));
        session.pipe("agent", run, null, List.of(), TestSession.text("by car"));
        assertThat(prompt("one", run.runId())).containsExactly("plan", "by car", "by train");
        assertThat(texts(Prompt.unansweredSteers(conversation.run(run.runId()).orElseThrow())))
                .containsExactly("by train");
        session.pipe("agent", run, null, List.of("steer"), TestSession.text("by train then"));
        assertThat(prompt("one", run.runId())).containsExactly("plan", "by train", "by car", "by train then");
        assertThat(Prompt.unansweredSteers(conversation.run(run.runId()).orElseThrow()))
                .isEmpty();
    }

    @Test
    void whatIsToBeGeneratedAnewIsNotInIt() {
        String asked = ask("one", null, "one");
        String first = session.answer("agent", asked, "first");
        session.publish("ann", Inputs.regenerate(Inputs.Placement.after(asked, "again", "carrier", "ann"), first));
        assertThat(prompt("again", "run")).containsExactly("one");
    }

    @Test
    void aRunThatGoesOnHasWhatWasSaidInIt() {
        Golden golden = Golden.of("a tool runs at the client, in the same run");
        golden.deliveries().stream()
                .takeWhile(message -> !WireForm.RUN_RESUME.equals(message.name()))
                .forEach(conversation::apply);
        String eventId = golden.deliveries().stream()
                .filter(message -> message.headers().kind().equals(WireForm.TOOL_RESULT))
                .findFirst()
                .orElseThrow()
                .headers()
                .find(WireForm.EVENT_ID)
                .orElseThrow();
        Conversation.Trigger trigger = conversation.trigger(eventId).orElseThrow();
        String runId = java.util.Objects.requireNonNull(trigger.runId());
        List<Message> messages = Prompt.of(conversation, trigger, runId).messages();
        assertThat(messages).hasSize(2);
        assertThat(messages.get(1).toolCalls().get(0).state()).isEqualTo(ToolCall.State.OUTPUT_AVAILABLE);
    }
}
