package dev.parley.client.agent;

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
 */
public record AgentOptions(@Nullable Executor executor, Duration cancelGrace, Duration inputTimeout) {
    /** The shared threads, 5 s and 30 s. */
    public static final AgentOptions DEFAULT = new AgentOptions(null, Duration.ofSeconds(5), Duration.ofSeconds(30));

    /** The same with handlers on this executor. */
    public AgentOptions withExecutor(@Nullable Executor newExecutor) {
        return new AgentOptions(newExecutor, cancelGrace, inputTimeout);
    }

    /** The same with this time between a cancel and the end of the run. */
    public AgentOptions withCancelGrace(Duration grace) {
        return new AgentOptions(executor, grace, inputTimeout);
    }

    /** The same with this time to wait for an input. */
    public AgentOptions withInputTimeout(Duration timeout) {
        return new AgentOptions(executor, cancelGrace, timeout);
    }
}
