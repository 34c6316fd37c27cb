package dev.parley.client;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A session: a durable log of messages that people and agents share. Ably calls it a channel.
 *
 * <p>Register listeners, then {@link #attach}: what is published from then on is delivered in the order of the log, without
 * gaps and without repetition, across lost networks and restarts of the server. What was published before is in the
 * {@link #history}. Listeners run one after the other on the client's listener executor; one that blocks slows down this
 * session only: its queue is bounded, and then the server keeps what comes.
 *
 * <p>A publish has one effect, however often it has to be sent. It does not need the session to be attached.
 */
public final class Session {
    /** Whether the session is attached. */
    public enum State {
        /** The session is not attached. */
        DETACHED,
        /** The session is being attached, or waits for the connection to come back. */
        ATTACHING,
        /** What is published is being delivered. */
        ATTACHED,
        /** The server has refused the session, see {@link Session#failure}; {@link Session#attach} tries again. */
        FAILED
    }

    private final String name;
    private final Link link;
    private final Http http;
    private final MessageIds ids;
    private final Attachment attachment;
    private final Presence presence;
    private final Annotations annotations;
    private final SharedObjects objects;
    private final SessionControl control;
    private final SessionAgents agents;
    private final SessionRequests requests;

    Session(String name, SessionOptions options, Link link, Http http, MessageIds ids) {
        this.name = name;
        this.link = link;
        this.http = http;
        this.ids = ids;
        this.attachment =
                new Attachment(link, name, options, query -> http.page(path("messages"), query, Wire::message));
        this.presence = new Presence(link, attachment, http, path("presence"));
        this.annotations = new Annotations(this, link, http, ids);
        this.objects = new SharedObjects(this, http, ids, link.options().listenerExecutor());
        this.control = new SessionControl(http, name, link.options().clientId());
        this.requests = new SessionRequests(http, name, link.options().clientId());
        this.agents = new SessionAgents(http, name, link.options().requestTimeout());
    }

    /** {@return the name of the session} */
    public String name() {
        return name;
    }

    /** {@return the options with which it was made} */
    public SessionOptions options() {
        return attachment.options();
    }

    /** {@return whether it is attached} */
    public State state() {
        return attachment.state();
    }

    /** {@return why the session has failed; null if it has not} */
    public @Nullable ParleyException failure() {
        return link.read(attachment::failure);
    }

    /** {@return who is there} */
    public Presence presence() {
        return presence;
    }

    /** {@return what is said about messages} */
    public Annotations annotations() {
        return annotations;
    }

    /** {@return the objects that the participants share} */
    public SharedObjects objects() {
        return objects;
    }

    /** {@return who has the control: an agent, or a person} */
    public SessionControl control() {
        return control;
    }

    /** {@return what people are asked in the session} */
    public SessionRequests requests() {
        return requests;
    }

    /** {@return the agents that the session names, and what they have to do} */
    public SessionAgents agents() {
        return agents;
    }

    /**
     * {@return the runs of agents that have not ended} Needs the capability {@code channel-metadata}. Blocks until the server has
     * answered.
     */
    public List<OpenRun> openRuns() {
        return http.call(Http.Call.get("/v1/sessions/" + ConnectUri.encode(name), ""))
                .path("runs")
                .valueStream()
                .map(OpenRun::of)
                .toList();
    }

    // Attaching

    /**
     * Attaches the session, and waits until that is done. From then on the session stays attached, over all connections, until
     * {@link #detach}.
     *
     * @throws ParleyException.AccessDenied if the credentials do not allow it
     * @throws ParleyException.Closed if the client is closed
     * @throws ParleyException.TimedOut if the server is not reached within {@link ClientOptions#requestTimeout()}; the session
     *     is attached as soon as it is
     */
    public void attach() {
        link.await(this::attachAsync);
    }

    /**
     * Attaches the session; the future completes when that is done.
     *
     * @return completes when that is done, or with the exceptions of {@link #attach}
     */
    public CompletableFuture<@Nullable Void> attachAsync() {
        return link.call(attachment::attach);
    }

    /** Detaches the session, and waits until that is done. The members of this client leave. Listeners stay registered. */
    public void detach() {
        link.await(this::detachAsync);
    }

    /**
     * Detaches the session as {@link #detach} does; the future completes when that is done.
     *
     * @return completes when that is done
     */
    public CompletableFuture<@Nullable Void> detachAsync() {
        return link.call(attachment::detach);
    }

    /**
     * {@return the position after the last event that all listeners have handled; null if the session was never
     * attached} Another client continues there with {@link SessionOptions#withFrom}.
     */
    public @Nullable String position() {
        return attachment.inbox().delivered();
    }

    /**
     * {@return the position at which live delivery began: what is older is in the history} Null while the session is
     * not attached.
     */
    public @Nullable String attachPoint() {
        return link.read(attachment::attachPoint);
    }

    // Listening

    /**
     * Calls {@code listener} with everything that happens in the session, in order. What it throws is logged, and the
     * session goes on.
     *
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration onEvent(Consumer<SessionEvent> listener) {
        return attachment.inbox().add(listener::accept);
    }

    /**
     * Calls {@code listener} with every message, and every change of one, in order.
     *
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration onMessage(Consumer<Message> listener) {
        return onEvent(event -> {
            if (event instanceof Message message) {
                listener.accept(message);
            }
        });
    }

    /**
     * Calls {@code listener} when an agent is stalled in the middle of a run, and when it says something again. A stalled agent whose
     * run is suspended or ends is not told of again.
     *
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration onStall(Consumer<Stall> listener) {
        return onMessage(message -> Stall.of(message).ifPresent(listener));
    }

    /**
     * Everything that happens in the session, in order. A subscriber that requests nothing stops the session as a slow
     * listener does. It ends normally when the client is closed, and with an error if the session fails.
     *
     * @return a publisher for any number of subscribers
     */
    public Flow.Publisher<SessionEvent> events() {
        return new SessionPublisher(attachment.inbox());
    }

    // Publishing

    /**
     * Publishes messages together, and waits until they are durable.
     *
     * @param messages one or more
     * @return their serials
     * @throws ParleyException.Refused if the server refuses them; none is published then
     * @throws ParleyException.TimedOut if the server is not reached in time; they will be published when it is
     */
    public List<String> publish(NewMessage... messages) {
        return link.await(() -> publishAsync(messages));
    }

    /**
     * Publishes a message with a name and text, and waits until it is durable. Returns its serial.
     *
     * @param messageName the name of the message, or null
     * @param text what it says
     * @return its serial
     */
    public String publish(@Nullable String messageName, String text) {
        return publish(NewMessage.of(messageName, text)).get(0);
    }

    /**
     * Publishes messages together. The messages of one client are stored in the order of its calls. Blocks only while a
     * thousand requests, or 4 MiB of them, wait for their acknowledgements.
     *
     * @param messages one or more
     * @return completes with their serials when they are durable. Continuations must not block; use methods such as
     *     {@code thenApplyAsync} for what does
     */
    public CompletableFuture<List<String>> publishAsync(NewMessage... messages) {
        if (messages.length == 0) {
            throw new IllegalArgumentException("There is nothing to publish.");
        }
        ObjectNode frame = frame();
        var array = frame.putArray("messages");
        String base = ids.next();
        for (int i = 0; i < messages.length; i++) {
            NewMessage message = messages[i];
            array.add(Wire.message(message.id() == null ? message.withId(base + ":" + i) : message));
        }
        return request(Action.MESSAGE, frame, Requests.Again.HARMLESS).thenApply(Session::known);
    }

    private static List<String> known(List<@Nullable String> serials) {
        List<String> known = new ArrayList<>(serials.size());
        for (String serial : serials) {
            known.add(serial == null ? "" : serial);
        }
        return List.copyOf(known);
    }

    /**
     * Appends to a message, and waits until that is durable.
     *
     * @param serial the message
     * @param fragment what is appended, of the same kind as the message's data; extras replace those of the message
     * @return the serial of the new version; null if the server has joined the append with a later one
     * @throws ParleyException.OutcomeUnknown if the connection was gone for so long that nobody knows whether it was appended
     */
    public @Nullable String append(String serial, NewMessage fragment) {
        return link.await(() -> appendAsync(serial, fragment)).orElse(null);
    }

    /**
     * Appends text to a message, and waits until that is durable; see {@link #append(String, NewMessage)}.
     *
     * @param serial the serial of the message
     * @param text what is appended
     * @return the serial of the new version; null if the server has joined the append with a later one
     */
    public @Nullable String append(String serial, String text) {
        return append(serial, NewMessage.of(null, text));
    }

    /**
     * Appends to a message, as {@link #append(String, NewMessage)} does, without waiting. Appends take effect in the order of
     * the calls, so an answer can be streamed without waiting for each of its parts.
     *
     * @param serial the serial of the message
     * @param fragment what is appended, of the same kind as the data of the message
     * @return completes with the serial of the new version when that is durable; empty if the server has joined it with
     *     a later one. Continuations must not block
     */
    public CompletableFuture<Optional<String>> appendAsync(String serial, NewMessage fragment) {
        return changeAsync(Message.Action.APPEND, serial, fragment, Operation.NONE);
    }

    /**
     * Updates a message, and waits until that is durable. What {@code content} leaves out stays as it is.
     *
     * @param serial the serial of the message
     * @param content what is new
     * @param operation who changes it and why
     * @return the serial of the new version
     */
    public @Nullable String update(String serial, NewMessage content, Operation operation) {
        return link.await(() -> changeAsync(Message.Action.UPDATE, serial, content, operation))
                .orElse(null);
    }

    /**
     * Deletes a message, and waits until that is durable. Returns the serial of the new version.
     *
     * @param serial the serial of the message
     * @param operation who changes it and why
     * @return the serial of the new version
     */
    public @Nullable String delete(String serial, Operation operation) {
        NewMessage nothing = NewMessage.of(null, (Data) null);
        return link.await(() -> changeAsync(Message.Action.DELETE, serial, nothing, operation))
                .orElse(null);
    }

    /**
     * Changes a message without waiting.
     *
     * @param action {@link Message.Action#UPDATE}, {@link Message.Action#DELETE} or {@link Message.Action#APPEND}
     * @param serial the serial of the message
     * @param content what is new or appended
     * @param operation who changes it and why
     * @return completes with the serial of the new version when that is durable; empty if the server has joined it with a
     *     later one
     */
    public CompletableFuture<Optional<String>> changeAsync(
            Message.Action action, String serial, NewMessage content, Operation operation) {
        Requests.Again again = switch (action) {
            case APPEND -> Requests.Again.TWICE;
            case UPDATE, DELETE -> Requests.Again.HARMLESS;
            case CREATE, META, SUMMARY ->
                throw new IllegalArgumentException("A message is updated, deleted or appended to, not " + action + ".");
        };
        ObjectNode frame = frame();
        frame.putArray("messages").add(Wire.change(action, serial, content, operation));
        return request(Action.MESSAGE, frame, again)
                .thenApply(serials -> serials.isEmpty() ? Optional.empty() : Optional.ofNullable(serials.get(0)));
    }

    private ObjectNode frame() {
        return Wire.object().put("channel", name);
    }

    CompletableFuture<List<@Nullable String>> request(int action, ObjectNode frame, Requests.Again again) {
        return link.request(new Requests.Request(action, frame.toString().substring(1), again));
    }

    // What is stored

    /** {@return the history, newest first; blocks} */
    public Page<Message> history() {
        return history(HistoryQuery.BACKWARDS);
    }

    /**
     * {@return a part of the history; blocks} A message stands where it was published, in its newest version.
     *
     * @param query which part
     */
    public Page<Message> history(HistoryQuery query) {
        Map<String, String> params = new LinkedHashMap<>();
        params.put("direction", query.forwards() ? "forwards" : "backwards");
        params.put("limit", Integer.toString(query.limit()));
        if (query.start() != null) {
            params.put("start", Long.toString(query.start().toEpochMilli()));
        }
        if (query.end() != null) {
            params.put("end", Long.toString(query.end().toEpochMilli()));
        }
        if (query.untilAttach()) {
            String point = attachPoint();
            if (point == null) {
                throw new IllegalStateException("The session " + name + " is not attached.");
            }
            params.put("from_serial", point);
        }
        return http.page(path("messages"), ConnectUri.query(params), Wire::message);
    }

    /**
     * {@return a message in its newest version; blocks}
     *
     * @param serial the serial of the message
     * @throws ParleyException.Refused with the status 404 if there is none
     */
    public Message message(String serial) {
        return Wire.message(http.call(Http.Call.get(path("messages/" + ConnectUri.encode(serial)), "")));
    }

    /**
     * {@return the versions of a message, oldest first; blocks}
     *
     * @param serial the serial of the message
     */
    public Page<Message> versions(String serial) {
        return http.page(path("messages/" + ConnectUri.encode(serial) + "/versions"), "", Wire::message);
    }

    /** A path below that of the session. */
    String path(String rest) {
        return "/channels/" + ConnectUri.encode(name) + "/" + rest;
    }

    Attachment attachment() {
        return attachment;
    }
}
