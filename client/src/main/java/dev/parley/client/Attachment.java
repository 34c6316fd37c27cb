package dev.parley.client;

import dev.parley.client.Session.State;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A session on the connection: whether it is attached, and where it is in the log. Used under the connection's lock, but for
 * the methods that say otherwise.
 */
final class Attachment {
    private static final int HAS_PRESENCE = 1;
    private static final int RESUMED = 1 << 2;

    /** From the client: it was attached before. */
    private static final int ATTACH_RESUME = 1 << 5;

    /** After what time a session is attached again that the server has detached. */
    private static final long ATTACH_AGAIN_MILLIS = 1_000;

    /** How much of the queue may be in use when the connection is read again, in percent. */
    private static final int ROOM_PERCENT = 90;

    /** How much of the queue may be in use when a session is attached again that was left behind, in percent. */
    private static final int CAUGHT_UP_PERCENT = 50;

    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);

    private final Link link;
    private final String name;
    private final SessionOptions options;
    private final Inbox inbox;
    private final Members members;

    private State state = State.DETACHED;
    private volatile State shown = State.DETACHED;
    private @Nullable ParleyException failure;

    /** The position up to which everything was received, or null. */
    private @Nullable String position;

    /** Where live delivery began, or null. */
    private @Nullable String attachPoint;

    private boolean wanted;

    /** Whether the listeners have to catch up before the session is attached again. */
    private boolean behind;

    private @Nullable CompletableFuture<@Nullable Void> attaching;
    private @Nullable CompletableFuture<@Nullable Void> detaching;

    Attachment(Link link, String name, SessionOptions options, History history) {
        this.link = link;
        this.name = name;
        this.options = options;
        this.inbox = new Inbox(name, link.options(), options, history, () -> link.locked(this::room));
        this.members = new Members(link, name);
    }

    String name() {
        return name;
    }

    SessionOptions options() {
        return options;
    }

    Inbox inbox() {
        return inbox;
    }

    Members members() {
        return members;
    }

    /** May be called without the lock. */
    State state() {
        return shown;
    }

    @Nullable
    ParleyException failure() {
        return failure;
    }

    @Nullable
    String attachPoint() {
        return attachPoint;
    }

    /** Whether the session is to be attached, perhaps once there is a connection. */
    boolean isWanted() {
        return wanted;
    }

    // What the client wants

    /** Attaches the session; the future completes when that is done. */
    CompletableFuture<@Nullable Void> attach() {
        if (link.isClosing()) {
            return CompletableFuture.failedFuture(new ParleyException.Closed("The client is closed."));
        }
        CompletableFuture<@Nullable Void> leaving = detaching;
        if (leaving != null) {
            // Until the server has answered, the session is still attached.
            return leaving.thenCompose(gone -> link.call(this::attach));
        }
        CompletableFuture<@Nullable Void> pending = attaching;
        if (state == State.ATTACHED) {
            return CompletableFuture.completedFuture(null);
        }
        if (pending != null) {
            return pending;
        }
        CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
        attaching = result;
        wanted = true;
        link.add(this);
        become(State.ATTACHING, null);
        sendAttach();
        return result;
    }

    /** Detaches the session; the future completes when that is done. */
    CompletableFuture<@Nullable Void> detach() {
        if (!wanted && detaching == null) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<@Nullable Void> pending = detaching;
        if (pending != null) {
            return pending;
        }
        CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
        detaching = result;
        wanted = false;
        members.leaveAll();
        endAttaching(new ParleyException.Closed("The session was detached."));
        if (!link.isConnected() || !link.sendControl(frame(Action.DETACH).toString())) {
            detached();
        }
        return result;
    }

    private void detached() {
        CompletableFuture<@Nullable Void> pending = detaching;
        detaching = null;
        position = null;
        attachPoint = null;
        behind = false;
        members.clear();
        inbox.clear();
        link.remove(this);
        become(State.DETACHED, null);
        if (pending != null) {
            link.later(() -> pending.complete(null));
        }
    }

    private ObjectNode frame(int action) {
        return Wire.object().put("action", action).put("channel", name);
    }

    private void sendAttach() {
        ObjectNode frame = frame(Action.ATTACH);
        String from = position == null ? options.from() : position;
        if (from != null) {
            frame.put("channelSerial", from);
        }
        frame.put("flags", options.flags() | (position == null ? 0 : ATTACH_RESUME));
        ObjectNode params = Wire.object();
        options.params().forEach(params::put);
        if (!params.isEmpty()) {
            frame.set("params", params);
        }
        // Without a connection, it is sent when there is one.
        link.sendControl(frame.toString());
    }

    // What becomes of the connection

    /**
     * There is a connection.
     *
     * @param fresh whether it is not the one that was lost, so that its members are gone
     */
    void connected(boolean fresh) {
        if (fresh) {
            members.reenterSoon();
        }
        if (wanted && !behind) {
            become(State.ATTACHING, null);
            sendAttach();
        }
    }

    /** The connection is lost. */
    void disconnected() {
        if (detaching != null) {
            detached();
        } else if (wanted) {
            become(State.ATTACHING, failure);
        }
    }

    /** The connection has failed. The session is attached again if the client connects again. */
    void connectionFailed(ParleyException error) {
        disconnected();
        endAttaching(error);
        if (wanted) {
            become(State.FAILED, error);
        }
    }

    /** The client is closed. */
    void closed(ParleyException error) {
        disconnected();
        wanted = false;
        endAttaching(error);
        become(State.DETACHED, error);
        inbox.end(null);
    }

    private void endAttaching(@Nullable ParleyException error) {
        CompletableFuture<@Nullable Void> pending = attaching;
        attaching = null;
        if (pending != null) {
            link.later(() -> {
                if (error == null) {
                    pending.complete(null);
                } else {
                    pending.completeExceptionally(error);
                }
            });
        }
    }

    private void become(State next, @Nullable ParleyException why) {
        state = next;
        failure = why;
        shown = next;
    }

    // Back-pressure

    /** The listeners have become quicker. */
    private void room() {
        if (behind && inbox.isBelow(CAUGHT_UP_PERCENT)) {
            behind = false;
            inbox.roomNoted();
            if (wanted && link.isConnected()) {
                sendAttach();
            }
        } else if (!behind && inbox.isBelow(ROOM_PERCENT)) {
            inbox.roomNoted();
            link.congested(this, false);
        }
    }

    /** The connection goes on without the session until its listeners have caught up. */
    void leaveBehind() {
        behind = true;
    }

    // What the server says

    /** Takes a frame of this many characters. */
    void received(JsonNode frame, int chars) {
        int action = (int) Wire.number(frame, "action", -1);
        if (action == Action.DETACHED) {
            detached(frame);
        } else if (action == Action.ATTACHED && wanted && !behind) {
            attached(frame);
        } else if (state == State.ATTACHED) {
            delivered(action, frame, chars);
        }
    }

    private void detached(JsonNode frame) {
        if (!wanted) {
            detached();
            return;
        }
        LOG.warn("The server has detached session {}: {}", name, Wire.text(frame.path("error"), "message"));
        become(State.ATTACHING, Wire.error(frame.path("error")));
        var unused = ClientThreads.after(
                ATTACH_AGAIN_MILLIS,
                () -> link.locked(() -> {
                    if (wanted && !behind && state == State.ATTACHING && link.isConnected()) {
                        sendAttach();
                    }
                }));
    }

    private void attached(JsonNode frame) {
        String place = Wire.required(frame, "channelSerial");
        long flags = Wire.number(frame, "flags", 0);
        boolean resumed = (flags & RESUMED) != 0;
        String before = position == null ? options.from() : position;
        position = place;
        become(State.ATTACHED, null);
        members.attached((flags & HAS_PRESENCE) != 0, resumed, this::offer);
        if (before == null) {
            attachPoint = place;
            offer(List.of(), 0);
        } else if (resumed) {
            attachPoint = attachPoint == null ? before : attachPoint;
            offer(List.of(), 0);
        } else {
            attachPoint = place;
            JsonNode error = frame.path("error");
            offer(List.of(new Gap(before, place, error.isObject() ? Wire.error(error) : null)), 0);
        }
        endAttaching(null);
    }

    private void offer(List<? extends SessionEvent> events) {
        offer(events, 0);
    }

    private void offer(List<? extends SessionEvent> events, int chars) {
        String place = position;
        if (place == null) {
            return;
        }
        inbox.offer(events, chars, place);
        if (inbox.isFull()) {
            link.congested(this, true);
        }
    }

    private void delivered(int action, JsonNode frame, int chars) {
        if (action == Action.SYNC) {
            // Its channelSerial is no position.
            offer(members.synchronise(frame), chars);
            return;
        }
        String place = Wire.text(frame, "channelSerial");
        if (place != null) {
            position = place;
        }
        switch (action) {
            case Action.MESSAGE -> offer(events(frame.path("messages"), Wire::message), chars);
            case Action.PRESENCE -> offer(members.happened(events(frame.path("presence"), Wire::presence)), chars);
            case Action.ANNOTATION -> offer(events(frame.path("annotations"), Wire::annotation), chars);
            case Action.OBJECT -> offer(events(frame.path("state"), Wire::objectChange), chars);
            default -> {}
        }
    }

    /** What is in a frame. An element that this client does not understand must not keep it from the others for ever. */
    static <E extends SessionEvent> List<E> events(JsonNode nodes, Function<JsonNode, E> read) {
        List<E> events = new ArrayList<>(nodes.size());
        for (JsonNode node : nodes) {
            try {
                events.add(read.apply(node));
            } catch (IllegalArgumentException e) {
                LOG.warn("The server has sent what this client does not understand: {}", e.getMessage());
            }
        }
        return events;
    }

    /** The server has refused the session, or has ended its attachment for good. */
    void failed(ParleyException error) {
        wanted = false;
        behind = false;
        members.clear();
        link.remove(this);
        endAttaching(error);
        become(State.FAILED, error);
        inbox.end(error);
    }
}
