package dev.parley.conversation;

import java.util.Set;

/** A major version of Vercel's AI SDK, which says which chunks a page understands; it refuses those that it does not know. */
public enum UiVersion {
    /** Version 6. */
    V6,
    /** Version 7. */
    V7;

    private static final Set<String> SINCE_V7 =
            Set.of("reset-step", "custom", "tool-approval-response", "reasoning-file", "steering-message");

    /**
     * {@return whether a page of this version understands chunks of a type}
     *
     * @param type the type
     */
    public boolean knows(String type) {
        return this == V7 || !SINCE_V7.contains(type);
    }
}
