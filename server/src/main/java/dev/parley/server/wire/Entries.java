package dev.parley.server.wire;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.SummaryEntry;

/** Writes entries of a session in the form of the protocols. */
public final class Entries {
    private Entries() {}

    /** Writes a message for frames and REST bodies. */
    public static void write(WireWriter to, MessageEntry message) {
        String serial = Serials.render(message.serial());
        to.beginObject()
                .field("id", message.id())
                .field("clientId", message.clientId())
                .field("connectionId", message.connectionId())
                .field("timestamp", Positions.millis(message.serial()))
                .field("action", action(message.action()).number())
                .field("serial", serial);
        if (message.position() != message.serial()) {
            Operation operation = message.operation();
            to.name("version")
                    .beginObject()
                    .field("serial", Serials.render(message.position()))
                    .field("timestamp", Positions.millis(message.position()));
            if (operation != null) {
                to.field("clientId", operation.clientId())
                        .field("description", operation.description())
                        .jsonField("metadata", operation.metadata());
            }
            to.endObject();
        }
        Bodies.write(to, message.body());
        Summaries summaries = message.summaries();
        if (summaries != null) {
            AnnotationSummaries.write(to, summaries);
        }
        to.endObject();
    }

    /**
     * Writes a summary of a message's annotations as a message that changes nothing else. It carries the name of its
     * message, so that clients give it to those who subscribe to this name.
     */
    static void write(WireWriter to, SummaryEntry summary) {
        to.beginObject()
                .field("id", summary.id())
                .field("clientId", summary.clientId())
                .field("timestamp", Positions.millis(summary.serial()))
                .field("action", InboundMessage.Action.SUMMARY.number())
                .field("serial", Serials.render(summary.serial()))
                .field("name", summary.name());
        AnnotationSummaries.write(to, summary.summaries());
        to.endObject();
    }

    /** Writes an annotation for frames and REST bodies. */
    public static void write(WireWriter to, AnnotationEntry annotation) {
        to.beginObject()
                .field("id", annotation.id())
                .field("action", annotation.action() == AnnotationEntry.Action.DELETE ? 1 : 0)
                .field("clientId", annotation.clientId())
                .field("connectionId", annotation.connectionId())
                .field("timestamp", Positions.millis(annotation.position()))
                .field("serial", Serials.render(annotation.position()))
                .field("messageSerial", Serials.render(annotation.serial()))
                .field("type", annotation.type());
        if (annotation.count() > 0) {
            to.field("count", annotation.count());
        }
        Bodies.write(to, annotation.body());
        to.endObject();
    }

    private static InboundMessage.Action action(MessageEntry.Action action) {
        return switch (action) {
            case CREATE -> InboundMessage.Action.CREATE;
            case UPDATE -> InboundMessage.Action.UPDATE;
            case DELETE -> InboundMessage.Action.DELETE;
            case APPEND -> InboundMessage.Action.APPEND;
        };
    }

    /** Writes a presence event or member for frames and REST bodies. */
    public static void write(WireWriter to, PresenceEntry event) {
        to.beginObject()
                .field("id", event.id())
                .field("action", PresenceActions.number(event.action()))
                .field("clientId", event.clientId())
                .field("connectionId", event.connectionId())
                .field("timestamp", Positions.millis(event.position()));
        Bodies.write(to, event.body());
        to.endObject();
    }
}
