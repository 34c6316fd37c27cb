package dev.parley.client;

import dev.parley.client.Connection.State;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * What a {@link Connection} does: connects, keeps the requests that are not acknowledged, and hands on what the server sends.
 * Everything happens under one lock, which is never held while a listener or the continuation of a future runs.
 */
final class Link implements Transport.Owner {
    /** How long closing waits for acknowledgements, and then for the server's goodbye. */
    private static final long CLOSE_MILLIS = 5_000;

    /** How often the client may be told that a fresh token is none before it gives up. */
    private static final int MAX_TOKEN_ERRORS = 3;

    private static final Logger LOG = LoggerFactory.getLogger(Link.class);

    private final ClientOptions options;
    private final Auth auth;
    private final LinkLock lock = new LinkLock();
    private final Requests requests = new Requests(lock::later);
    private final Pressure pressure = new Pressure(this);
    private final Map<String, Attachment> attachments = new LinkedHashMap<>();
    private final Backoff backoff;

    private State state = State.IDLE;
    private volatile State shown = State.IDLE;
    private @Nullable ParleyException failure;
    private @Nullable Transport transport;
    private @Nullable ScheduledFuture<?> timer;
    private @Nullable String id;
    private @Nullable String key;
    private @Nullable String clientId;
    private long maxIdleMillis = 15_000;
    private long stateTtlMillis = 120_000;
    private long lostNanos;
    private int tokenErrors;
    private boolean closing;
    private Runnable onChange = () -> {};

    Link(ClientOptions options, Auth auth) {
        this.options = options;
        this.auth = auth;
        this.backoff = new Backoff(options.minBackoff(), options.maxBackoff());
    }

    /** Sets what is called, without the lock, when the state has changed. */
    void onChange(Runnable action) {
        onChange = action;
    }

    State state() {
        return shown;
    }

    ClientOptions options() {
        return options;
    }

    @Nullable
    ParleyException failure() {
        return lock.get(() -> failure);
    }

    @Nullable
    String id() {
        return lock.get(() -> id);
    }

    @Nullable
    String clientId() {
        return lock.get(() -> clientId);
    }

