package dev.parley.conversation;

import org.jspecify.annotations.Nullable;

/** An input as it is being put together. */
final class InputState extends NodeState {
    InputState(String messageId) {
        super(messageId);
    }

    @Override
    @Nullable
    String parent() {
        return first(WireForm.PARENT);
    }

    @Nullable
    String forkOf() {
        return first(WireForm.FORK_OF);
    }

    Node.Input snapshot() {
        return new Node.Input(key(), parent(), forkOf(), serial(), messages());
    }
}
