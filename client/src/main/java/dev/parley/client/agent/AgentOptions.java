package dev.parley.client.agent;

import dev.parley.conversation.Conversation;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How an agent works. Begin with {@link #DEFAULT}.
 *
 * @param executor runs handlers, which may block for as long as a run lasts; null for 64 threads that all agents of the
 *     process share. Since Java 21, {@code Executors.newVirtualThreadPerTaskExecutor()} has room for any number
 * @param cancelGrace how long after a cancel a run may go on before it is ended for its agent
 * @param inputTimeout how long an agent waits for the input that it was invoked for
 * @param conversationLimit how much of the session an agent holds, in characters as {@link Conversation#size} counts them. When
 *     it is more, the oldest part is let go, down to half of it. A prompt goes back no further than to what is held: at least
 *     half of the limit, if the branch is so long. Runs that are open keep their beginning within the limit
 * @param mayCancel whose cancels count. Others are ignored without a word, as in {@code @ably/ai-transport}. Called on the
 *     thread of the session's listeners, which it must not block; what it throws refuses the cancel
 * @param adoptAbandoned whether an agent that begins to serve takes over the runs of its client id that are active. Only where
 *     one process at a time serves under this client id: if another is at work, it is stopped. Otherwise the server ends the
 *     runs of a process that is gone, after its setting {@code realtime.run-grace}
 * @param endOnShutdown whether open runs are cancelled when the process is asked to end, as by SIGTERM
 */
public record AgentOptions(
        @Nullable Executor executor,
        Duration cancelGrace,
        Duration inputTimeout,
        long conversationLimit,
        Predicate<CancelRequest> mayCancel,
        boolean adoptAbandoned,
        boolean endOnShutdown) {
    /**
     * The shared threads, 5 s, 30 s, and 8,000,000 characters, which is more than models take. Everybody who may publish in the
     * session may cancel; nothing is adopted, and everything ends with the process.
     */
    public static final AgentOptions DEFAULT = new AgentOptions(
            null,
            Duration.ofSeconds(5),
            Duration.ofSeconds(30),
            SharedConversation.LIMIT,
            request -> true,
            false,
            true);

    /** Checks the limit. */
    public AgentOptions {
        if (conversationLimit < 1) {
            throw new IllegalArgumentException("A conversation needs room, not " + conversationLimit + " characters.");
        }
    }

    /**
     * {@return the same with handlers on this executor}
     *
     * @param newExecutor runs handlers; null for the shared threads
     */
    public AgentOptions withExecutor(@Nullable Executor newExecutor) {
        return new AgentOptions(
                newExecutor, cancelGrace, inputTimeout, conversationLimit, mayCancel, adoptAbandoned, endOnShutdown);
    }

    /**
     * {@return the same with this time between a cancel and the end of the run}
     *
     * @param grace how long a run may go on after a cancel
     */
    public AgentOptions withCancelGrace(Duration grace) {
        return new AgentOptions(
                executor, grace, inputTimeout, conversationLimit, mayCancel, adoptAbandoned, endOnShutdown);
    }

    /**
     * {@return the same with this time to wait for an input}
     *
     * @param timeout how long an agent waits for its input
     */
    public AgentOptions withInputTimeout(Duration timeout) {
        return new AgentOptions(
                executor, cancelGrace, timeout, conversationLimit, mayCancel, adoptAbandoned, endOnShutdown);
    }

    /**
     * {@return the same with room for this many characters}
     *
     * @param characters at least 1
     */
    public AgentOptions withConversationLimit(long characters) {
        return new AgentOptions(
                executor, cancelGrace, inputTimeout, characters, mayCancel, adoptAbandoned, endOnShutdown);
    }

    /**
     * {@return the same with this rule; {@code CancelRequest::isByOwner} lets only those cancel whose run it is}
     *
     * @param rule whether a cancel counts; must not block
     */
    public AgentOptions withMayCancel(Predicate<CancelRequest> rule) {
        return new AgentOptions(
                executor, cancelGrace, inputTimeout, conversationLimit, rule, adoptAbandoned, endOnShutdown);
    }

    /**
     * {@return the same with or without adoption at the start}
     *
     * @param adopt whether abandoned runs are adopted
     */
    public AgentOptions withAdoptAbandoned(boolean adopt) {
        return new AgentOptions(
                executor, cancelGrace, inputTimeout, conversationLimit, mayCancel, adopt, endOnShutdown);
    }

    /**
     * {@return the same with or without an end of the runs with that of the process}
     *
     * @param end whether open runs end with the process
     */
    public AgentOptions withEndOnShutdown(boolean end) {
        return new AgentOptions(executor, cancelGrace, inputTimeout, conversationLimit, mayCancel, adoptAbandoned, end);
    }
}