    /** See {@link Connection#connect}. */
    void connect() {
        LinkLock.mayWait();
        long left = options.requestTimeout().toNanos();
        lock.lock();
        try {
            start();
            while (state != State.CONNECTED) {
                if (state == State.FAILED || state == State.CLOSED) {
                    throw failed();
                }
                if (left <= 0) {
                    throw timedOut("The server has not been reached in time.", failure);
                }
                left = lock.awaitChange(left);
            }
        } catch (InterruptedException e) {
            throw Http.interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    private ParleyException failed() {
        return failure == null ? new ParleyException.Closed("The client is closed.") : failure;
    }

    @Override
    public void locked(Runnable task) {
        lock.run(task);
    }

    /** What a field has under the lock. */
    <T> @Nullable T read(Supplier<@Nullable T> field) {
        return lock.get(field);
    }

    /** Does something under the lock. */
    <T> T call(Supplier<T> task) {
        lock.lock();
        try {
            return task.get();
        } finally {
            lock.unlock();
        }
    }

    /** Runs {@code task} when the lock is no longer held; under the lock. */
    void later(Runnable task) {
        lock.later(task);
    }

    // Requests

    /**
     * Sends a request as soon as possible. Blocks only while too many others wait for their acknowledgements.
     *
     * @return completes with the serials
     */
    CompletableFuture<List<@Nullable String>> request(Requests.Request request) {
        long left = options.requestTimeout().toNanos();
        lock.lock();
        try {
            // A continuation cannot wait, but then there are no more requests than acknowledgements.
            while (!LinkLock.isContinuation() && !requests.hasRoom(request) && state != State.FAILED && !closing) {
                start();
                if (left <= 0) {
                    throw new ParleyException.Unreachable("Too many requests are waiting for the server.", failure);
                }
                left = lock.awaitChange(left);
            }
            submit(request);
            return request.outcome();
        } catch (InterruptedException e) {
            throw Http.interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    /** Sends a request although there may be no room for it; under the lock. */
    void submit(Requests.Request request) {
        if (closing || state == State.FAILED) {
            ParleyException error = closing ? new ParleyException.Closed("The client is closed.") : failed();
            lock.later(() -> request.outcome().completeExceptionally(error));
            return;
        }
        requests.add(request);
        start();
        if (state == State.CONNECTED && transport != null) {
            transport.send(request::frame);
        }
    }

    /** Asks for something and waits for the answer. Where waiting is not possible, nothing is asked for. */
    <T> T await(Supplier<CompletableFuture<T>> request) {
        LinkLock.mayWait();
        CompletableFuture<T> answer = request.get();
        try {
            return Http.await(answer, options.requestTimeout());
        } catch (ParleyException.TimedOut e) {
            throw timedOut(e.getMessage(), failure());
        }
    }

    /** Says why there is no connection, if there is none. */
    private static ParleyException.TimedOut timedOut(@Nullable String message, @Nullable ParleyException failure) {
        return new ParleyException.TimedOut(message + (failure == null ? "" : " " + failure.getMessage()), failure);
    }

    // Sessions

    /** Under the lock. */
    void add(Attachment attachment) {
        attachments.put(attachment.name(), attachment);
    }

    /** Under the lock. */
    void remove(Attachment attachment) {
        attachments.remove(attachment.name(), attachment);
        congested(attachment, false);
    }

    /** Sends a frame if there is a connection, and begins to make one if there is none; under the lock. */
    boolean sendControl(String frame) {
        start();
        if (state != State.CONNECTED || transport == null) {
            return false;
        }
        transport.send(() -> frame);
        return true;
    }

    /** Notes whether the listeners of a session keep up; under the lock. The connection is paused while some do not. */
    void congested(Attachment attachment, boolean full) {
        pressure.note(attachment, full, closing ? null : transport);
    }

    boolean isConnected() {
        return state == State.CONNECTED;
    }

    /** Whether the client is closed, or is being closed; under the lock. */
    boolean isClosing() {
        return closing;
    }

    boolean isCurrent(Transport other) {
        return other == transport;
    }

    // The life of the connection

    /** Begins to connect if nothing else does; under the lock. */
    private void start() {
        if (closing) {
            return;
        }
        if (state == State.IDLE || state == State.FAILED) {
            backoff.reset();
            tokenErrors = 0;
            open();
        }
    }

    private void open() {
        become(State.CONNECTING, failure);
        var next = new Transport(this);
        transport = next;
        timer = ClientThreads.after(
                2 * options.connectTimeout().toMillis(),
                () -> locked(() -> lost(next, "Connecting takes too long.", null)));
        String resume = key;
        var unused = auth.header()
                .whenComplete((header, error) -> locked(() -> {
                    if (error != null) {
                        lost(next, "There is no token.", Http.unwrap(error));
                    } else if (next == transport) {
                        next.open(
                                options.httpClient(), ConnectUri.of(options, resume), header, options.connectTimeout());
                    }
                }));
    }

    @Override
    public void lost(Transport of, String why, @Nullable Throwable cause) {
        of.abort();
        if (of != transport) {
            return;
        }
        LOG.debug("connection {} is lost: {}", id, why, cause);
        transport = null;
        cancelTimers();
        ParleyException error = cause instanceof ParleyException known
                ? known
                : new ParleyException.Unreachable(cause == null ? why : why + " " + cause, cause);
        if (closing) {
            become(State.CLOSED, failure);
            return;
        }
        if (state == State.CONNECTED) {
            lostNanos = System.nanoTime();
        }
        List.copyOf(attachments.values()).forEach(Attachment::disconnected);
        become(State.DISCONNECTED, error);
        timer = ClientThreads.after(
                backoff.nextMillis(),
                () -> locked(() -> {
                    if (state == State.DISCONNECTED) {
                        open();
                    }
                }));
    }

    private void cancelTimers() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
        pressure.stop();
    }

    private void fail(ParleyException error) {
        Transport current = transport;
        transport = null;
        cancelTimers();
        if (current != null) {
            current.abort();
        }
        become(State.FAILED, error);
        requests.failAll(error);
        List.copyOf(attachments.values()).forEach(attachment -> attachment.connectionFailed(error));
    }

    private void become(State next, @Nullable ParleyException why) {
        failure = why;
        lock.changed();
        if (state != next) {
            state = next;
            shown = next;
            lock.later(onChange);
        }
    }

    // What the server says

    @Override
    public void received(Transport from, JsonNode frame, int chars) {
        if (from != transport) {
            return;
        }
        switch ((int) Wire.number(frame, "action", -1)) {
            case Action.CONNECTED -> connected(from, frame);
            case Action.ACK ->
                requests.accepted(
                        Wire.number(frame, "msgSerial", 0), Wire.number(frame, "count", 1), frame.path("res"));
            case Action.NACK ->
                requests.refused(
                        Wire.number(frame, "msgSerial", 0),
                        Wire.number(frame, "count", 1),
                        Wire.error(frame.path("error")));
            case Action.AUTH -> showNewToken(from);
            case Action.DISCONNECTED -> sentAway(from, Wire.error(frame.path("error")), false);
            case Action.ERROR -> error(from, frame);
            case Action.CLOSED -> lost(from, "The client has closed the connection.", null);
            case Action.HEARTBEAT -> {}
            default -> {
                Attachment attachment = attachments.get(String.valueOf(Wire.text(frame, "channel")));
                if (attachment != null) {
                    attachment.received(frame, chars);
                }
            }
        }
        lock.changed();
    }

    private void connected(Transport from, JsonNode frame) {
        JsonNode details = frame.path("connectionDetails");
        String before = id;
        id = Wire.required(frame, "connectionId");
        key = Wire.required(details, "connectionKey");
        clientId = Wire.text(details, "clientId");
        maxIdleMillis = Wire.number(details, "maxIdleInterval", maxIdleMillis);
        stateTtlMillis = Wire.number(details, "connectionStateTtl", stateTtlMillis);
        if (state == State.CONNECTED) {
            // The answer to a new token.
            return;
        }
        cancelTimers();
        backoff.reset();
        tokenErrors = 0;
        var forgotten = new ParleyException.OutcomeUnknown(
                "The request was sent over a connection that could not be continued, and was not acknowledged.");
        boolean fresh = before != null && !before.equals(id);
        if (fresh) {
            requests.renumber(forgotten);
        } else if (before != null && System.nanoTime() - lostNanos > TimeUnit.MILLISECONDS.toNanos(stateTtlMillis)) {
            requests.failUncertain(forgotten);
        }
        become(State.CONNECTED, null);
        watch(from);
        attachments.values().forEach(attachment -> attachment.connected(fresh));
        for (Requests.Request request : requests.all()) {
            from.send(request::frame);
        }
    }

    /** Gives the transport up when the server has been silent for too long. */
    private void watch(Transport watched) {
        long limit = TimeUnit.MILLISECONDS.toNanos(
                maxIdleMillis + options.idleMargin().toMillis());
        long left = watched.isPaused() ? limit : limit - watched.silentForNanos();
        if (left <= 0) {
            lost(watched, "The server has been silent for too long.", null);
            return;
        }
        timer = ClientThreads.after(
                TimeUnit.NANOSECONDS.toMillis(left) + 1,
                () -> locked(() -> {
                    if (watched == transport) {
                        watch(watched);
                    }
                }));
    }

    private void error(Transport from, JsonNode frame) {
        ParleyException error = Wire.error(frame.path("error"));
        String channel = Wire.text(frame, "channel");
        if (channel == null) {
            sentAway(from, error, true);
            return;
        }
        Attachment attachment = attachments.get(channel);
        if (attachment != null) {
            attachment.failed(error);
        }
    }

    /** The server ends the connection. */
    private void sentAway(Transport from, ParleyException error, boolean forGood) {
        boolean token = Wire.isTokenError(error);
        if (token) {
            tokenErrors++;
            auth.renew();
        }
        boolean hopeless = token ? !auth.canRenew() || tokenErrors > MAX_TOKEN_ERRORS : forGood && !error.retryHelps();
        if (hopeless && !closing) {
            fail(error);
        } else {
            lost(from, "The server has ended the connection.", error);
        }
    }

    private void showNewToken(Transport from) {
        if (!auth.canRenew()) {
            LOG.warn("The token of connection {} is about to expire, and there is no source of new ones", id);
            return;
        }
        auth.renew();
        var unused = auth.token()
                .whenComplete((token, error) -> locked(() -> {
                    if (error != null) {
                        LOG.warn("No new token could be fetched; the connection goes on with the old one", error);
                    } else if (from == transport) {
                        var frame = Wire.object().put("action", Action.AUTH);
                        frame.putObject("auth").put("accessToken", token);
                        from.send(frame::toString);
                    }
                }));
    }

    /** Waits for acknowledgements, says goodbye and ends the connection; blocks for a few seconds at most. */
    void close() {
        LinkLock.mayWait();
        long left = TimeUnit.MILLISECONDS.toNanos(CLOSE_MILLIS);
        lock.lock();
        try {
            if (closing) {
                return;
            }
            closing = true;
            if (transport != null) {
                transport.resume();
            }
            while (state == State.CONNECTED && !requests.isEmpty() && left > 0) {
                left = lock.awaitChange(left);
            }
            left = TimeUnit.MILLISECONDS.toNanos(CLOSE_MILLIS);
            if (state == State.CONNECTED && transport != null) {
                transport.send(() -> "{\"action\":" + Action.CLOSE + "}");
                while (state == State.CONNECTED && left > 0) {
                    left = lock.awaitChange(left);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended();
            lock.unlock();
        }
    }

    private void ended() {
        if (transport != null) {
            lost(transport, "The client is closed.", null);
        }
        cancelTimers();
        var closed = new ParleyException.Closed("The client is closed.");
        become(State.CLOSED, closed);
        requests.failAll(closed);
        List.copyOf(attachments.values()).forEach(attachment -> attachment.closed(closed));
    }
}
