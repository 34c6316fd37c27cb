package dev.parley.server.channel;

import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.ChangeObjects;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionName;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.InboundAnnotation;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.InboundObject;
import dev.parley.server.wire.WireException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes commands of what clients publish to channels, by the rules for the channel, or refuses it. The same for all doors.
 *
 * @param messageBytes the greatest size of everything that one request publishes
 * @param grownBytes the size to which a message may grow by appends, if that is more
 */
public record ChannelCommands(Gate gate, Apps apps, int messageBytes, int grownBytes) {
    /**
     * A request to publish something to a channel.
     *
     * @param channel the name of the channel in the form that clients use
     * @param sender identifies the request, if it may be sent again
     * @param connectionId the connection that publishes, or on behalf of which a REST client publishes; null if there is
     *     none
     * @param idPrefix the beginning of the ids of everything to which the client gives no id
     */
    public record Request(
            Principal principal,
            String channel,
            SessionName session,
            long time,
            @Nullable Sender sender,
            @Nullable String connectionId,
            String idPrefix) {}

    /**
     * Publishes messages, and changes of messages.
     *
     * @param notes reads what the messages mean for runs
     */
    public Publish publish(Request request, List<InboundMessage> messages, RunNotes notes) throws WireException {
        var publishing = new Publishing(
                gate,
                request.principal(),
                request.channel(),
                hasMutableMessages(request.session()),
                request.connectionId(),
                messageBytes,
                grownBytes);
        List<MessageOp> operations = publishing.operations(messages, request.idPrefix());
        return new Publish(
                request.session(),
                request.time(),
                request.sender(),
                operations,
                notes.of(
                        request.channel(),
                        messages,
                        new RunNotes.By(
                                request.principal().keyName(),
                                () -> Requesting.grants(request.principal(), request.channel())),
                        request.principal().may(CapabilityOp.CONTROL, request.channel()) ? operations : List.of()));
    }

    /** Changes objects. */
    public ChangeObjects changeObjects(Request request, List<InboundObject> objects) throws WireException {
        var publishing = new ObjectPublishing(
                gate, request.principal(), request.channel(), request.connectionId(), messageBytes);
        return new ChangeObjects(
                request.session(),
                request.time(),
                request.sender(),
                publishing.operations(objects, request.idPrefix()),
                ObjectLimits.DEFAULT);
    }

    /** Annotates messages. */
    public Annotate annotate(Request request, List<InboundAnnotation> annotations) throws WireException {
        var annotating = new Annotating(
                gate,
                request.principal(),
                request.channel(),
                hasMutableMessages(request.session()),
                request.connectionId(),
                messageBytes);
        return new Annotate(
                request.session(),
                request.time(),
                request.sender(),
                annotating.operations(annotations, request.idPrefix()),
                Annotating.MAX_PER_MESSAGE);
    }

    private boolean hasMutableMessages(SessionName session) {
        return apps.namespace(session.app(), session.name()).mutableMessages();
    }
}
