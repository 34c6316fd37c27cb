package dev.parley.springai.autoconfigure;

import dev.parley.client.Registration;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.RunHandler;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;

/**
 * Lets an agent serve its session from the moment when all of the application is there, until it begins to stop: it is in the last
 * phase, which starts last and stops first.
 */
final class AgentLifecycle implements SmartLifecycle {
    private final AgentSession session;
    private final RunHandler agent;
    private final boolean autoStartup;
    private @Nullable Registration serving;

    AgentLifecycle(AgentSession session, RunHandler agent, boolean autoStartup) {
        this.session = session;
        this.agent = agent;
        this.autoStartup = autoStartup;
    }

    @Override
    public synchronized void start() {
        if (serving == null) {
            serving = session.serve(agent);
        }
    }

    @Override
    public synchronized void stop() {
        Registration known = serving;
        if (known != null) {
            serving = null;
            known.close();
            session.cancelRuns();
        }
    }

    /** On a thread of its own, so that Spring waits for it no longer than for others. */
    @Override
    public void stop(Runnable callback) {
        Thread thread = new Thread(
                () -> {
                    try {
                        stop();
                    } finally {
                        callback.run();
                    }
                },
                "parley-agent-stop");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public synchronized boolean isRunning() {
        return serving != null;
    }

    @Override
    public boolean isAutoStartup() {
        return autoStartup;
    }
}
