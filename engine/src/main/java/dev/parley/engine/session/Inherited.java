package dev.parley.engine.session;

import java.util.List;

/**
 * The agents that a namespace names for all of its sessions, as a session knows them. Another machine has them, so commands bring
 * them; what a session once was told it keeps until it is told of something newer.
 *
 * @param revision of two, the greater one is newer
 * @param agents without the secrets of calls
 */
public record Inherited(long revision, List<Agent> agents) {
    /** What a session knows that was never told of any. */
    public static final Inherited NONE = new Inherited(0, List.of());

    int size() {
        return 16 + Agent.sizeOf(agents);
    }
}
