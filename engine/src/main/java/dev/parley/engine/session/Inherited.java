package dev.parley.engine.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a namespace names for all of its sessions, as a session knows it: agents, and what the application wants to be told. Another
 * machine has it, so commands bring it; what a session once was told it keeps until it is told of something newer.
 *
 * @param revision of two, the greater one is newer
 * @param agents without the secrets of calls
 * @param rule what the application wants to be told; null for nothing
 */
public record Inherited(
        long revision, List<Agent> agents, @Nullable NotifyRule rule) {
    /** What a session knows that was never told of any. */
    public static final Inherited NONE = new Inherited(0, List.of());

    /** The application wants to be told nothing. */
    public Inherited(long revision, List<Agent> agents) {
        this(revision, agents, null);
    }

    int size() {
        return 16 + Agent.sizeOf(agents) + (rule == null ? 0 : rule.size());
    }
}
