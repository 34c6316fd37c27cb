package dev.parley.client.agent;

import dev.parley.client.Gap;
import dev.parley.client.HistoryQuery;
import dev.parley.client.Message;
import dev.parley.client.Page;
import dev.parley.client.ParleyException;
import dev.parley.client.Session;
import dev.parley.client.SessionEvent;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The conversation of a session that is attached, kept up to date by what is delivered and by pages of the history. */
final class SharedConversation implements Flow.Subscriber<SessionEvent>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SharedConversation.class);

    /**
     * From the end of the log, and not from the point at which the session was attached: that may have been before anybody
     * followed it here. What comes twice changes nothing.
     */
    private static final HistoryQuery PAGES = HistoryQuery.BACKWARDS.withLimit(200);

    /** The message with which a run began, and the last with which an agent has taken it up. */
    record Frames(@Nullable SessionMessage start, SessionMessage last) {}

    /** A delivery, after the conversation has taken it. */
    record Delivery(SessionEvent event, @Nullable SessionMessage message, Conversation.Change change) {}

    private final Session session;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Conversation conversation = new Conversation();
    private final Map<String, Frames> frames = new HashMap<>();

    /** The runs that have taken up inputs, by the ids of the inputs' messages. */
    private final Map<String, String> runs = new HashMap<>();

    private final List<Consumer<Delivery>> listeners = new CopyOnWriteArrayList<>();

    /** The newest version that was delivered live. */
    private String seen = "";

    private boolean ended;
    private @Nullable Throwable failure;
    private Flow.@Nullable Subscription subscription;

    /** Held while the history is read; all below is guarded by it. */
    private final ReentrantLock loading = new ReentrantLock();

    private @Nullable Page<Message> lastPage;
    private boolean complete;
    private int pages;

    SharedConversation(Session session) {
        this.session = session;
    }

    /** Adds something that is called, on the thread of the session's listeners, after each delivery. */
    void onDelivery(Consumer<Delivery> listener) {
        listeners.add(listener);
    }

    /** Attaches the session, and waits until that is done. */
    void attach() {
        session.events().subscribe(this);
        session.attach();
    }

    Session session() {
        return session;
    }

    // What is delivered

    @Override
    public void onSubscribe(Flow.Subscription given) {
        lock.lock();
        try {
            subscription = given;
        } finally {
            lock.unlock();
        }
        given.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(SessionEvent event) {
        SessionMessage message = event instanceof Message delivered ? read(delivered) : null;
        Conversation.Change change = Conversation.Change.NONE;
        if (event instanceof Gap) {
            readAgain();
        }
        lock.lock();
        try {
            if (message != null) {
                change = take(message);
                see(message.version());
            } else if (event instanceof Gap gap) {
                see(gap.to());
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Delivery delivery = new Delivery(event, message, change);
        for (Consumer<Delivery> listener : listeners) {
            try {
                listener.accept(delivery);
            } catch (RuntimeException e) {
                LOG.warn("A listener of the session {} has failed.", session.name(), e);
            }
        }
    }

    @Override
    public void onError(Throwable error) {
        end(error);
    }

    @Override
    public void onComplete() {
        end(null);
    }

    private void end(@Nullable Throwable error) {
        lock.lock();
        try {
            ended = true;
            failure = error;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static @Nullable SessionMessage read(Message message) {
        return SessionMessages.read(message);
    }

    private void see(String version) {
        seen = version.compareTo(seen) > 0 ? version : seen;
    }

    private Conversation.Change take(SessionMessage message) {
        if (message.action() != SessionMessage.Action.APPEND) {
            frame(message);
        }
        return conversation.apply(message);
    }

    private void frame(SessionMessage message) {
        boolean starts = WireForm.RUN_START.equals(message.name());
        String runId = message.headers().get(WireForm.RUN_ID);
        if (runId == null || !(starts || WireForm.RUN_RESUME.equals(message.name()))) {
            return;
        }
        Frames known = frames.get(runId);
        boolean newer = known == null || known.last().serial().compareTo(message.serial()) < 0;
        SessionMessage start = starts ? message : known == null ? null : known.start();
        frames.put(runId, new Frames(start, newer || known == null ? message : known.last()));
        message.headers().find(WireForm.INPUT_MESSAGE_ID).ifPresent(input -> runs.put(input, runId));
    }

    /** Takes what this client has published, before its echo comes. */
    void published(SessionMessage message) {
        lock.lock();
        try {
            take(message);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // The history

    /** Reads a page of the history; blocks. Returns false if there is nothing older. */
    boolean loadPage() {
        loading.lock();
        try {
            if (complete) {
                return false;
            }
            Page<Message> known = lastPage;
            Page<Message> page = known == null ? session.history(PAGES) : known.next();
            lastPage = page;
            complete = page == null || !page.hasNext();
            if (page == null) {
                return false;
            }
            pages++;
            take(page);
            return true;
        } finally {
            loading.unlock();
        }
    }

    private void take(Page<Message> page) {
        lock.lock();
        try {
            for (Message item : page.items()) {
                SessionMessage message = read(item);
                if (message != null) {
                    take(message);
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Changes of older messages may have been missed: what was read of the history is read again. */
    private void readAgain() {
        loading.lock();
        try {
            int wanted = Math.max(1, pages);
            pages = 0;
            lastPage = null;
            complete = false;
            while (pages < wanted && loadPage()) {
                LOG.debug("session {}: a page of history is read again", session.name());
            }
        } catch (ParleyException | IllegalStateException e) {
            // What follows is delivered all the same; the pages are read when somebody asks for older messages.
            LOG.warn("What the session {} has missed cannot be read.", session.name(), e);
        } finally {
            loading.unlock();
        }
    }

    /** Reads pages of the history until there is something, or there are no more. */
    <T> @Nullable T find(Function<Conversation, @Nullable T> question) {
        while (true) {
            T found = read(question);
            if (found != null || !loadPage()) {
                return found != null ? found : read(question);
            }
        }
    }

    /** Reads the history until all that stands before a message in its branch is there. */
    void loadBranch(@Nullable String messageId) {
        String next = messageId;
        int steps = 0;
        while (next != null) {
            String id = next;
            var node = find(known -> known.nodeOf(id).orElse(null));
            if (node == null) {
                return;
            }
            next = node.parent();
            if (next == null || ++steps > MAX_BRANCH) {
                // What the first node is made of may go on in the page before.
                loadPage();
                return;
            }
        }
    }

    /** How many nodes of a branch are followed; there may be circles in what others have published. */
    private static final int MAX_BRANCH = 100_000;

    // Reading

    /** Asks the conversation something. What is returned must not be bound to it. */
    <T> T read(Function<Conversation, T> question) {
        lock.lock();
        try {
            return question.apply(conversation);
        } finally {
            lock.unlock();
        }
    }

    /** How a run began and was taken up; null if that is not known. */
    @Nullable
    Frames frames(String runId) {
        lock.lock();
        try {
            return frames.get(runId);
        } finally {
            lock.unlock();
        }
    }

    /** The run that has taken up an input last; null if none has. */
    @Nullable
    String runOf(String inputMessageId) {
        lock.lock();
        try {
            return runs.get(inputMessageId);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there is something, no longer than this; null if there is not. */
    <T> @Nullable T await(Function<Conversation, @Nullable T> question, Duration atMost) {
        lock.lock();
        try {
            long left = atMost.toNanos();
            while (true) {
                T found = question.apply(conversation);
                if (found != null || left <= 0) {
                    return found;
                }
                requireAttached();
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until a version has been delivered. */
    void awaitSeen(String version) {
        lock.lock();
        try {
            while (seen.compareTo(version) < 0) {
                requireAttached();
                changed.await();
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    private void requireAttached() {
        if (failure instanceof ParleyException error) {
            throw error;
        }
        if (ended) {
            throw new IllegalStateException("The session " + session.name() + " is no longer attached.");
        }
    }

    static CancellationException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        var error = new CancellationException("The thread was interrupted while it waited for the session.");
        error.initCause(cause);
        return error;
    }

    /** Follows the session no more. */
    @Override
    public void close() {
        Flow.Subscription open;
        lock.lock();
        try {
            open = subscription;
        } finally {
            lock.unlock();
        }
        if (open != null) {
            open.cancel();
        }
        end(null);
    }
}
