package dev.parley.server.channel;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.SessionCommand.AnnotationOp;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundAnnotation;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The rules for annotating messages of a channel, which are the same for all doors. Makes commands of annotations, or
 * refuses them.
 *
 * @param mutable whether messages of the channel can be changed and annotated
 * @param connectionId the connection that annotates; null if there is none
 * @param maxBytes the greatest size of all annotations of a request together
 */
public record Annotating(
        Gate gate,
        Principal principal,
        String channel,
        boolean mutable,
        @Nullable String connectionId,
        int maxBytes) {

    /** The greatest number of annotations in one request. */
    public static final int MAX_ANNOTATIONS = 1_000;

    /** The greatest number of annotations of one message, including deleted ones. */
    public static final int MAX_PER_MESSAGE = 10_000;

    /** The greatest length of a type, and of a name. */
    public static final int MAX_NAME_CHARS = 256;

    private static final Pattern TYPE = Pattern.compile("[^:]+(:[^:]+)?");

    /**
     * The commands for annotations.
     *
     * @param idPrefix the beginning of the ids of annotations to which the client gives no id
     */
    public List<AnnotationOp> operations(List<InboundAnnotation> annotations, String idPrefix) throws WireException {
        if (gate.permit(principal, CapabilityOp.ANNOTATION_PUBLISH, channel) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        if (!mutable) {
            throw new WireException(ErrorInfo.NOT_MUTABLE);
        }
        if (annotations.isEmpty() || annotations.size() > MAX_ANNOTATIONS) {
            throw new WireException(ErrorInfo.badRequest(
                    "A request has 1 to " + MAX_ANNOTATIONS + " annotations, not " + annotations.size() + "."));
        }
        long size = 0;
        for (InboundAnnotation annotation : annotations) {
            size += annotation.size();
        }
        if (size > maxBytes) {
            throw new WireException(ErrorInfo.tooLarge(size, maxBytes));
        }
        List<AnnotationOp> operations = new ArrayList<>(annotations.size());
        for (InboundAnnotation annotation : annotations) {
            operations.add(operation(annotation, idPrefix + ":" + operations.size()));
        }
        return operations;
    }

    private AnnotationOp operation(InboundAnnotation annotation, String ourId) throws WireException {
        OptionalLong serial = Serials.parse(annotation.messageSerial());
        if (serial.isEmpty()) {
            throw new WireException(ErrorInfo.invalidValue(
                    "The messageSerial is not that of a message; use the serial with which the message was received."));
        }
        if (annotation.type().length() > MAX_NAME_CHARS
                || !TYPE.matcher(annotation.type()).matches()) {
            throw new WireException(ErrorInfo.invalidValue("The type of an annotation looks like reaction:distinct.v1"
                    + " and has at most " + MAX_NAME_CHARS + " characters."));
        }
        String name = annotation.body().name();
        if (name != null && name.length() > MAX_NAME_CHARS) {
            throw new WireException(
                    ErrorInfo.invalidValue("The name of an annotation has at most " + MAX_NAME_CHARS + " characters."));
        }
        String id = annotation.id();
        if (id != null && (id.isEmpty() || id.length() > Publishing.MAX_ID_CHARS)) {
            throw new WireException(ErrorInfo.invalidId(
                    "The id of an annotation has 1 to " + Publishing.MAX_ID_CHARS + " characters."));
        }
        return new AnnotationOp(
                annotation.delete() ? AnnotationEntry.Action.DELETE : AnnotationEntry.Action.CREATE,
                serial.getAsLong(),
                annotation.type(),
                annotation.count(),
                id == null ? ourId : id,
                Publishing.clientId(gate, principal, annotation.clientId()),
                connectionId,
                annotation.body());
    }
}
