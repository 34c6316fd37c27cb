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
 * All of a message but its content, which may be large: enough to judge a change and to take an append.
 *
 * @param version position of the newest version
 * @param previous position of the version before, or 0
 * @param action CREATE until somebody has changed the message, then UPDATE or DELETE
 * @param unique whether {@code id} is the client's own
 * @param base while the message is in pieces: the version with which they begin; else 0
 * @param pieces how many pieces there are, or 0 if the content is whole
 * @param older roughly what its older versions take, in bytes
 * @param annotated whether the message ever had annotations
 * @param grown whether appends made the newest version; those that follow then make one version with it
 * @param shape what the content measures
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
    /** What a row takes besides the content. */
    private static final int ROW_BYTES = 64;

    /**
     * What a content measures.
     *
     * @param data length of the data in bytes, or -1 without data
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
         * True if {@code fragment} can be joined to data of this shape: nothing but plain text and plain bytes is still
         * what it was with more behind it.
         */
        boolean takes(Body fragment) {
            Data more = fragment.data();
            if (more == null) {
                return fragment.encoding() == null;
            }
            return encoding == 0 && (data < 0 || (more.text() == text && fragment.encoding() == null));
        }

        /** Data that changes nothing when it is appended, or null if only an append without data does that. */
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
     * True if it is the message of who changes it now: by name, or without one by the connection that published it.
     *
     * @param by the connection that changes it, if there is one
     */
    boolean isOf(Operation change, @Nullable String by) {
        return clientId == null ? by != null && by.equals(connectionId) : clientId.equals(change.clientId());
    }

    /** Roughly what all of the message takes, in bytes. */
    public long stored() {
        return older + shape.size() + (long) ROW_BYTES * Math.max(1, pieces);
    }

    /** The head after {@code change}, which makes version {@code position}. */
    Head changed(Change change, long position) {
        boolean append = change.action() == Action.APPEND;
        boolean begins = append && !inPieces();
        // What was not made by appends stays as a version of its own.
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

    /** The head once the pieces are joined. */
    Head joined() {
        return with(0, 0, annotated);
    }

    /** The head once there are annotations. */
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

    /** What a reader sees when the message's annotations have changed. */
    public SummaryEntry summary(long at, Summaries summaries) {
        return new SummaryEntry(at, serial, id, clientId, shape.name(), summaries);
    }

    /** What a reader sees of the newest version, given its content. */
    MessageEntry entry(Body body) {
        return entry(version, action, previous, body, operation);
    }

    /** What a reader sees of another version. */
    MessageEntry entry(long at, Action what, long before, Body body, @Nullable Operation by) {
        return new MessageEntry(at, what, serial, before, id, clientId, connectionId, body, by);
    }
}
