package dev.parley.client;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The presence members of a session as the client knows them, and those that the client itself has there, which enter again
 * if they are lost. Used under the connection's lock.
 */
final class Members {
    /** The key of the member that has the client id of the connection. */
    private static final String SELF = "";

    private final Link link;
    private final String session;
    private final Map<String, PresenceEvent> all = new LinkedHashMap<>();
    private final Map<String, Own> own = new LinkedHashMap<>();

    /** Members that were known before the synchronisation and have not come up in it; null if there is none going on. */
    private @Nullable Set<String> unconfirmed;

    private CompletableFuture<@Nullable Void> synced = new CompletableFuture<>();
    private boolean reenterSoon;

    /**
     * A member that this client has.
     *
     * @param clientId null for the client id of the connection
     * @param data what it says about itself, or null
     */
    private record Own(@Nullable String clientId, @Nullable Data data) {}

    Members(Link link, String session) {
        this.link = link;
        this.session = session;
    }

    // The client's own members

    /** Remembers that the client has a member. */
    void keep(@Nullable String clientId, @Nullable Data data) {
        own.put(clientId == null ? SELF : clientId, new Own(clientId, data));
    }

    /** Remembers that the client no longer has a member. */
    void forget(@Nullable String clientId) {
        own.remove(clientId == null ? SELF : clientId);
    }

    /** Lets all members of the client leave. */
    void leaveAll() {
        for (Own member : own.values()) {
            link.submit(request(PresenceEvent.Action.LEAVE, null, member.clientId(), null));
        }
        own.clear();
    }

    /** The members of the client are gone with their connection, and enter again when the session is attached. */
    void reenterSoon() {
        reenterSoon = true;
    }

    private void reenter(Own member, @Nullable String id) {
        link.submit(request(PresenceEvent.Action.ENTER, id, member.clientId(), member.data()));
    }

    private void reenterAll() {
        for (Own member : own.values()) {
            String clientId = member.clientId() == null ? link.clientId() : member.clientId();
            PresenceEvent known = clientId == null ? null : all.get(link.id() + ":" + clientId);
            // By its id the server sees that a member that is still there is the same one.
            reenter(member, known == null ? null : known.id());
        }
    }

    Requests.Request request(
            PresenceEvent.Action action, @Nullable String id, @Nullable String clientId, @Nullable Data data) {
        var frame = Wire.object().put("channel", session);
        frame.putArray("presence").add(Wire.presence(action, id, clientId, data));
        return new Requests.Request(Action.PRESENCE, frame.toString().substring(1), Requests.Again.HARMLESS);
    }

    // All members

    /** Completes when all members are known. */
    CompletableFuture<@Nullable Void> synced() {
        return synced;
    }

    List<PresenceEvent> list() {
        List<PresenceEvent> list = new ArrayList<>(all.size());
        for (PresenceEvent member : all.values()) {
            list.add(as(PresenceEvent.Action.PRESENT, member));
        }
        return list;
    }

    /** Forgets everything. */
    void clear() {
        all.clear();
        own.clear();
        unconfirmed = null;
        reenterSoon = false;
        CompletableFuture<@Nullable Void> before = synced;
        link.later(() -> before.completeExceptionally(
                new ParleyException.Closed("The session is no longer attached, so its members are not known.")));
        synced = new CompletableFuture<>();
    }

    /**
     * The session is attached.
     *
     * @param some whether the members follow; otherwise there are none
     * @param resumed whether all events since the last time follow
     * @param events takes events that follow from that
     */
    void attached(boolean some, boolean resumed, Consumer<List<PresenceEvent>> events) {
        if (some) {
            unconfirmed = new HashSet<>(all.keySet());
        } else {
            List<PresenceEvent> gone = new ArrayList<>();
            all.values().forEach(member -> gone.add(as(PresenceEvent.Action.LEAVE, member)));
            if (reenterSoon || !resumed) {
                reenterAll();
            }
            all.clear();
            reenterSoon = false;
            unconfirmed = null;
            if (!gone.isEmpty()) {
                events.accept(gone);
            }
            complete();
            return;
        }
        if (reenterSoon || !resumed) {
            reenterSoon = false;
            reenterAll();
        }
    }

    private void complete() {
        CompletableFuture<@Nullable Void> done = synced;
        link.later(() -> done.complete(null));
    }

    /** Takes events of the log, and returns those that tell something new. */
    List<PresenceEvent> happened(List<PresenceEvent> events) {
        List<PresenceEvent> told = new ArrayList<>(events.size());
        for (PresenceEvent event : events) {
            if (take(event)) {
                told.add(event);
            }
            Own lost = ownOf(event);
            if (event.action() == PresenceEvent.Action.LEAVE && lost != null) {
                // The server has given the member up while the connection was lost.
                reenter(lost, null);
            }
        }
        return told;
    }

    private @Nullable Own ownOf(PresenceEvent event) {
        if (!event.connectionId().equals(link.id())) {
            return null;
        }
        Own named = own.get(event.clientId());
        return named != null || !event.clientId().equals(link.clientId()) ? named : own.get(SELF);
    }

    private boolean take(PresenceEvent event) {
        String key = event.memberKey();
        PresenceEvent known = all.get(key);
        if (unconfirmed != null) {
            unconfirmed.remove(key);
        }
        if (event.action() == PresenceEvent.Action.LEAVE) {
            return all.remove(key) != null;
        }
        if (known != null && known.id().equals(event.id())) {
            return false;
        }
        all.put(key, event);
        return true;
    }

    /** Takes a page of the members, and returns what is new in it. */
    List<PresenceEvent> synchronise(JsonNode frame) {
        List<PresenceEvent> told = new ArrayList<>();
        for (PresenceEvent member : Attachment.events(frame.path("presence"), Wire::presence)) {
            PresenceEvent known = all.get(member.memberKey());
            if (unconfirmed != null) {
                unconfirmed.remove(member.memberKey());
            }
            if (known == null || isNewer(member, known)) {
                all.put(member.memberKey(), member);
                told.add(as(known == null ? PresenceEvent.Action.PRESENT : PresenceEvent.Action.UPDATE, member));
            }
        }
        String cursor = Wire.text(frame, "channelSerial");
        if (cursor == null || cursor.endsWith(":")) {
            if (unconfirmed != null) {
                for (String key : unconfirmed) {
                    PresenceEvent gone = all.remove(key);
                    if (gone != null) {
                        told.add(as(PresenceEvent.Action.LEAVE, gone));
                    }
                }
            }
            unconfirmed = null;
            complete();
        }
        return told;
    }

    private static boolean isNewer(PresenceEvent member, PresenceEvent known) {
        return !member.id().equals(known.id()) && !member.timestamp().isBefore(known.timestamp());
    }

    private static PresenceEvent as(PresenceEvent.Action action, PresenceEvent member) {
        return new PresenceEvent(
                action,
                member.id(),
                member.clientId(),
                member.connectionId(),
                member.data(),
                member.encoding(),
                member.extras(),
                member.timestamp());
    }
}
