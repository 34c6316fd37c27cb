package dev.parley.client;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who is in a session. Members that this client has enter again by themselves if they are lost, for example because the
 * network was gone for longer than the server keeps them.
 */
public final class Presence {
    private static final int PAGE = 1_000;

    private final Link link;
    private final Attachment attachment;
    private final Http http;
    private final String path;

    Presence(Link link, Attachment attachment, Http http, String path) {
        this.link = link;
        this.attachment = attachment;
        this.http = http;
        this.path = path;
    }

    /**
     * Enters with the client id of the connection, and waits until others can see it. The session has to be attached.
     *
     * @param data what the member says about itself, or null
     */
    public void enter(@Nullable Data data) {
        enter(null, data);
    }

    /**
     * Enters as this client, which the credentials have to allow; otherwise as {@link #enter(Data)}.
     *
     * @param clientId null for the client id of the connection
     * @param data what the member says about itself, or null
     */
    public void enter(@Nullable String clientId, @Nullable Data data) {
        requireAttached();
        link.locked(() -> attachment.members().keep(clientId, data));
        send(PresenceEvent.Action.ENTER, clientId, data);
    }

    /**
     * Says something new about the member with the client id of the connection; it enters if it is not there.
     *
     * @param data what the member says about itself, or null
     */
    public void update(@Nullable Data data) {
        update(null, data);
    }

    /**
     * Says something new about a member; it enters if it is not there.
     *
     * @param clientId null for the client id of the connection
     * @param data what the member says about itself, or null
     */
    public void update(@Nullable String clientId, @Nullable Data data) {
        requireAttached();
        link.locked(() -> attachment.members().keep(clientId, data));
        send(PresenceEvent.Action.UPDATE, clientId, data);
    }

    /** Leaves with the client id of the connection, and waits until that is done. */
    public void leave() {
        leave(null);
    }

    /**
     * Leaves as this client, and waits until that is done.
     *
     * @param clientId null for the client id of the connection
     */
    public void leave(@Nullable String clientId) {
        link.locked(() -> attachment.members().forget(clientId));
        send(PresenceEvent.Action.LEAVE, clientId, null);
    }

    private void requireAttached() {
        if (attachment.state() == Session.State.DETACHED || attachment.state() == Session.State.FAILED) {
            throw new IllegalStateException(
                    "The session " + attachment.name() + " is not attached; only then can its members enter again.");
        }
    }

    private void send(PresenceEvent.Action action, @Nullable String clientId, @Nullable Data data) {
        try {
            link.await(() -> link.request(attachment.members().request(action, null, clientId, data)));
        } catch (ParleyException.Refused | ParleyException.AccessDenied e) {
            link.locked(() -> attachment.members().forget(clientId));
            throw e;
        }
    }

    /**
     * {@return all members; blocks until they are known} In a session that is attached, they are those that the client
     * has been told of; otherwise the server is asked.
     */
    public List<PresenceEvent> get() {
        var modes = attachment.options().modes();
        boolean follows = modes.isEmpty() || modes.contains(SessionOptions.Mode.PRESENCE_SUBSCRIBE);
        if (follows && attachment.state() == Session.State.ATTACHED) {
            link.await(() -> link.call(attachment.members()::synced));
            return link.call(attachment.members()::list);
        }
        List<PresenceEvent> members = new ArrayList<>();
        Page<PresenceEvent> page = http.page(path, "limit=" + PAGE, Wire::presence);
        while (page != null) {
            members.addAll(page.items());
            page = page.next();
        }
        return members;
    }

    /** {@return what members have done, newest first; blocks} */
    public Page<PresenceEvent> history() {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("direction", "backwards");
        return http.page(path + "/history", ConnectUri.query(query), Wire::presence);
    }

    /**
     * Calls {@code listener} when a member enters, leaves or says something new, and for each member that is there when the
     * session is attached. Events come in one order with the messages of the session.
     *
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration onChange(Consumer<PresenceEvent> listener) {
        return attachment.inbox().add(event -> {
            if (event instanceof PresenceEvent member) {
                listener.accept(member);
            }
        });
    }
}
