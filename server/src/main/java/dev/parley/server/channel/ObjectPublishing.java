package dev.parley.server.channel;

import dev.parley.engine.session.SessionCommand.ObjectOp;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundObject;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rules for changing objects of a channel, which are the same for all doors. Makes commands of changes, or refuses
 * them.
 *
 * @param connectionId the connection that changes objects; null if there is none
 * @param maxBytes the greatest size of all operations of a request together
 */
public record ObjectPublishing(
        Gate gate,
        Principal principal,
        String channel,
        @Nullable String connectionId,
        int maxBytes) {

    /** The greatest number of operations in one request. */
    public static final int MAX_OPERATIONS = 1_000;

    /**
     * The commands for changes of objects.
     *
     * @param idPrefix the beginning of the ids of changes to which the client gives no id
     */
    public List<ObjectOp> operations(List<InboundObject> objects, String idPrefix) throws WireException {
        if (gate.permit(principal, CapabilityOp.OBJECT_PUBLISH, channel) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        if (objects.isEmpty() || objects.size() > MAX_OPERATIONS) {
            throw new WireException(ErrorInfo.badRequest(
                    "A request has 1 to " + MAX_OPERATIONS + " operations on objects, not " + objects.size() + "."));
        }
        long size = 0;
        for (InboundObject object : objects) {
            size += object.size();
        }
        if (size > maxBytes) {
            throw new WireException(ErrorInfo.tooLarge(size, maxBytes));
        }
        List<ObjectOp> operations = new ArrayList<>(objects.size());
        for (InboundObject object : objects) {
            String id = object.id();
            if (id != null && (id.isEmpty() || id.length() > Publishing.MAX_ID_CHARS)) {
                throw new WireException(ErrorInfo.invalidId(
                        "The id of an operation has 1 to " + Publishing.MAX_ID_CHARS + " characters."));
            }
            operations.add(new ObjectOp(
                    id == null ? idPrefix + ":" + operations.size() : id,
                    id != null,
                    Publishing.clientId(gate, principal, object.clientId()),
                    connectionId,
                    object.extras(),
                    object.operation()));
        }
        return operations;
    }
}
