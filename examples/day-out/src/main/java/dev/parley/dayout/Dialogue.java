package dev.parley.dayout;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.Role;
import dev.parley.conversation.Room;
import dev.parley.conversation.RunStatus;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What Bernard is told of a session: all that was said in the room, by whom, and where somebody has stopped him. What people have
 * said to him while he was at work, and he has not taken account of yet, stands last.
 */
final class Dialogue {
    private Dialogue() {}

    /** The prompt of a run as the conversation now stands. */
    static Prompt of(Conversation conversation, String runId) {
        Set<String> steers = conversation
                .run(runId)
                .map(run ->
                        Prompt.unansweredSteers(run).stream().map(Message::id).collect(Collectors.toSet()))
                .orElseGet(HashSet::new);
        List<Message> said = new ArrayList<>();
        List<Message> last = new ArrayList<>();
        List<Room.Entry> entries = conversation.room().entries();
        for (int at = 0; at < entries.size(); at++) {
            Room.Entry entry = entries.get(at);
            Message message = entry.message();
            if (message.role() == Role.USER) {
                (steers.contains(message.id()) ? last : said).add(named(message));
                continue;
            }
            said.add(message);
            if (entry.node() instanceof Node.Run run && isLast(entries, at, run)) {
                String note = note(conversation, run);
                if (note != null) {
                    said.add(note(message, note));
                }
            }
        }
        said.addAll(last);
        return new Prompt(said);
    }

    private static boolean isLast(List<Room.Entry> entries, int at, Node.Run run) {
        return entries.subList(at + 1, entries.size()).stream()
                .noneMatch(entry -> entry.message().role() == Role.ASSISTANT
                        && entry.node().key().equals(run.key()));
    }

    /** A model does not see from what it has said that it was stopped. */
    private static @Nullable String note(Conversation conversation, Node.Run run) {
        if (run.status() == RunStatus.CANCELLED) {
            String who = conversation.cancels(run.key(), run.parent()).stream()
                    .map(Conversation.Cancel::clientId)
                    .filter(id -> id != null && !id.isEmpty())
                    .findFirst()
                    .orElse("Somebody");
            return "(" + who + " stopped Bernard here.)";
        }
        return run.status() == RunStatus.ERROR ? "(Bernard broke off here.)" : null;
    }

    private static Message note(Message after, String text) {
        String id = after.id() + "-note";
        return new Message(id, id, Role.USER, List.of(new Part.Text(text)), null, null, after.serial());
    }

    /** The message with the name of who says it. */
    private static Message named(Message message) {
        List<Part> parts = new ArrayList<>(message.parts());
        parts.replaceAll(part -> part instanceof Part.Text text
                ? new Part.Text(Objects.requireNonNullElse(message.clientId(), "Somebody") + ": " + text.text())
                : part);
        return new Message(
                message.id(),
                message.uiId(),
                message.role(),
                parts,
                message.metadata(),
                message.clientId(),
                message.serial());
    }
}
