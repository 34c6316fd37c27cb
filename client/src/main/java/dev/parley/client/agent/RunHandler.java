package dev.parley.client.agent;

/** What an agent does in a run. */
@FunctionalInterface
public interface RunHandler {
    /**
     * Answers. When it returns, the run has ended, unless it was suspended; when it throws, the run has failed, or was
     * cancelled if that was asked for.
     *
     * @param run the run, which is open
     * @throws Exception if it cannot answer; the run has failed then, with the message of the exception
     */
    void handle(Run run) throws Exception;
}
