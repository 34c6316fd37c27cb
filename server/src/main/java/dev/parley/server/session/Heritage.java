package dev.parley.server.session;

import dev.parley.conversation.Headers;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.channel.SessionMessages;
import dev.parley.server.channel.StateRows;
import dev.parley.server.wire.Serials;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a fork has of a session: its messages up to one of the conversation, each as it is now, and the ends of runs that were
 * open there. It is shown all messages of the session, oldest first.
 */
final class Heritage {
    private final @Nullable String at;
    private final int maxMessages;
    private final long maxBytes;

    private final List<Long> serials = new ArrayList<>();
    private final List<Create> messages = new ArrayList<>();
    private long bytes;

    /** The position of the last message that a fork has. */
    private long upTo;

    /** How many of the messages a fork has. */
    private int count;

    private boolean isFull;
    private boolean isTooLarge;

    /** The ids of the messages. */
    private final Set<String> ids = new HashSet<>();

    /** Runs with what opens them. */
    private final Map<String, Opening> opened = new LinkedHashMap<>();

    private final Map<String, Ending> ended = new LinkedHashMap<>();

    /** The position of the newest message of each run with something said. */
    private final Map<String, Long> newest = new LinkedHashMap<>();

    /** The beginning of a run. */
    private record Opening(
            long serial,
            @Nullable String clientId,
            @Nullable String extras) {}

    /** The end of a run. */
    private record Ending(long serial, Create message) {}

    /**
     * Of nothing yet.
     *
     * @param at the message up to which a fork has the session, by its id, its serial, or the id of its run; null for all of it
     */
    Heritage(@Nullable String at, int maxMessages, long maxBytes) {
        this.at = at;
        this.maxMessages = maxMessages;
        this.maxBytes = maxBytes;
    }

    /** Takes note of a message. */
    void see(MessageEntry entry) {
        SessionMessage message = SessionMessages.of(entry);
        boolean matches = at == null || is(at, entry, message);
        if (matches) {
            isTooLarge |= isFull;
            upTo = entry.serial();
        }
        if (entry.action() == MessageEntry.Action.DELETE) {
            count = matches ? messages.size() : count;
            return;
        }
        note(entry, message);
        bytes += entry.weight();
        isFull |= messages.size() == maxMessages || bytes > maxBytes;
        if (isFull) {
            isTooLarge |= matches;
            return;
        }
        serials.add(entry.serial());
        messages.add(create(entry, closed(message, entry.body())));
        count = matches ? messages.size() : count;
    }

    private static boolean is(String at, MessageEntry entry, SessionMessage message) {
        return at.equals(message.headers().get(WireForm.MESSAGE_ID))
                || at.equals(StateRows.messageId(entry, message))
                || at.equals(Serials.render(entry.serial()));
    }

    private void note(MessageEntry entry, SessionMessage message) {
        String run = message.headers().get(WireForm.RUN_ID);
        if (run == null) {
            return;
        }
        switch (message.name()) {
            case WireForm.RUN_START, WireForm.STEP_START, WireForm.OUTPUT -> {
                opened.putIfAbsent(
                        run,
                        new Opening(
                                entry.serial(), entry.clientId(), entry.body().extras()));
                newest.put(run, entry.serial());
            }
            case WireForm.RUN_END ->
                ended.put(
                        run,
                        new Ending(
                                entry.serial(),
                                new Create(
                                        entry.id(),
                                        false,
                                        entry.clientId(),
                                        entry.connectionId(),
                                        entry.body(),
                                        false)));
            case null, default -> {}
        }
    }

    /** What was said before under an id is not said again in the fork; what the server says about a request has one id. */
    private Create create(MessageEntry entry, Body body) {
        boolean isUnique = entry.id() != null && ids.add(entry.id());
        return new Create(entry.id(), isUnique, entry.clientId(), entry.connectionId(), body, false);
    }

    /** What was being streamed is not any more. */
    private static Body closed(SessionMessage message, Body body) {
        Headers headers = message.headers();
        if (body.extras() == null || !WireForm.STREAMING.equals(headers.get(WireForm.STATUS))) {
            return body;
        }
        ObjectNode extras = (ObjectNode) RunNotes.tree(body.extras());
        extras.withObject(WireForm.AI).withObject(WireForm.TRANSPORT).put(WireForm.STATUS, WireForm.CANCELLED);
        return new Body(body.name(), body.data(), body.encoding(), extras.toString());
    }

    /** Whether there is the message up to which a fork has the session. */
    boolean isFound() {
        return at == null || upTo != 0;
    }

    /** Whether a fork would have more than it may. */
    boolean isTooLarge() {
        return isTooLarge;
    }

    /** The position of the last message that a fork has. */
    long upTo() {
        return upTo;
    }

    /** The positions of its messages. */
    List<Long> serials() {
        return List.copyOf(serials.subList(0, count));
    }

    /** Its messages, and behind them the ends of runs that were open. */
    List<Create> messages() {
        List<Create> all = new ArrayList<>(messages.subList(0, count));
        Set<String> over = new HashSet<>();
        ended.forEach((run, end) -> {
            if (end.serial() <= upTo) {
                over.add(run);
            }
        });
        opened.forEach((run, opening) -> {
            if (opening.serial() <= upTo && !over.contains(run)) {
                all.add(end(run, opening));
            }
        });
        return all;
    }

    /** The end that the run has, if a fork has all that was said in it; otherwise it is as if it had been stopped. */
    private Create end(String run, Opening opening) {
        Ending end = ended.get(run);
        if (end != null && newest.getOrDefault(run, 0L) <= upTo) {
            return end.message();
        }
        Body body = RunNotes.end(run, opening.extras(), RunStatus.CANCELLED);
        return new Create(null, false, opening.clientId(), null, body, false);
    }
}
