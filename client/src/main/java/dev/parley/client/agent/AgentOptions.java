package dev.parley.client.agent;

import dev.parley.conversation.Conversation;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * How an agent works.
 *
 * @param executor runs handlers, which may block for as long as a run lasts; null for 64 threads that all agents of the
 *     process share. Since Java 21, {@code Executors.newVirtualThreadPerTaskExecutor()} has room for any number
 * @param cancelGrace how long after a cancel a run may go on before it is ended for its agent
 * @param inputTimeout how long an agent waits for the input that it was invoked for
 * @param conversationLimit how much of the session an agent holds, in characters as {@link Conversation#size} counts them. When
 *     it is more, the oldest part is let go, down to half of it. A prompt goes back no further than to what is held: at least
 *     half of the limit, if the branch is so long. Runs that are open keep their beginning within the limit
 */
public record AgentOptions(
        @Nullable Executor executor, Duration cancelGrace, Duration inputTimeout, long conversationLimit) {
    /** The shared threads, 5 s, 30 s, and 8,000,000 characters, which is more than models take. */
    public static final AgentOptions DEFAULT =
            new AgentOptions(null, Duration.ofSeconds(5), Duration.ofSeconds(30), 8_000_000);

    /** Checks the limit. */
    public AgentOptions {
        if (conversationLimit < 1) {
            throw new IllegalArgumentException("A conversation needs room, not " + conversationLimit + " characters.");
        }
    }

    /** The same with handlers on this executor. */
    public AgentOptions withExecutor(@Nullable Executor newExecutor) {
        return new AgentOptions(newExecutor, cancelGrace, inputTimeout, conversationLimit);
    }

    /** The same with this time between a cancel and the end of the run. */
    public AgentOptions withCancelGrace(Duration grace) {
        return new AgentOptions(executor, grace, inputTimeout, conversationLimit);
    }

    /** The same with this time to wait for an input. */
    public AgentOptions withInputTimeout(Duration timeout) {
        return new AgentOptions(executor, cancelGrace, timeout, conversationLimit);
    }

    /** The same with room for this many characters. */
    public AgentOptions withConversationLimit(long characters) {
        return new AgentOptions(executor, cancelGrace, inputTimeout, characters);
    }
}
