package dev.parley.client.agent;

import dev.parley.client.Data;
import dev.parley.client.PresenceEvent;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.client.SessionEvent;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who watches a session: the members of its presence set, without this agent and others. An agent can wait for somebody before
 * it does what is expensive, go on with something cheaper when nobody is there, or pause until somebody is back.
 */
public final class Audience {
    static final String STATUS = "status";
    static final String AGENT = "agent";

    private final Session session;
    private final @Nullable String self;
    private final List<Consumer<PresenceEvent>> listeners = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    @GuardedBy("lock")
    private long changes;

    Audience(Session session, @Nullable String self) {
        this.session = session;
        this.self = self;
    }

    /** {@return the clients that watch; blocks until they are known} */
    public Set<String> clients() {
        Set<String> clients = new TreeSet<>();
        for (PresenceEvent member : session.presence().get()) {
            if (watches(member)) {
                clients.add(member.clientId());
            }
        }
        return Set.copyOf(clients);
    }

    private boolean watches(PresenceEvent member) {
        boolean isAgent = member.data() instanceof Data.Json json
                && json.value().path(AGENT).asBoolean(false);
        return !isAgent && !member.clientId().equals(self);
    }

    /** {@return whether nobody watches; blocks until that is known} */
    public boolean isEmpty() {
        return clients().isEmpty();
    }

    /**
     * Waits until somebody watches, or the run is to stop.
     *
     * @param token tells when the run is to stop
     * @param atMost how long
     * @return whether somebody watches
     */
    public boolean await(CancelToken token, Duration atMost) {
        long end = System.nanoTime() + atMost.toNanos();
        Registration hook = token.onCancel(this::signal);
        try {
            while (!token.isCancelled()) {
                long known = changes();
                if (!isEmpty()) {
                    return true;
                }
                if (!awaitChange(known, token, end)) {
                    return false;
                }
            }
            return false;
        } finally {
            hook.close();
        }
    }

    private boolean awaitChange(long known, CancelToken token, long end) {
        lock.lock();
        try {
            while (changes == known && !token.isCancelled()) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                changed.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            throw SharedConversation.interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    private long changes() {
        lock.lock();
        try {
            return changes;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Calls {@code listener} when somebody who watches comes, goes, or says something new; on the thread of the session's
     * listeners, which it must not block.
     *
     * @param listener is called with what a member has done
     * @return what removes the listener
     */
    public Registration onChange(Consumer<PresenceEvent> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    void delivered(SessionEvent event) {
        if (event instanceof PresenceEvent member && watches(member)) {
            signal();
            listeners.forEach(listener -> listener.accept(member));
        }
    }

    private void signal() {
        lock.lock();
        try {
            changes++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
