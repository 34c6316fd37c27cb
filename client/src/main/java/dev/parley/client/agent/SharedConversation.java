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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
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
    private static final HistoryQuery PAGES = HistoryQuery.BACKWARDS.withLimit(100);

    /** The message with which a run began, and the last with which an agent has taken it up. */
    record Frames(@Nullable SessionMessage start, SessionMessage last) {}

    /**
     * A delivery, after the conversation has taken it.
     *
     * @param changes what has changed since the delivery before: by this one, and by what was published here
     */
    record Delivery(SessionEvent event, @Nullable SessionMessage message, List<Conversation.Change> changes) {}

    /** Older messages may have changed: nobody knows which. */
    private static final Conversation.Change ANYTHING = new Conversation.Change(null, true);

    /** What the messages of the session come to, as far as they are known. */
    private static final class Fold {
        private final Conversation conversation = new Conversation();
        private final Map<String, Frames> frames = new HashMap<>();

        /** The runs that have taken up inputs, by the ids of the inputs' messages. */
        private final Map<String, String> runs = new HashMap<>();

        /** The last inputs for runs, by the ids of the runs. */
        private final Map<String, SessionMessage> inputs = new HashMap<>();

        private final ControlLog control = new ControlLog();

        Conversation.Change take(SessionMessage message) {
            if (message.action() != SessionMessage.Action.APPEND) {
                control.take(message);
                frame(message);
                input(message);
            }
            return conversation.apply(message);
        }

        private void input(SessionMessage message) {
            String runId = message.headers().get(WireForm.RUN_ID);
            if (runId != null && WireForm.INPUT.equals(message.name())) {
                inputs.merge(runId, message, (a, b) -> a.serial().compareTo(b.serial()) < 0 ? b : a);
            }
        }

        void take(Page<Message> page) {
            for (Message item : page.items()) {
                SessionMessage message = SessionMessages.read(item);
                if (message != null) {
                    take(message);
                }
            }
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

        /** Whether the beginning of a run is there, and what it answers. */
        boolean has(String runId) {
            Frames known = frames.get(runId);
            SessionMessage start = known == null ? null : known.start();
            String parent = start == null ? null : start.headers().get(WireForm.PARENT);
            return start != null
                    && (parent == null || conversation.nodeOf(parent).isPresent());
        }
    }

    private final Session session;

    /** How much is held if nothing else is said: more than models take, and than people read. */
    static final long LIMIT = 8_000_000;

    /** The size of the conversation above which its oldest part is let go. */
    private final long limit;

    /** The runs that need their branch. */
    private final Supplier<Set<String>> openRuns;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Fold fold = new Fold();

    /** The size above which that happens next: if a run needs more than the limit, not again with every message. */
    private long renewAbove;

    private final List<Consumer<Delivery>> listeners = new CopyOnWriteArrayList<>();

    /** What was published here since the last delivery has changed this. There is one more delivery at least, its echo. */
    private List<Conversation.Change> untold = new ArrayList<>();

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

    /**
     * Of the newest part of a session: it holds about as much as {@code limit} says, and at least half of it, if there is so much.
     *
     * @param limit in characters as {@link Conversation#size} counts them
     * @param openRuns the ids of the runs that are at work, whose beginnings are kept
     */
    SharedConversation(Session session, long limit, Supplier<Set<String>> openRuns) {
        if (limit < 1) {
            throw new IllegalArgumentException("A conversation needs room, not " + limit + " characters.");
        }
        this.session = session;
        this.limit = limit;
        this.renewAbove = limit;
        this.openRuns = openRuns;
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
        SessionMessage message = event instanceof Message delivered ? SessionMessages.read(delivered) : null;
        List<Conversation.Change> changes;
        boolean full;
        if (event instanceof Gap) {
            readAgain();
        }
        lock.lock();
        try {
            if (message != null) {
                note(fold.take(message));
                see(message.version());
            } else if (event instanceof Gap gap) {
                note(ANYTHING);
                see(gap.to());
            }
            changes = untold;
            untold = new ArrayList<>();
            full = fold.conversation.size() > renewAbove;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (full && renew()) {
            // Also for what the history had and is delivered only now.
            changes = List.of(ANYTHING);
        }
        Delivery delivery = new Delivery(event, message, changes);
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

    private void note(Conversation.Change change) {
        if (!change.equals(Conversation.Change.NONE)) {
            untold.add(change);
        }
    }

    private void see(String version) {
        seen = version.compareTo(seen) > 0 ? version : seen;
    }

    /** Takes what this client has published, before its echo comes. */
    void published(SessionMessage message) {
        lock.lock();
        try {
            note(fold.take(message));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // The history

    /** Reads a page of the history if there is room for it; blocks. Returns false if there is nothing older, or no room. */
    boolean loadOlder() {
        return hasRoom(limit) && loadPage();
    }

    /** Reads a page of the history; blocks. Returns false if there is nothing older. */
    private boolean loadPage() {
        loading.lock();
        try {
            if (complete) {
                return false;
            }
            Page<Message> page = readPage(lastPage);
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

    private @Nullable Page<Message> readPage(@Nullable Page<Message> before) {
        return before == null ? session.history(PAGES) : before.next();
    }

    /** Reads the newest page of the history, which has what is stored but was not delivered yet; blocks. */
    void readNewest() {
        Page<Message> page = session.history(PAGES);
        lock.lock();
        try {
            for (Message item : page.items()) {
                SessionMessage message = SessionMessages.read(item);
                if (message != null) {
                    // When it is delivered, it changes nothing any more.
                    note(fold.take(message));
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Reads the newest pages of the history, as far as they are not there. */
    void loadNewest(int count) {
        loading.lock();
        try {
            while (pages < count && loadOlder()) {
                LOG.debug("session {}: a page of history is read", session.name());
            }
        } finally {
            loading.unlock();
        }
    }

    private void take(Page<Message> page) {
        lock.lock();
        try {
            fold.take(page);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether there is room for a part of what there may be. */
    private boolean hasRoom(long atMost) {
        return read(Conversation::size) < atMost;
    }

    /**
     * Lets the oldest part go: makes the conversation anew of the newest pages of the history, which have all that was delivered.
     * This is done between two deliveries. Returns whether it was possible.
     */
    private boolean renew() {
        loading.lock();
        try {
            Set<String> open = openRuns.get();
            Fold fresh = new Fold();
            Page<Message> page = null;
            int read = 0;
            boolean more = true;
            while (more) {
                page = readPage(page);
                if (page != null) {
                    read++;
                    fresh.take(page);
                }
                long size = fresh.conversation.size();
                boolean wanted =
                        size < limit / 2 || (size < limit && !open.stream().allMatch(fresh::has));
                more = wanted && page != null && page.hasNext();
            }
            replace(fresh);
            pages = read;
            lastPage = page;
            complete = page == null || !page.hasNext();
            return true;
        } catch (ParleyException e) {
            LOG.warn("The oldest part of the session {} is let go later.", session.name(), e);
            renewLater();
            return false;
        } finally {
            loading.unlock();
        }
    }

    private void replace(Fold fresh) {
        lock.lock();
        try {
            fold = fresh;
            renewLater();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void renewLater() {
        lock.lock();
        try {
            renewAbove = Math.max(limit, fold.conversation.size() + limit / 4);
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

    /** Reads pages of the history until there is something, there are no more, or there is no room for more. */
    <T> @Nullable T find(Function<Conversation, @Nullable T> question) {
        return find(question, limit);
    }

    private <T> @Nullable T find(Function<Conversation, @Nullable T> question, long room) {
        while (true) {
            T found = read(question);
            if (found != null || !hasRoom(room) || !loadPage()) {
                return found != null ? found : read(question);
            }
        }
    }

    /** How a run began and was taken up, with all of it, read from the history if need be; null if there is no such run. */
    @Nullable
    Frames findFrames(String runId) {
        return find(conversation -> {
            Frames known = frames(runId);
            return known == null || known.start() == null ? null : known;
        });
    }

    /**
     * Reads the history until all that stands before a message in its branch is there, or half of what may be there: the other
     * half is for what is still to come.
     */
    void loadBranch(@Nullable String messageId) {
        String next = messageId;
        int steps = 0;
        while (next != null) {
            String id = next;
            var node = find(known -> known.nodeOf(id).orElse(null), Math.max(1, limit / 2));
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
            return question.apply(fold.conversation);
        } finally {
            lock.unlock();
        }
    }

    /** How a run began and was taken up; null if that is not known. */
    @Nullable
    Frames frames(String runId) {
        lock.lock();
        try {
            return fold.frames.get(runId);
        } finally {
            lock.unlock();
        }
    }

    /** Asks about the control of the session. */
    <T> T readControl(Function<ControlLog, T> question) {
        lock.lock();
        try {
            return question.apply(fold.control);
        } finally {
            lock.unlock();
        }
    }

    /** The last input for a run; null if none is known. */
    Conversation.@Nullable Trigger lastInput(String runId) {
        lock.lock();
        try {
            SessionMessage input = fold.inputs.get(runId);
            String eventId = input == null ? null : input.headers().get(WireForm.EVENT_ID);
            return eventId == null ? null : fold.conversation.trigger(eventId).orElse(null);
        } finally {
            lock.unlock();
        }
    }

    /** The run that has taken up an input last; null if none has. */
    @Nullable
    String runOf(String inputMessageId) {
        lock.lock();
        try {
            return fold.runs.get(inputMessageId);
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
                T found = question.apply(fold.conversation);
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
