package dev.parley.engine.session.message;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.SummaryEntry;
import org.jspecify.annotations.Nullable;

/**
 * A message without its content, which may be large: enough to check a change and to accept an append.
 *
 * @param version the position of the newest version
 * @param previous the position of the version before, or 0
 * @param action CREATE until a client changes the message, then UPDATE or DELETE
 * @param unique whether the client has chosen {@code id}
 * @param base the version with which the pieces begin, if the message is in pieces; otherwise 0
 * @param pieces the number of pieces, or 0 if the content is whole
 * @param older the size of the older versions in bytes, roughly
 * @param annotated whether the message ever had annotations
 * @param grown whether appends made the newest version; further appends then belong to the same version
 * @param shape the measures of the content
 */
public record Head(
        long serial,
        long version,
        long previous,
        Action action,
        @Nullable String id,
        boolean unique,
        @Nullable String clientId,
        @Nullable String connectionId,
        @Nullable Operation operation,
        long base,
        int pieces,
        long older,
        boolean annotated,
        boolean grown,
        Shape shape) {
    /** The size of a row besides the content. */
    private static final int ROW_BYTES = 64;

    /**
     * The measures of a content.
     *
     * @param data the length of the data in bytes, or -1 if there is none
     */
    public record Shape(@Nullable String name, int data, boolean text, int encoding, int extras) {
        static Shape of(Body body) {
            Data data = body.data();
            return new Shape(
                    body.name(),
                    data == null ? -1 : data.bytes().length,
                    data != null && data.text(),
                    length(body.encoding()),
                    length(body.extras()));
        }

        private static int length(@Nullable String text) {
            return text == null ? 0 : text.length();
        }

        long size() {
            return (long) length(name) + Math.max(0, data) + encoding + extras;
        }

        /**
         * Whether {@code fragment} can be appended to data of this shape. Only plain text and plain bytes keep their
         * meaning if something is appended.
         */
        boolean takes(Body fragment) {
            Data more = fragment.data();
            if (more == null) {
                return fragment.encoding() == null;
            }
            return encoding == 0 && (data < 0 || (more.text() == text && fragment.encoding() == null));
        }

        /** Data that changes nothing when it is appended, or null if only an append without data changes nothing. */
        public @Nullable Data nothingToAppend() {
            return data < 0 || encoding != 0 ? null : new Data(new byte[0], text);
        }

        Shape mixedWith(Body change, boolean joined) {
            Data more = change.data();
            return new Shape(
                    change.name() == null ? name : change.name(),
                    more == null ? data : more.bytes().length + (joined ? Math.max(0, data) : 0),
                    more == null ? text : more.text(),
                    more == null ? encoding : length(change.encoding()),
                    change.extras() == null ? extras : change.extras().length());
        }
    }

    static Head of(Create message, long serial) {
        return new Head(
                serial,
                serial,
                0,
                Action.CREATE,
                message.id(),
                message.unique(),
                message.clientId(),
                message.connectionId(),
                null,
                0,
                0,
                0,
                false,
                false,
                Shape.of(message.body()));
    }

    boolean inPieces() {
        return pieces > 0;
    }

    /** Whether the newest version is a deletion. */
    public boolean isDeleted() {
        return action == Action.DELETE;
    }

    /**
     * Whether the message belongs to the client that changes it: by the client id, or without one by the connection
     * that published it.
     *
     * @param by the connection that changes it, if there is one
     */
    boolean isOf(Operation change, @Nullable String by) {
        return clientId == null ? by != null && by.equals(connectionId) : clientId.equals(change.clientId());
    }

    /** The size of all of the message in bytes, roughly. */
    public long stored() {
        return older + shape.size() + (long) ROW_BYTES * Math.max(1, pieces);
    }

    /** The head after {@code change}, whose version is {@code position}. */
    Head changed(Change change, long position) {
        boolean append = change.action() == Action.APPEND;
        boolean begins = append && !inPieces();
        // A version that was not made by appends stays a version of its own.
        boolean keeps = !append || (begins && !grown);
        return new Head(
                serial,
                position,
                version,
                append ? Action.UPDATE : change.action(),
                id,
                unique,
                clientId,
                connectionId,
                change.operation(),
                append ? (begins ? version : base) : 0,
                append ? (begins ? 2 : pieces + 1) : 0,
                keeps ? older + ROW_BYTES + shape.size() : older,
                annotated,
                append,
                shape.mixedWith(change.body(), append));
    }

    /** The head after the pieces were joined. */
    Head joined() {
        return with(0, 0, annotated);
    }

    /** The head of a message with annotations. */
    Head withAnnotations() {
        return with(base, pieces, true);
    }

    private Head with(long nowBase, int nowPieces, boolean nowAnnotated) {
        return new Head(
                serial,
                version,
                previous,
                action,
                id,
                unique,
                clientId,
                connectionId,
                operation,
                nowBase,
                nowPieces,
                older,
                nowAnnotated,
                grown,
                shape);
    }

    /** The entry that readers get when the message's annotations have changed. */
    public SummaryEntry summary(long at, Summaries summaries) {
        return new SummaryEntry(at, serial, id, clientId, shape.name(), summaries);
    }

    /** The entry for the newest version, with its content. */
    MessageEntry entry(Body body) {
        return entry(version, action, previous, body, operation);
    }

    /** The entry for another version. */
    MessageEntry entry(long at, Action what, long before, Body body, @Nullable Operation by) {
        return new MessageEntry(at, what, serial, before, id, clientId, connectionId, body, by);
    }
}
