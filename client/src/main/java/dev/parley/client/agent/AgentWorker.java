package dev.parley.client.agent;

import dev.parley.client.ParleyClient;
import dev.parley.client.ParleyException;
import dev.parley.client.Wake;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what an agent has to do in all sessions of its app: claims its wakes wherever they are, what has been due for longest first,
 * and calls a handler with a run for each, as {@link AgentSession#work} does in one session. Any number of processes can do that; one
 * of them has a wake at a time. If it dies, another one gets the wake after at most 30 seconds, and adopts the run.
 *
 * <p>The agent has the client id of its client, and is named by the sessions, or by a namespace for all of its sessions; see
 * {@link ParleyClient#namespaceAgents}. A session is attached while there is something to do in it, and
 * {@linkplain ParleyClient#release released} afterwards: give the worker a client of its own.
 */
public final class AgentWorker implements AutoCloseable {
    /** How many wakes a worker does at a time, unless it is told otherwise. */
    public static final int DEFAULT_WAKES = 8;

    private static final Logger LOG = LoggerFactory.getLogger(AgentWorker.class);

    private final ParleyClient client;
    private final AgentOptions options;
    private final RunHandler handler;
    private final WakeWorker worker;
    private final Set<AgentSession> open = ConcurrentHashMap.newKeySet();

    /** The sessions in which something is being done here. */
    private final Set<String> names = ConcurrentHashMap.newKeySet();

    private AgentWorker(ParleyClient client, AgentOptions options, int wakes, RunHandler handler) {
        this.client = client;
        this.options = options;
        this.handler = handler;
        client.connection().connect();
        String agentId = AgentSession.clientId(client);
        if (agentId == null) {
            throw new IllegalStateException("An agent that works on its wakes needs a client id.");
        }
        Executor given = options.executor();
        Executor executor = given == null ? AgentThreads.runs() : given;
        this.worker = new WakeWorker(agentId, executor, client::claimAsync, this::isDone, wakes);
    }

    /**
     * Begins to work, on up to {@link #DEFAULT_WAKES} wakes at a time.
     *
     * @param client connects the agent, and nothing else
     * @param handler does the work
     * @return what ends the work
     * @throws IllegalStateException if the client has no client id
     */
    public static AgentWorker open(ParleyClient client, RunHandler handler) {
        return open(client, AgentOptions.DEFAULT, DEFAULT_WAKES, handler);
    }

    /**
     * Begins to work.
     *
     * @param client connects the agent, and nothing else
     * @param options how the agent works. A wake for which the executor has no thread is given back at once, so that another
     *     process may have it
     * @param wakes how many wakes it does at a time, each in a session of its own; at least 1
     * @param handler does the work, on the executor of the options
     * @return what ends the work
     * @throws IllegalStateException if the client has no client id
     */
    public static AgentWorker open(ParleyClient client, AgentOptions options, int wakes, RunHandler handler) {
        if (wakes < 1) {
            throw new IllegalArgumentException("A worker does at least one wake at a time, not " + wakes + ".");
        }
        AgentWorker worker = new AgentWorker(client, options, wakes, handler);
        worker.worker.start();
        return worker;
    }

    private boolean isDone(Wake wake) {
        String name = wake.sessionName();
        if (!names.add(name)) {
            // It had the wake until a moment ago, and is not through with the session.
            return false;
        }
        try {
            AgentSession agent = AgentSession.open(client, name, options);
            open.add(agent);
            try {
                return new WakeRun(agent, handler).isDone(wake);
            } finally {
                open.remove(agent);
                agent.close();
            }
        } catch (ParleyException e) {
            LOG.warn("The agent could not be in the session of {}.", wake, e);
            return false;
        } finally {
            release(name);
            names.remove(name);
        }
    }

    private void release(String name) {
        try {
            client.release(name);
        } catch (ParleyException e) {
            LOG.debug("The session {} could not be left.", name, e);
        }
    }

    /** Ends the work: claims no more, cancels the runs that are open here, and waits until they have ended. */
    @Override
    public void close() {
        worker.close();
        open.forEach(AgentSession::close);
    }
}
