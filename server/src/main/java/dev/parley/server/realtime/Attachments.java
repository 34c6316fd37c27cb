package dev.parley.server.realtime;

import dev.parley.engine.session.SessionName;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.MessageFilter;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.InboundFrame;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The channels to which one connection is attached. Used on the connection's event loop. */
final class Attachments {
    private static final ErrorInfo UNKNOWN_QUALIFIER = new ErrorInfo(
            40010, 400, "The qualifier in the channel's name is not known, or is not allowed for this request.");

    /** The beginning of the qualifier of a channel that shows only some messages. */
    private static final String FILTER = "filter=";

    private final Client client;
    private final Credentials credentials;
    private final Submissions submissions;
    private final Step.Runner steps;
    private final Map<String, Attachment> byName = new LinkedHashMap<>();

    /**
     * Attachments that have no place in the log yet, and the later requests for their sessions. The effects of these
     * requests come after that place, so that the client sees them.
     */
    private final Map<Attachment, List<Step>> attaching = new LinkedHashMap<>();

    /** Attachments with something to send for which there was no room, in the order in which they noticed. */
    private final Set<Attachment> starving = new LinkedHashSet<>();

    /**
     * Starts without attachments.
     *
     * @param steps runs what had to wait
     */
    Attachments(Client client, Credentials credentials, Submissions submissions, Step.Runner steps) {
        this.client = client;
        this.credentials = credentials;
        this.submissions = submissions;
        this.steps = steps;
    }

    /** The session of a channel that shows all of its messages. */
    static SessionName session(ChannelName name, Principal principal) throws WireException {
        if (!name.qualifier().isEmpty()) {
            throw new WireException(UNKNOWN_QUALIFIER);
        }
        return name.in(principal.app());
    }

    private static @Nullable MessageFilter filter(ChannelName name) throws WireException {
        String qualifier = name.qualifier();
        return qualifier.startsWith(FILTER) ? MessageFilter.parse(qualifier.substring(FILTER.length())) : null;
    }

    /** Whether the channel is attached without this mode of {@link Flags}. */
    boolean lacks(String name, long mode) {
        Attachment attachment = byName.get(name);
        return attachment != null && attachment.isAttached() && !attachment.has(mode);
    }

    /**
     * Handles a frame for the channel {@code name} when no other task of its attachment is in progress. By then the
     * channel may have another attachment.
     */
    void handle(InboundFrame frame, String name) throws WireException {
        Attachment known = byName.get(name);
        if (known != null && known.isBusy()) {
            if (!known.whenFree(() -> steps.run(() -> handle(frame, name)))) {
                throw new WireException(ErrorInfo.TOO_MANY_REQUESTS);
            }
            return;
        }
        switch (frame.action()) {
            case ATTACH -> attach(frame, name, known);
            case DETACH -> detach(name, known);
            default -> {
                if (known != null) {
                    known.sync();
                }
            }
        }
    }

    private void attach(InboundFrame frame, String name, @Nullable Attachment known) {
        Principal principal = credentials.principal();
        SessionName session;
        MessageFilter filter;
        AttachParams params;
        try {
            ChannelName parsed = ChannelName.parse(name);
            AttachParams read = AttachParams.read(frame.flags(), parsed.params(), frame.params());
            filter = filter(parsed);
            session = filter == null ? session(parsed, principal) : new SessionName(principal.app(), parsed.name());
            params = filter == null ? read : read.filtered();
            if (known == null) {
                refuseTooMany();
            }
        } catch (WireException e) {
            refuse(known, name, e.error());
            return;
        }
        long granted = Modes.granted(params.modes(), principal, name);
        if (granted == 0) {
            ErrorInfo error = ErrorInfo.notPermitted("attach", name);
            refused(session, "ATTACH", error);
            refuse(known, name, error);
            return;
        }
        Attachment attachment = known;
        if (attachment == null) {
            Permit permit = client.site().attachments().take();
            if (permit == null) {
                refuse(null, name, ErrorInfo.TOO_MANY_REQUESTS);
                return;
            }
            attachment = new Attachment(client, this, permit, name, session, clientId(principal), filter);
            byName.put(name, attachment);
            attaching.put(attachment, new ArrayList<>());
        }
        boolean returning = (frame.flags() & Flags.ATTACH_RESUME) != 0;
        attachment.attach(params, granted, frame.channelSerial(), returning);
    }

