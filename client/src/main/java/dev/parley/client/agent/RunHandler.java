package dev.parley.client.agent;

/** What an agent does in a run. */
@FunctionalInterface
public interface RunHandler {
    /**
     * Answers. When it returns, the run has ended, unless it was suspended; when it throws, the run has failed, or was
     * cancelled if that was asked for.
     */
    void handle(Run run) throws Exception;
}
