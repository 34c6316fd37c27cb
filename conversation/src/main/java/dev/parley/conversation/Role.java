package dev.parley.conversation;

import org.jspecify.annotations.Nullable;

/** Who speaks in a message. */
public enum Role {
    /** A person. */
    USER("user"),
    /** An agent. */
    ASSISTANT("assistant"),
    /** Whoever has set up the conversation. */
    SYSTEM("system");

    private final String wireName;

    Role(String wireName) {
        this.wireName = wireName;
    }

    /** {@return the role's name on the wire} */
    public String wireName() {
        return wireName;
    }

    /**
     * {@return the role of a name, a person's if there is no name or it is unknown}
     *
     * @param wireName the name on the wire
     */
    public static Role of(@Nullable String wireName) {
        for (Role role : values()) {
            if (role.wireName.equals(wireName)) {
                return role;
            }
        }
        return USER;
    }
}
