package dev.parley.server.channel;

import dev.parley.engine.CommandTooLargeException;
import dev.parley.engine.EngineStoppedException;
import dev.parley.engine.OverloadedException;
import dev.parley.engine.StorageFullException;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.server.auth.Access;
import dev.parley.server.wire.ErrorInfo;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What clients are told when something is refused behind the doors. */
public final class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

    private Refusals() {}

    /** Refused by the gate. */
    public static ErrorInfo of(Access.Refused refused) {
        return new ErrorInfo(refused.sessionCode(), refused.sessionStatus(), refused.message());
    }

    /** What is wrong with what was to be published; null if it is accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfPublish outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.NoSuchMessage n ->
                ErrorInfo.notFound("There is no message with this serial; it may be older than messages are kept.");
            case SessionOutcome.NotOwner n ->
                new ErrorInfo(
                        40160, 401, "The message is somebody else's, and these credentials do not allow to change it.");
            case SessionOutcome.TypeDiffers t ->
                ErrorInfo.invalidData("Text is appended to text, and bytes are appended to bytes.");
            case SessionOutcome.TooLarge(long serial, long size) ->
                ErrorInfo.tooLarge(size, Publishing.MAX_GROWN_BYTES);
        };
    }

    /** What is wrong with a change of presence; null if it is accepted. */
    public static @Nullable ErrorInfo of(SessionOutcome.OfPresence outcome) {
        return switch (outcome) {
            case SessionOutcome.Accepted a -> null;
            case SessionOutcome.TooManyMembers(int members) -> ErrorInfo.tooManyMembers(members);
        };
    }

    /** The engine did not take a command. */
    public static ErrorInfo because(@Nullable Throwable engineFailure) {
        return switch (engineFailure) {
            case OverloadedException e -> ErrorInfo.TOO_MANY_REQUESTS;
            case EngineStoppedException e -> ErrorInfo.STOPPING;
            case StorageFullException e -> ErrorInfo.STORAGE_FULL;
            case CommandTooLargeException e ->
                new ErrorInfo(40009, 413, "This is more than the journal takes at once; split it up.");
            case null, default -> {
                LOG.error("The engine failed a command", engineFailure);
                yield ErrorInfo.INTERNAL;
            }
        };
    }
}
