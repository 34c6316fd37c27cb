package dev.parley.engine.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The outcome of a {@link SessionCommand}. With every outcome except the first of each family, nothing was changed. */
public sealed interface SessionOutcome {
    /** The outcome of a Publish. */
    sealed interface OfPublish extends OfRun {}

    /** The outcome of an EndRun. */
    sealed interface OfRun extends SessionOutcome {}

    /** The outcome of a ChangePresence. */
    sealed interface OfPresence extends SessionOutcome {}

    /** The outcome of a ChangeObjects. */
    sealed interface OfObjects extends SessionOutcome {}

    /** The outcome of an Annotate. */
    sealed interface OfAnnotate extends SessionOutcome {}

    /** The outcome of a ChangeControl. */
    sealed interface OfControl extends SessionOutcome {}

    /** The outcome of a Describe. */
    sealed interface OfDescribe extends SessionOutcome {}

    /** The outcome of a NameAgents. */
    sealed interface OfAgents extends SessionOutcome {}

    /** The outcome of an InvokeAgent. */
    sealed interface OfInvocation extends SessionOutcome {}

    /** The outcome of a ClaimWake. */
    sealed interface OfClaim extends SessionOutcome {}

    /** The outcome of a SettleWake. */
    sealed interface OfSettlement extends SessionOutcome {}

    /** The outcome of an Erase. */
    sealed interface OfErase extends SessionOutcome {}

    /** The outcome of a Fork. */
    sealed interface OfFork extends SessionOutcome {}

    /** The outcome of an Ask. */
    sealed interface OfAsk extends SessionOutcome {}

    /** The outcome of a Decide. */
    sealed interface OfDecide extends SessionOutcome {}

    /** The outcome of what answers a request, in a Decide or in a Publish. */
    sealed interface OfAnswer extends OfDecide, OfPublish {}

    /**
     * Everything is in the log, now or from an earlier request.
     *
     * @param positions one for each message or event; for a change, the new version; of a control, since when it is so; of a
     *     request, where it was asked or decided. 0 if the outcome of a request that was sent again is no longer known in detail
     */
    record Accepted(List<Long> positions)
            implements OfPublish, OfPresence, OfObjects, OfAnnotate, OfControl, OfAsk, OfDecide {}

    /**
     * The session is as it was described.
     *
     * @param made whether there was none before
     */
    record Described(boolean made) implements OfDescribe {}

    /** There is no session of this name. */
    record NoSuchSession() implements OfDescribe, OfErase, OfFork {}

    /** The session goes on from the other one, now or from an earlier request. */
    record Forked() implements OfFork {}

    /** There is a session of this name, or there was one, or something has happened in it. */
    record NotNew() implements OfFork {}

    /** The session was erased, now or before. */
    record Erased(Tombstone tombstone) implements OfErase {}

    /** The session would have more labels than the command allows. */
    record TooManyLabels(int labels) implements OfDescribe {}

    /** The command was done. */
    record Done() implements OfAgents, OfSettlement {}

    /** The agent has this to do, or will have it when it has done what it does now. */
    record Woken(String wakeId) implements OfInvocation {}

    /** Whoever has asked for it has this wake now. */
    record Claimed(Wake wake) implements OfClaim {}

    /** The agent has nothing to do, or somebody has its wake already, or it is not due yet. */
    record NothingToDo() implements OfClaim {}

    /** Somebody else has the wake by now, or it is no more. */
    record NotHeld(String wakeId) implements OfSettlement, OfPublish {}

    /** The session names no such agent. */
    record NoSuchAgent(String id) implements OfInvocation {}

    /** The session would name more agents than it may. */
    record TooManyAgents(int agents) implements OfAgents {}

    /** The run has ended already, or another connection works at it. */
    record NotAbandoned(String runId) implements OfRun {}

    /** There is no message with this serial. */
    record NoSuchMessage(long serial) implements OfPublish, OfAnnotate {}

    /** An annotation of this type needs a client id. */
    record Unidentified(String type) implements OfAnnotate {}

    /** The message would have more annotations than the command allows. */
    record TooManyAnnotations(long serial, int annotations) implements OfAnnotate {}

    /** The message belongs to another client. */
    record NotOwner(long serial) implements OfPublish {}

    /** The message was deleted, and this client may not undo that. No client can by an append. */
    record Deleted(long serial) implements OfPublish {}

    /** Text cannot be appended to bytes, nor bytes to text, nor anything to data that has an encoding of its own. */
    record TypeDiffers(long serial) implements OfPublish {}

    /** Agents say nothing in this session, because a person has the control. */
    record TakenOver(@Nullable String holder) implements OfPublish {}

    /** Another person has the control. */
    record Held(@Nullable String holder) implements OfControl {}

    /** There is another request with this id. */
    record OtherRequest(String requestId) implements OfAsk {}

    /** The session would have more open requests than it may have. */
    record TooManyRequests(int requests) implements OfAsk {}

    /** There is no request with this id. */
    record NoSuchRequest(String requestId) implements OfDecide {}

    /**
     * The request is closed, or the client has decided before.
     *
     * @param request as it was closed, or as it will be at its time, which is over
     */
    record AlreadyDecided(SessionRequest request) implements OfAnswer {}

    /** This client is not asked, or not in this way. */
    record NotAsked(String requestId) implements OfAnswer {}

    /** The message would be larger than the command allows, or has grown to its greatest size. */
    record TooLarge(long serial, long size) implements OfPublish {}

    /** An operation on an object was refused. */
    record ObjectRefused(ObjectRefusal refusal) implements OfObjects {}

    /** The session would have more members than the command allows. */
    record TooManyMembers(int members) implements OfPresence {}
}
