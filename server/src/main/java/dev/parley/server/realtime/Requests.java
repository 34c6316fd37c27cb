package dev.parley.server.realtime;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Publishing;
import dev.parley.server.channel.Refusals;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.InboundFrame;
import dev.parley.server.wire.InboundPresence;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one client that change a session, and are acknowledged: makes commands of them. Used on the
 * connection's event loop.
 */
final class Requests {
    private final Client client;
    private final Credentials credentials;
    private final Attachments attachments;
    private final Submissions submissions;
    private final Acks acks;
    private final RunNotes runNotes = new RunNotes();

    /** Submits commands to {@code submissions}, in the order of {@code acks}. */
    Requests(Client client, Credentials credentials, Attachments attachments, Submissions submissions, Acks acks) {
        this.client = client;
        this.credentials = credentials;
        this.attachments = attachments;
        this.submissions = submissions;
        this.acks = acks;
    }

    /** Handles a request to the channel {@code name}. */
    void handle(InboundFrame frame, String name) throws WireException {
        if (frame.msgSerial() < 0) {
            throw new WireException(ErrorInfo.badRequest("The frame " + frame.action() + " has no msgSerial."));
        }
        Acks.Request request = acks.add(frame.msgSerial(), size(frame));
        try {
            if (frame.error() != null) {
                throw new WireException(frame.error());
            }
            perform(request, frame, name, Attachments.session(ChannelName.parse(name), credentials.principal()));
        } catch (WireException e) {
            submissions.refuse(request, e.error());
        }
    }

    /** Refuses a request. If it has no number by which the client could be told, the connection fails. */
    void refuse(InboundFrame frame, ErrorInfo error) throws WireException {
        if (frame.msgSerial() < 0) {
            throw new WireException(error);
        }
        submissions.refuse(acks.add(frame.msgSerial(), 0), error);
    }

    /** Executes a request as soon as all earlier attachments to its session have their places in the log. */
    private void perform(Acks.Request request, InboundFrame frame, String name, SessionName session) {
        if (attachments.whenPlaced(session, () -> perform(request, frame, name, session))) {
            return;
        }
        try {
            switch (frame.action()) {
                case MESSAGE -> {
                    SessionCommand.Publish publish = publish(frame, name, session);
                    Change append = appendOf(publish);
                    if (append == null) {
                        submissions.submit(
                                request,
                                publish,
                                noting(session, frame, Refusals::of),
                                () -> runNotes.refused(name, frame.messages()));
                    } else {
                        submissions.append(request, session, append, frame.msgSerial());
                    }
                }
                case PRESENCE -> {
                    var command = changePresence(frame, name, session);
                    client.footprint().enters(session);
                    submissions.submit(request, command, noting(session, frame, Refusals::of));
                }
                case OBJECT ->
                    submissions.submit(
                            request, changeObjects(frame, name, session), noting(session, frame, Refusals::of));
                case ANNOTATION ->
                    submissions.submit(request, annotate(frame, name, session), noting(session, frame, Refusals::of));
                default -> throw new IllegalStateException(frame.action() + " is no request");
            }
        } catch (WireException e) {
            attachments.refused(session, frame.action().toString(), e.error());
            submissions.refuse(request, e.error());
        }
    }

    /** Says what is wrong with an outcome, and notes that. */
    private <O extends SessionOutcome> Function<O, @Nullable ErrorInfo> noting(
            SessionName session, InboundFrame frame, Function<O, @Nullable ErrorInfo> refusal) {
        return outcome -> {
            ErrorInfo error = refusal.apply(outcome);
            if (error != null) {
                attachments.refused(session, frame.action().toString(), error);
            }
            return error;
        };
    }

    private static int size(InboundFrame frame) {
        int size = 0;
        for (var message : frame.messages()) {
            size += message.size();
        }
        for (var event : frame.presence()) {
            size += event.size();
        }
        for (var annotation : frame.annotations()) {
            size += annotation.size();
        }
        for (var object : frame.objects()) {
            size += object.size();
        }
        return size;
    }

