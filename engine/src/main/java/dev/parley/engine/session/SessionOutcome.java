package dev.parley.engine.session;

import java.util.List;

/** What became of a {@link SessionCommand}. Everything but the first of each family changed nothing. */
public sealed interface SessionOutcome {
    /** What may become of a Publish. */
    sealed interface OfPublish extends OfRun {}

    /** What may become of an EndRun. */
    sealed interface OfRun extends SessionOutcome {}

    /** What may become of a ChangePresence. */
    sealed interface OfPresence extends SessionOutcome {}

    /** What may become of a ChangeObjects. */
    sealed interface OfObjects extends SessionOutcome {}

    /** What may become of an Annotate. */
    sealed interface OfAnnotate extends SessionOutcome {}

    /**
     * It is in the log; also if it was there before.
     *
     * @param positions one for each message or event; for a change the new version. 0 where the outcome of a request
     *     that was sent again is no longer known in detail
     */
    record Accepted(List<Long> positions) implements OfPublish, OfPresence, OfObjects, OfAnnotate {}

    /** Nothing left to say. */
    record Done() implements SessionOutcome {}

    /** The run has ended already, or another connection works at it. */
    record NotAbandoned(String runId) implements OfRun {}

    /** There is no message with this serial. */
    record NoSuchMessage(long serial) implements OfPublish, OfAnnotate {}

    /** Nobody can make an annotation of this type without a client id. */
    record Unidentified(String type) implements OfAnnotate {}

    /** The message would have more annotations than the command allows. */
    record TooManyAnnotations(long serial, int annotations) implements OfAnnotate {}

    /** The message is somebody else's. */
    record NotOwner(long serial) implements OfPublish {}

    /** The message was deleted, and who changes it may not undo that; nobody can by an append. */
    record Deleted(long serial) implements OfPublish {}

    /** Text cannot be appended to bytes, nor bytes to text, nor anything to data with an encoding of its own. */
    record TypeDiffers(long serial) implements OfPublish {}

    /** The message would be larger than the command allows, or has grown as far as it may. */
    record TooLarge(long serial, long size) implements OfPublish {}

    /** An operation on an object cannot be done. */
    record ObjectRefused(ObjectRefusal refusal) implements OfObjects {}

    /** The session would have more members than the command allows. */
    record TooManyMembers(int members) implements OfPresence {}
}