    private void refuse(@Nullable Attachment known, String name, ErrorInfo error) {
        if (known == null) {
            client.outbox().send(Frames.error(client.outbox().format(), name, error));
        } else {
            known.fail(error);
        }
    }

    /** Notes that a request to a session was refused. */
    void refused(SessionName session, String what, ErrorInfo error) {
        client.site()
                .timelines()
                .note(
                        session,
                        new Timelines.Event(
                                client.site().clock().millis(),
                                "refusal",
                                client.id(),
                                clientId(credentials.principal()),
                                what,
                                error.code(),
                                error.message()));
    }

    private static @Nullable String clientId(Principal principal) {
        return Principal.ANY_CLIENT.equals(principal.clientId()) ? null : principal.clientId();
    }

    private void refuseTooMany() throws WireException {
        int most = client.site().settings().channelsPerConnection();
        if (byName.size() >= most) {
            throw new WireException(new ErrorInfo(
                    90010, 400, "A connection may be attached to " + most + " channels; detach from some."));
        }
    }

    private void detach(String name, @Nullable Attachment known) {
        if (known == null) {
            client.outbox().send(Frames.detached(client.outbox().format(), name, null));
        } else {
            known.detach();
        }
    }

    /** Applies new capabilities of the client to all channels. */
    void permit() throws WireException {
        for (Attachment attachment : List.copyOf(byName.values())) {
            if (!attachment.permit(credentials.principal())) {
                throw new WireException(ErrorInfo.TOO_MANY_REQUESTS);
            }
        }
    }

    /**
     * Keeps {@code step} until an attachment to {@code session} has its place in the log. Returns false if there is no
     * attachment that has none yet.
     */
    boolean whenPlaced(SessionName session, Step step) {
        for (var entry : attaching.entrySet()) {
            if (entry.getKey().session().equals(session)) {
                entry.getValue().add(step);
                return true;
            }
        }
        return false;
    }

    /** Notes that the attachment has its place in the log, or will not get one. */
    void placed(Attachment attachment) {
        List<Step> behind = attaching.remove(attachment);
        if (behind != null) {
            behind.forEach(steps::run);
        }
    }

    /** Runs what waits for places in the log, because there will be none. */
    void placeAll() {
        while (!attaching.isEmpty()) {
            placed(attaching.keySet().iterator().next());
        }
    }

    /** Makes this connection's members leave the attachment's session, and runs {@code then} when they have. */
    void leave(Attachment attachment, Runnable then) {
        submissions.leave(attachment.session(), then);
    }

    /** Removes an attachment that has ended. */
    void drop(Attachment attachment) {
        if (byName.remove(attachment.name(), attachment)) {
            starving.remove(attachment);
            attachment.close();
            placed(attachment);
        }
    }

    void dropAll() {
        List.copyOf(byName.values()).forEach(this::drop);
    }

    /** Calls {@link Attachment#pump} when there is room again. */
    void starve(Attachment attachment) {
        starving.add(attachment);
    }

    /** Whether an attachment waits for room. */
    boolean isStarving() {
        return !starving.isEmpty();
    }

    /** Sends what had no room before, as far as there is room now. */
    void feed() {
        boolean served = true;
        while (served && !starving.isEmpty() && client.outbox().hasRoom()) {
            Attachment first = starving.iterator().next();
            starving.remove(first);
            first.pump();
            // If there is no room for what it wants, this method is called again when there is.
            served = !starving.contains(first);
        }
    }
}
