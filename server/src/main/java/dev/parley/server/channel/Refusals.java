package dev.parley.server.channel;

import dev.parley.conversation.WireForm;
import dev.parley.engine.CommandTooLargeException;
import dev.parley.engine.EngineStoppedException;
import dev.parley.engine.OverloadedException;
import dev.parley.engine.StorageFullException;
import dev.parley.engine.session.ObjectRefusal;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionRequest;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.util.Locale;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The errors that clients get when the gate or the engine refuses something. */
public final class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

    /** The code of a change of control that was refused, because another person has the control. */
    static final int HELD = 40_981;

    /** The code of what is asked for a wake under a lease that is not, or no longer, that of its holder. */
    public static final int NOT_HELD = 40_990;

    /** The code of an answer that was refused, because the request has its answer, or its time is over. */
    static final int ALREADY_DECIDED = 40_982;

    /** The code of an answer that was refused, because others are asked. */
    static final int NOT_ASKED = 40_983;

    private Refusals() {}

    /** Throws an error, if there is one. */
    public static void check(@Nullable ErrorInfo error) throws WireException {
        if (error != null) {
            throw new WireException(error);
        }
    }

    /** Who the gate lets in; throws the error if it refuses. */
    public static Principal granted(Access access) throws WireException {
        return switch (access) {
            case Access.Granted(Principal principal) -> principal;
            case Access.Refused refused -> throw new WireException(of(refused));
        };
    }

    /** The error for a refusal by the gate. */
    public static ErrorInfo of(Access.Refused refused) {
        return new ErrorInfo(refused.sessionCode(), refused.sessionStatus(), refused.message());
    }

    /** The error for a publish that was refused, or null if it was accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfPublish outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.NoSuchMessage n -> ErrorInfo.noSuchMessage();
            case SessionOutcome.NotOwner n ->
                new ErrorInfo(40160, 401, "These credentials do not allow changing messages of other clients.");
            case SessionOutcome.TypeDiffers t ->
                ErrorInfo.invalidData(
                        "Text is appended to text, and bytes are appended to bytes; nothing is appended to"
                                + " data with an encoding of its own, such as JSON or encrypted data.");
            case SessionOutcome.TooLarge(long serial, long size) -> ErrorInfo.grownTooLarge(size);
            case SessionOutcome.Deleted d -> ErrorInfo.MESSAGE_DELETED;
            case SessionOutcome.TakenOver(String holder) ->
                new ErrorInfo(
                        WireForm.TAKEN_OVER_ERROR,
                        409,
                        name(holder) + " has taken over; agents say nothing here until the control is given back.");
            case SessionOutcome.NotHeld(String wakeId) -> notHeld(wakeId);
            case SessionOutcome.OfAnswer answer -> of(answer);
        };
    }

    /** The error for what was not asked, or null if it was. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfAsk outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.OtherRequest(String id) ->
                ErrorInfo.invalidId(
                        "There is another request with the id " + id + "; leave the id out, or choose another.");
            case SessionOutcome.TooManyRequests(int requests) ->
                ErrorInfo.badRequest("The session has its greatest number of open requests, " + requests + ".");
        };
    }

    /** The error for a decision that was refused, or null if it was accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfDecide outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.NoSuchRequest(String id) ->
                ErrorInfo.notFound("There is no request with the id " + id + " in the session.");
            case SessionOutcome.OfAnswer answer -> of(answer);
        };
    }

    private static ErrorInfo of(SessionOutcome.OfAnswer outcome) {
        return switch (outcome) {
            case SessionOutcome.AlreadyDecided(SessionRequest request) ->
                new ErrorInfo(ALREADY_DECIDED, 409, outcome(request));
            case SessionOutcome.NotAsked(String id) ->
                new ErrorInfo(
                        NOT_ASKED,
                        403,
                        "The request " + id + " asks other clients, or for another kind of answer. What needs several"
                                + " decisions is decided at the session door.");
        };
    }

    /** Who has decided what, for whoever came too late. */
    private static String outcome(SessionRequest request) {
        if (request.isOpen()) {
            return "You have decided this request before; it needs others as well.";
        }
        String became = request.status().name().toLowerCase(Locale.ROOT);
        if (request.status() == SessionRequest.Status.WITHDRAWN) {
            return "The request was withdrawn, because nobody waits for its answer any longer.";
        }
        boolean enough = !request.decisions().isEmpty() && request.decided() == request.status();
        if (!enough) {
            return "The time of the request is over; it is " + became + ".";
        }
        String clientId = request.decisions().getLast().clientId();
        return (clientId == null ? "Somebody" : clientId) + " was first: the request is " + became + ".";
    }

    /** The error for a change of control that was refused, or null if it was accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfControl outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.Held(String holder) ->
                new ErrorInfo(
                        HELD,
                        409,
                        name(holder) + " has the control; to take it from a person needs the capability control-any.");
        };
    }

    /** The error for a change of presence that was refused, or null if it was accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfPresence outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.TooManyMembers(int members) -> ErrorInfo.tooManyMembers(members);
        };
    }

    /** The error for a change of objects that was refused, or null if it was accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfObjects outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.ObjectRefused(ObjectRefusal refusal) -> of(refusal);
        };
    }

    /** The error for annotations that were refused, or null if they were accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfAnnotate outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.NoSuchMessage n -> ErrorInfo.noSuchMessage();
            case SessionOutcome.Unidentified(String type) ->
                new ErrorInfo(40161, 401, "Annotations of the type " + type + " need a clientId: connect with one.");
            case SessionOutcome.TooManyAnnotations(long serial, int annotations) ->
                ErrorInfo.badRequest("The message has its greatest number of annotations, " + annotations + ".");
        };
    }

    /** The error for agents that were not named, or null if they were. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfAgents outcome) {
        return switch (outcome) {
            case SessionOutcome.Done d -> null;
            case SessionOutcome.TooManyAgents(int agents) ->
                ErrorInfo.badRequest("A session names at most " + agents + " agents.");
        };
    }

    /** The error for a wake that was not settled, or null if it was. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfSettlement outcome) {
        return switch (outcome) {
            case SessionOutcome.Done d -> null;
            case SessionOutcome.NotHeld(String wakeId) -> notHeld(wakeId);
        };
    }

    private static ErrorInfo notHeld(String wakeId) {
        return new ErrorInfo(
                NOT_HELD,
                409,
                "The wake " + wakeId + " is not held under this lease: somebody else has it, or it is over.");
    }

    private static String name(@Nullable String holder) {
        return holder == null ? "A person" : holder;
    }

    private static ErrorInfo of(ObjectRefusal refusal) {
        String id = refusal.objectId();
        return switch (refusal.reason()) {
            case NOT_FOUND -> new ErrorInfo(92004, 404, "There is no object " + id + " in this channel.");
            case DELETED -> new ErrorInfo(92002, 400, "The object " + id + " was deleted.");
            case WRONG_KIND ->
                ErrorInfo.invalidObjectMessage("The object " + id + " is not of a kind with which this can be done.");
            case TOO_MANY_OBJECTS -> limit("The channel has its greatest number of objects.");
            case TOO_MANY_KEYS -> limit("The map " + id + " has its greatest number of keys.");
            case VALUE_TOO_LARGE -> limit("A key or value for the map " + id + " is too large.");
            case SESSION_FULL -> limit("The objects of the channel have reached their greatest size; remove some.");
            case OUT_OF_RANGE -> ErrorInfo.invalidValue("The counter " + id + " would leave the range of numbers.");
        };
    }

    private static ErrorInfo limit(String message) {
        return new ErrorInfo(92001, 400, message);
    }

    /** The error for a command that the engine did not accept. */
    public static ErrorInfo because(@Nullable Throwable engineFailure) {
        return switch (engineFailure) {
            case OverloadedException e -> ErrorInfo.TOO_MANY_REQUESTS;
            case EngineStoppedException e -> ErrorInfo.STOPPING;
            case StorageFullException e -> ErrorInfo.STORAGE_FULL;
            case TimeoutException e ->
                new ErrorInfo(50003, 504, "The request was executed, but not all that follows from it in time.");
            case CommandTooLargeException e ->
                new ErrorInfo(40009, 413, "The request is larger than a record of the journal may be; divide it.");
            case null, default -> {
                LOG.error("The engine failed a command", engineFailure);
                yield ErrorInfo.INTERNAL;
            }
        };
    }
}
