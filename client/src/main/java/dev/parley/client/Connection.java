package dev.parley.client;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection of a client, over which all its sessions run. It is made when it is first needed, and made again whenever it
 * is lost: sessions then continue where they were, and requests that were not acknowledged are sent again.
 */
public final class Connection {
    /** Whether the client is connected. */
    public enum State {
        /** Nothing has needed the connection yet. */
        IDLE,
        /** The client is connecting. */
        CONNECTING,
        /** Requests are being answered. */
        CONNECTED,
        /** The connection is lost; the client tries to connect again. */
        DISCONNECTED,
        /** The server has refused the client for good, see {@link #failure}; {@link #connect} tries again. */
        FAILED,
        /** The client was closed. */
        CLOSED
    }

    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private final Link link;
    private final Executor executor;
    private final List<Consumer<State>> listeners = new CopyOnWriteArrayList<>();
    private final AtomicBoolean telling = new AtomicBoolean();

    Connection(Link link, Executor executor) {
        this.link = link;
        this.executor = executor;
        link.onChange(this::tell);
    }

    /** {@return whether the client is connected} */
    public State state() {
        return link.state();
    }

    /** {@return why the connection has failed, or was lost last; null while the client is connected} */
    public @Nullable ParleyException failure() {
        return link.failure();
    }

    /**
     * {@return the id of the connection, which presence members carry; null if there has been none} It outlives lost networks.
     */
    public @Nullable String id() {
        return link.id();
    }

    /** {@return who the server says the client is; {@code *} if it may be anybody, null if nobody or not connected yet} */
    public @Nullable String clientId() {
        return link.clientId();
    }

    /**
     * Connects, if that has not happened yet, and waits until the client is connected. While the server cannot be reached,
     * the client tries again and again.
     *
     * @throws ParleyException.AccessDenied if the credentials are refused
     * @throws ParleyException.TimedOut if that takes longer than {@link ClientOptions#requestTimeout()}; the client goes on
     *     trying
     */
    public void connect() {
        link.connect();
    }

    /**
     * Calls {@code listener} with the state whenever that has changed, on the client's listener executor. A listener that is
     * slower than the changes sees only the newest one.
     *
     * @param listener is called with the new state
     * @return what removes the listener
     */
    public Registration onChange(Consumer<State> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    private void tell() {
        if (!listeners.isEmpty() && telling.compareAndSet(false, true)) {
            try {
                executor.execute(this::tellAll);
            } catch (RejectedExecutionException e) {
                telling.set(false);
                LOG.error("The listener executor does not take tasks; nobody is told of the connection's state", e);
            }
        }
    }

    private void tellAll() {
        telling.set(false);
        State now = state();
        for (Consumer<State> listener : listeners) {
            try {
                listener.accept(now);
            } catch (RuntimeException e) {
                LOG.warn("A listener of the connection has failed", e);
            }
        }
    }
}
