package dev.parley.client.agent;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Headers;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which runs people have cancelled, who may do that, and the ends of those runs that wait for somebody. */
final class Cancellations {
    private static final Logger LOG = LoggerFactory.getLogger(Cancellations.class);

    private final SharedConversation shared;
    private final OpenRuns open;
    private final KnownRuns known;
    private final Predicate<CancelRequest> mayCancel;

    Cancellations(SharedConversation shared, OpenRuns open, KnownRuns known, Predicate<CancelRequest> mayCancel) {
        this.shared = shared;
        this.open = open;
        this.known = known;
        this.mayCancel = mayCancel;
    }

    /** Cancels a run that is open here, if somebody has asked for that who may. */
    void note(Run run) {
        if (isRequested(run.id(), run.inputId(), run.ownerId())) {
            run.cancelToken().cancel();
        }
    }

    private boolean isRequested(String runId, @Nullable String inputId, String ownerId) {
        // Who cancels may know a run only by the input that began it, also when another has resumed it since.
        SharedConversation.Frames frames = shared.frames(runId);
        SessionMessage start = frames == null ? null : frames.start();
        String first = start == null ? null : start.headers().get(WireForm.INPUT_MESSAGE_ID);
        List<Conversation.Cancel> cancels = new ArrayList<>();
        shared.read(conversation -> cancels.addAll(conversation.cancels(runId, inputId)));
        shared.read(conversation -> cancels.addAll(conversation.cancels(runId, first)));
        return cancels.stream().anyMatch(cancel -> isAllowed(runId, ownerId, cancel.clientId()));
    }

    private boolean isAllowed(String runId, String ownerId, @Nullable String who) {
        try {
            return mayCancel.test(new CancelRequest(runId, ownerId, who));
        } catch (RuntimeException e) {
            LOG.warn("It could not be said whether the run {} may be cancelled.", runId, e);
            return false;
        }
    }

    /** The run that a message cancels; null if it is not known. */
    @Nullable
    String runOf(SessionMessage cancel) {
        String input = cancel.headers().get(WireForm.INPUT_MESSAGE_ID);
        String named = cancel.headers().get(WireForm.RUN_ID);
        return named == null && input != null ? shared.runOf(input) : named;
    }

    /** Ends a run of this agent that is suspended, and so open nowhere, if somebody has cancelled it who may. */
    void endIfSuspended(String runId) {
        Node.Run run = known.findOwn(runId);
        SharedConversation.Frames frames = shared.frames(runId);
        if (run == null
                || frames == null
                || run.status() != RunStatus.SUSPENDED
                || open.has(runId)
                || !isRequested(runId, frames.last().headers().get(WireForm.INPUT_MESSAGE_ID), run.ownerId())) {
            return;
        }
        Headers last = frames.last().headers();
        RunContext frame = new RunContext(
                runId,
                run.ownerId(),
                last.get(WireForm.INVOCATION_ID),
                last.get(WireForm.INPUT_CLIENT_ID),
                last.get(WireForm.INPUT_MESSAGE_ID),
                null,
                null,
                null);
        shared.session()
                .publish(SessionMessages.write(RunMessages.end(frame, RunStatus.CANCELLED, null))
                        .withId(RunEnd.messageId(runId)));
    }
}
