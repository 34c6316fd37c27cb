package dev.parley.client;

import java.security.cert.CertificateException;
import org.jspecify.annotations.Nullable;

/**
 * What went wrong, as one of the nested classes. Each says by {@link #retryHelps} whether the same call may succeed a little
 * later.
 */
public abstract sealed class ParleyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** See {@link #code()}. */
    private final int code;
    /** See {@link #statusCode()}. */
    private final int statusCode;
    /** See {@link #reason()}. */
    private final String reason;
    /** See {@link #retryHelps()}. */
    private final boolean retryHelps;

    private ParleyException(
            int code,
            int statusCode,
            String reason,
            @Nullable String message,
            @Nullable Throwable cause,
            boolean retryHelps) {
        super(message, cause);
        this.code = code;
        this.statusCode = statusCode;
        this.reason = reason;
        this.retryHelps = retryHelps;
    }

    /**
     * {@return the number of the error, such as 40160; those of the doors of sessions are Ably's} Of an error of the
     * streams door it is the HTTP status times 100.
     */
    public int code() {
        return code;
    }

    /** {@return the HTTP status that goes with the error, such as 409; 0 if the server has not answered} */
    public int statusCode() {
        return statusCode;
    }

    /** {@return the error in a word: of the streams door its code, such as {@code SEQ_GAP}, otherwise the number as text} */
    public String reason() {
        return reason;
    }

    /** {@return whether the same call may succeed a little later, although nothing is changed by then} */
    public boolean retryHelps() {
        return retryHelps;
    }

    /** The server has refused the request; nothing has changed by it. */
    public static final class Refused extends ParleyException {
        private static final long serialVersionUID = 1L;

        Refused(int code, int statusCode, String reason, String message) {
            super(code, statusCode, reason, message, null, statusCode == 429 || statusCode >= 500);
        }
    }

    /** The credentials are not valid, or do not allow what was asked for. Nothing has changed by the request. */
    public static final class AccessDenied extends ParleyException {
        private static final long serialVersionUID = 1L;

        AccessDenied(int code, int statusCode, String reason, String message, @Nullable Throwable cause) {
            super(code, statusCode, reason, message, cause, false);
        }
    }

    /**
     * The server cannot be reached, or does not answer in the way of a Parley server. What was asked for has no effect, or can
     * be asked for again without having two. That helps, unless the certificate of the server is not trusted.
     */
    public static final class Unreachable extends ParleyException {
        private static final long serialVersionUID = 1L;

        Unreachable(String message, @Nullable Throwable cause) {
            super(80000, 0, "80000", message, cause, !isDistrust(cause));
        }

        /** Whether the certificate of the server is not trusted, or is not one of its name. */
        static boolean isDistrust(@Nullable Throwable failure) {
            for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                if (cause instanceof CertificateException) {
                    return true;
                }
            }
            return false;
        }
    }

    /**
     * The request was sent, and it can no longer be learnt whether it has had its effect: the connection was gone for longer
     * than the server remembers requests. Look at the session, for example with {@link Session#message}, before you repeat it.
     */
    public static final class OutcomeUnknown extends ParleyException {
        private static final long serialVersionUID = 1L;

        OutcomeUnknown(String message) {
            super(80002, 0, "80002", message, null, false);
        }
    }

    /**
     * The answer has not come within {@link ClientOptions#requestTimeout()}. A request over the connection is still being
     * sent, and has its effect once as soon as the server is back; it must not be repeated.
     */
    public static final class TimedOut extends ParleyException {
        private static final long serialVersionUID = 1L;

        TimedOut(String message, @Nullable Throwable cause) {
            super(50003, 0, "50003", message, cause, false);
        }
    }

    /** The client was closed, or the session was detached, before the answer came. */
    public static final class Closed extends ParleyException {
        private static final long serialVersionUID = 1L;

        Closed(String message) {
            super(80017, 0, "80017", message, null, false);
        }
    }

    /**
     * The thread was interrupted while it waited; its interrupt flag is set. As with {@link TimedOut}, a request over the
     * connection is still being sent.
     */
    public static final class Interrupted extends ParleyException {
        private static final long serialVersionUID = 1L;

        Interrupted(InterruptedException cause) {
            super(0, 0, "interrupted", "The thread was interrupted while it waited for the server.", cause, false);
        }
    }
}
