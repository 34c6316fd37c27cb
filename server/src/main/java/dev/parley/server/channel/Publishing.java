package dev.parley.server.channel;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The rules for publishing to a channel, which are the same for all doors. Makes commands of messages, or refuses them.
 *
 * @param mutable whether messages of the channel can be changed
 * @param connectionId the connection that publishes, or on behalf of which a REST client publishes; null if there is
 *     none
 * @param maxBytes the greatest size of all messages of a request together
 * @param grownBytes the size to which a message may grow by appends, if that is more than {@code maxBytes}
 */
public record Publishing(
        Gate gate,
        Principal principal,
        String channel,
        boolean mutable,
        @Nullable String connectionId,
        int maxBytes,
        int grownBytes) {

    /** The greatest number of messages in one request. */
    public static final int MAX_MESSAGES = 1_000;

    /** The greatest length of an id that a client gives to a message. */
    public static final int MAX_ID_CHARS = 512;

    /**
     * The commands for messages.
     *
     * @param idPrefix the beginning of the ids of messages to which the client gives no id
     */
    public List<MessageOp> operations(List<InboundMessage> messages, String idPrefix) throws WireException {
        if (messages.isEmpty() || messages.size() > MAX_MESSAGES) {
            throw new WireException(ErrorInfo.badRequest(
                    "A request has 1 to " + MAX_MESSAGES + " messages, not " + messages.size() + "."));
        }
        long size = 0;
        for (InboundMessage message : messages) {
            size += message.size();
        }
        if (size > maxBytes) {
            throw new WireException(ErrorInfo.tooLarge(size, maxBytes));
        }
        requireIdsOfOneBase(messages);
        List<MessageOp> operations = new ArrayList<>(messages.size());
        for (InboundMessage message : messages) {
            operations.add(
                    switch (message.action()) {
                        case CREATE -> create(message, idPrefix + ":" + operations.size());
                        case UPDATE -> change(message, MessageEntry.Action.UPDATE);
                        case DELETE -> change(message, MessageEntry.Action.DELETE);
                        case APPEND -> change(message, MessageEntry.Action.APPEND);
                        case META, SUMMARY ->
                            throw new WireException(
                                    ErrorInfo.invalidValue("Only the server makes messages with this action."));
                    });
        }
        return operations;
    }

    /**
     * The ids of several messages must have the form {@code base:0}, {@code base:1} and so on. Otherwise two ids could
     * be equal, and one of the messages would be lost.
     */
    private static void requireIdsOfOneBase(List<InboundMessage> messages) throws WireException {
        if (messages.size() == 1 || messages.stream().allMatch(message -> message.id() == null)) {
            return;
        }
        String first = messages.getFirst().id();
        String base = first == null || !first.endsWith(":0") ? "" : first.substring(0, first.length() - 2);
        for (int i = 0; i < messages.size(); i++) {
            if (base.isEmpty() || !(base + ":" + i).equals(messages.get(i).id())) {
                throw new WireException(ErrorInfo.invalidId("Several messages of one publish have either no ids, or all"
                        + " the same one with :0, :1 and so on behind it, in their order."));
            }
        }
    }

    private MessageOp create(InboundMessage message, String ourId) throws WireException {
        permit(CapabilityOp.PUBLISH);
        String id = message.id();
        if (id != null && (id.isEmpty() || id.length() > MAX_ID_CHARS)) {
            throw new WireException(ErrorInfo.invalidId("A message's id has 1 to " + MAX_ID_CHARS + " characters."));
        }
        return new MessageOp.Create(
                id == null ? ourId : id,
                id != null,
                clientId(gate, principal, message.clientId()),
                connectionId,
                message.body(),
                message.ephemeral());
    }

    private MessageOp change(InboundMessage message, MessageEntry.Action action) throws WireException {
        if (!mutable) {
            throw new WireException(ErrorInfo.NOT_MUTABLE);
        }
        OptionalLong serial = Serials.parse(message.serial());
        if (serial.isEmpty()) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The serial is not that of a message; use the serial with which the message was received."));
        }
        String claimed = message.operation().clientId();
        String clientId = clientId(gate, principal, claimed == null ? message.clientId() : claimed);
        boolean delete = action == MessageEntry.Action.DELETE;
        boolean any =
                principal.may(delete ? CapabilityOp.MESSAGE_DELETE_ANY : CapabilityOp.MESSAGE_UPDATE_ANY, channel);
        if (!any) {
            permit(delete ? CapabilityOp.MESSAGE_DELETE_OWN : CapabilityOp.MESSAGE_UPDATE_OWN);
            if (clientId == null) {
                throw new WireException(
                        ErrorInfo.invalidClientId("A client without a clientId has no messages of its own to change."));
            }
        }
        return new MessageOp.Change(
                action,
                serial.getAsLong(),
                message.body(),
                new Operation(
                        clientId,
                        message.operation().description(),
                        message.operation().metadata()),
                any,
                principal.may(CapabilityOp.MESSAGE_DELETE_ANY, channel),
                Math.max(maxBytes, grownBytes));
    }

    private void permit(CapabilityOp operation) throws WireException {
        if (gate.permit(principal, operation, channel) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
    }

    /**
     * The client id of a message or presence event.
     *
     * @param claimed the client id that the message or event contains, or null
     * @return null if there is none
     */
    public static @Nullable String clientId(Gate gate, Principal principal, @Nullable String claimed)
            throws WireException {
        if (claimed == null) {
            return Principal.ANY_CLIENT.equals(principal.clientId()) ? null : principal.clientId();
        }
        if (!claimed.equals(Principal.ANY_CLIENT) && gate.as(principal, claimed) instanceof Access.Granted) {
            return claimed;
        }
        throw new WireException(ErrorInfo.invalidClientId(
                "These credentials do not allow this clientId; leave it out, or use the one of the credentials."));
    }
}