    /**
     * Checks that an attached channel has the mode. Whether the capabilities allow the operation is checked elsewhere.
     */
    private void requireMode(String name, long mode, CapabilityOp operation) throws WireException {
        if (attachments.lacks(name, mode) && credentials.principal().may(operation, name)) {
            throw new WireException(ErrorInfo.modeNotGranted(operation.wireName(), name));
        }
    }

    private SessionCommand.Publish publish(InboundFrame frame, String name, SessionName session) throws WireException {
        if (frame.params().containsKey("_forceNack")) {
            throw new WireException(ErrorInfo.FORCED_NACK);
        }
        requireMode(name, Flags.PUBLISH, CapabilityOp.PUBLISH);
        return client.site().commands().publish(request(frame, name, session), frame.messages(), runNotes);
    }

    /** The append, if the request consists of nothing else. */
    private static @Nullable Change appendOf(SessionCommand.Publish publish) {
        return publish.messages().size() == 1
                        && publish.runs().isEmpty()
                        && publish.messages().getFirst() instanceof Change change
                        && change.action() == MessageEntry.Action.APPEND
                ? change
                : null;
    }

    private SessionCommand.ChangeObjects changeObjects(InboundFrame frame, String name, SessionName session)
            throws WireException {
        requireMode(name, Flags.OBJECT_PUBLISH, CapabilityOp.OBJECT_PUBLISH);
        return client.site().commands().changeObjects(request(frame, name, session), frame.objects());
    }

    private SessionCommand.Annotate annotate(InboundFrame frame, String name, SessionName session)
            throws WireException {
        requireMode(name, Flags.ANNOTATION_PUBLISH, CapabilityOp.ANNOTATION_PUBLISH);
        return client.site().commands().annotate(request(frame, name, session), frame.annotations());
    }

    private ChannelCommands.Request request(InboundFrame frame, String name, SessionName session) {
        return new ChannelCommands.Request(
                credentials.principal(), name, session, now(), sender(frame), client.id(), idOf(frame));
    }

    private SessionCommand.ChangePresence changePresence(InboundFrame frame, String name, SessionName session)
            throws WireException {
        requireMode(name, Flags.PRESENCE, CapabilityOp.PRESENCE);
        Principal principal = credentials.principal();
        if (client.site().gate().permit(principal, CapabilityOp.PRESENCE, name) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        List<SessionCommand.PresenceOp> operations = new ArrayList<>();
        long bytes = 0;
        for (InboundPresence event : frame.presence()) {
            bytes += event.size();
            String given = event.id();
            // A member that enters again keeps its id, by which clients see that nothing has happened.
            String kept = given != null && given.startsWith(client.id() + ":") ? given : null;
            operations.add(new SessionCommand.PresenceOp(
                    event.action(),
                    kept == null ? idOf(frame) + ":" + operations.size() : kept,
                    memberName(event, principal),
                    event.body()));
        }
        if (operations.isEmpty()) {
            throw new WireException(ErrorInfo.badRequest("There is no presence message in the frame."));
        }
        int maxBytes = client.site().settings().messageBytes();
        if (bytes > maxBytes) {
            throw new WireException(ErrorInfo.tooLarge(bytes, maxBytes));
        }
        int maxMembers =
                client.site().apps().namespace(session.app(), session.name()).maxMembers();
        return new SessionCommand.ChangePresence(session, now(), sender(frame), client.id(), operations, maxMembers);
    }

    private String memberName(InboundPresence event, Principal principal) throws WireException {
        String clientId = Publishing.clientId(client.site().gate(), principal, event.clientId());
        if (clientId == null) {
            throw new WireException(ErrorInfo.noClientId());
        }
        return clientId;
    }

    private SessionCommand.Sender sender(InboundFrame frame) {
        return client.sender(frame.msgSerial());
    }

    /** The id of a request, with which the ids of its messages begin. */
    private String idOf(InboundFrame frame) {
        return client.id() + ":" + frame.msgSerial();
    }

    private long now() {
        return client.site().clock().millis();
    }
}
