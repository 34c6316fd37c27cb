package dev.parley.client.agent;

import dev.parley.client.NewMessage;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Headers;
import dev.parley.conversation.Inputs;
import dev.parley.conversation.Node;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.WireForm;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The calls of tools whose outcome is not known, as they stand in a session, and how they are settled: by an input whose message
 * and event have an id that follows from the call and from how often it was begun. The session has the first, whoever settles it.
 */
final class UnknownOutcomes {
    /** Codec header: a digest of what is said, by which whoever has settled a call knows whether the session has just that. */
    private static final String SAYS = "settlement";

    private UnknownOutcomes() {}

    /** The step in which a call is made. */
    static String stepOf(String toolCallId) {
        return "tool-" + toolCallId;
    }

    /** How often a step was begun. */
    static int attempts(Node.Run run, String stepId) {
        return run.steps().stream()
                .filter(step -> step.id().equals(stepId))
                .mapToInt(Node.Step::attempts)
                .sum();
    }

    /** Whether the run says that the outcome of a call is not known. */
    static boolean isNoted(Node.Run run, String toolCallId) {
        return run.messages().stream()
                .flatMap(message -> message.parts().stream())
                .anyMatch(part -> part instanceof Part.Data data
                        && data.name().equals(ToolLoop.OUTCOME_UNKNOWN)
                        && toolCallId.equals(data.id()));
    }

    /** Whether it was said first about all attempts so far that they have had no effect. */
    static boolean isNotDone(Conversation conversation, ToolKey key, int attempts) {
        return conversation
                .trigger(UnknownOutcome.settlementId(key, attempts))
                .filter(settled -> settled.kind().equals(WireForm.TOOL_NOT_DONE))
                .isPresent();
    }

    /** Whether a suspended run waits for this call: also if its tool may be called again, it does not. */
    static boolean isWaitedFor(Conversation conversation, String session, Node.Run run, ToolCall call) {
        ToolKey key = new ToolKey(session, run.key(), call.toolCallId());
        return Run.isWaiting(call) && !isNotDone(conversation, key, attempts(run, stepOf(call.toolCallId())));
    }

    /** Those of a run that nobody has settled; none if the run has ended. */
    static List<UnknownOutcome> in(Conversation conversation, String session, String runId) {
        return conversation.run(runId).stream()
                .flatMap(run -> run.messages().stream())
                .flatMap(message -> message.toolCalls().stream())
                .flatMap(call -> noted(conversation, session, runId, call.toolCallId()).stream())
                .filter(call -> isOpen(conversation, call))
                .distinct()
                .toList();
    }

    /** A call of which it was said that its outcome is not known, whatever has become of it since. */
    static Optional<UnknownOutcome> noted(Conversation conversation, String session, String runId, String toolCallId) {
        Node.Run run = conversation.run(runId).orElse(null);
        if (run == null || !isNoted(run, toolCallId)) {
            return Optional.empty();
        }
        ToolKey key = new ToolKey(session, runId, toolCallId);
        int attempts = attempts(run, stepOf(toolCallId));
        return run.messages().stream()
                .flatMap(message -> message.toolCalls().stream()
                        .filter(call -> call.toolCallId().equals(toolCallId))
                        .map(call -> new UnknownOutcome(key, call, message.id(), attempts)))
                .reduce((earlier, later) -> later);
    }

    /** Whether nobody has settled or answered a call, and nobody is at work in it, as far as the log says. */
    private static boolean isOpen(Conversation conversation, UnknownOutcome call) {
        String stepId = stepOf(call.key().toolCallId());
        Node.Run run = conversation.run(call.key().runId()).orElse(null);
        if (run == null || run.status().isTerminal() || attempts(run, stepId) != call.attempts()) {
            return false;
        }
        boolean isAtWork = run.status() == RunStatus.ACTIVE
                && run.steps().stream()
                        .anyMatch(step -> step.id().equals(stepId) && step.status() == Node.StepStatus.ACTIVE);
        boolean isAnswered = run.messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .anyMatch(other -> other.toolCallId().equals(call.key().toolCallId())
                        && other.state().isFinal());
        return !isAtWork
                && !isAnswered
                && conversation.trigger(call.settlementId()).isEmpty();
    }

    /**
     * Settles a call, unless the log has another settlement or answer.
     *
     * @return the input that settles it, if the session has it so
     */
    static Optional<Sent> settle(
            SharedConversation shared, @Nullable String clientId, UnknownOutcome call, Settlement settlement) {
        String session = shared.session().name();
        if (!call.key().sessionName().equals(session)) {
            throw new IllegalArgumentException(
                    "The call is of the session " + call.key().sessionName() + ", not " + session + ".");
        }
        // What somebody has answered who gives no such ids may not have been delivered yet.
        shared.readNewest();
        shared.findFrames(call.key().runId());
        OutboundMessage message = write(placement(call, clientId), call.key().toolCallId(), settlement);
        String says = ToolKey.digest(List.of(message.headers().kind(), String.valueOf(message.data())));
        String id = call.settlementId();
        Conversation.Trigger first =
                shared.read(conversation -> conversation.trigger(id).orElse(null));
        String serial;
        if (first != null) {
            serial = first.serial();
        } else if (shared.read(conversation -> isOpen(conversation, call))) {
            NewMessage written = SessionMessages.write(saying(message, says)).withId(id);
            serial = shared.session().publish(written).get(0);
        } else {
            return Optional.empty();
        }
        // It may be another's, which was first.
        SessionMessage stored = SessionMessages.read(shared.session().message(serial));
        if (stored == null) {
            return Optional.empty();
        }
        shared.published(stored);
        return says.equals(stored.headers().codec(SAYS)) ? Optional.of(sent(call)) : Optional.empty();
    }

    /** What settles a call. */
    static Sent sent(UnknownOutcome call) {
        String id = call.settlementId();
        ToolKey key = call.key();
        return new Sent(id, call.messageId(), key.runId(), new Invocation(id, key.sessionName()));
    }

    private static Inputs.Placement placement(UnknownOutcome call, @Nullable String clientId) {
        return new Inputs.Placement(
                call.settlementId(), call.messageId(), clientId, call.key().runId(), call.messageId(), null);
    }

    private static OutboundMessage write(Inputs.Placement placement, String toolCallId, Settlement settlement) {
        if (settlement instanceof Settlement.Result result) {
            return Inputs.toolResult(placement, toolCallId, result.output());
        }
        if (settlement instanceof Settlement.Failure failure) {
            return Inputs.toolResultError(placement, toolCallId, failure.message());
        }
        return Inputs.toolNotDone(placement, toolCallId);
    }

    private static OutboundMessage saying(OutboundMessage message, String says) {
        Map<String, String> codec = new LinkedHashMap<>(message.headers().codec());
        codec.put(SAYS, says);
        return new OutboundMessage(
                message.name(), message.data(), new Headers(message.headers().transport(), codec), message.ephemeral());
    }
}
