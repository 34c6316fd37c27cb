package dev.parley.conversation;

import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A node as it is being put together: its session messages in the order of their serials, and what they come to. */
abstract sealed class NodeState permits InputState, RunState {
    private final String key;
    final TreeMap<String, LoggedMessage> log = new TreeMap<>();
    private @Nullable List<Message> messages;

    NodeState(String key) {
        this.key = key;
    }

    String key() {
        return key;
    }

    void add(LoggedMessage message) {
        log.put(message.serial(), message);
        message.home = this;
        touch();
    }

    void remove(LoggedMessage message) {
        log.remove(message.serial());
        message.home = null;
        touch();
    }

    /** One of the messages has changed. */
    void touch() {
        messages = null;
    }

    /** One of the messages says something else about where the node belongs, or how it stands. */
    void replace() {
        touch();
    }

    String serial() {
        return log.firstKey();
    }

    List<Message> messages() {
        List<Message> folded = messages;
        if (folded == null) {
            ContentFold fold = new ContentFold();
            for (LoggedMessage message : log.values()) {
                if (isContent(message)) {
                    fold.add(message);
                }
            }
            folded = fold.messages();
            messages = folded;
        }
        return folded;
    }

    /** Whether the message is a piece of what is said. */
    boolean isContent(LoggedMessage message) {
        return true;
    }

    /** Whether enough is known for it to be a node. */
    boolean isKnown() {
        return !log.isEmpty();
    }

    abstract @Nullable String parent();

    /** The first value of a header that one of the messages has. */
    @Nullable
    String first(String header) {
        for (LoggedMessage message : log.values()) {
            String value = message.headers().get(header);
            if (value != null) {
                return value;
            }
        }
        return null;
    }
}
