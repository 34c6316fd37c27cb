package dev.parley.server.auth;

/** The gate's answer. */
public sealed interface Access {

    /** Yes, and who it is. */
    record Granted(Principal principal) implements Access {}

    /**
     * No, and what to tell the client.
     *
     * @param message for people; holds no secret
     * @param keyName the key that was named, if it looked like one; else empty
     */
    record Refused(Reason reason, String message, String keyName) implements Access {

        /** The value of the header WWW-Authenticate that goes with status 401. */
        public static final String CHALLENGE = "Bearer realm=\"parley\"";

        public Refused(Reason reason, String message) {
            this(reason, message, "");
        }

        /** Status of the streams door. 401: show (other) credentials; 403: these do not suffice. */
        public int status() {
            return reason.status;
        }

        /** Code of the streams door and of our log, for programs, in upper case. */
        public String code() {
            return reason.code;
        }

        /** Status on the doors of sessions. */
        public int sessionStatus() {
            return reason.sessionStatus;
        }

        /** Code on the doors of sessions, a number of the Ably protocol. */
        public int sessionCode() {
            return reason.sessionCode;
        }

        static Refused invalid(String message) {
            return new Refused(Reason.INVALID_CREDENTIALS, message);
        }

        static Refused forbidden(CapabilityOp operation, String resource) {
            return new Refused(
                    Reason.FORBIDDEN,
                    "These credentials do not allow to " + operation.wireName() + " " + resource + ".");
        }
    }

    /** Why not, in the numbers of either family of doors. */
    enum Reason {
        /** No credentials were shown. */
        UNAUTHENTICATED(401, "UNAUTHENTICATED", 401, 40101),
        /** They are no known key, or nothing that could be a token. */
        INVALID_CREDENTIALS(401, "INVALID_CREDENTIALS", 401, 40101),
        /** A token of a key that we do not have. */
        UNKNOWN_KEY(401, "INVALID_CREDENTIALS", 404, 40400),
        /** A token that cannot be read, or was not signed by the key that it names. */
        INVALID_TOKEN(401, "INVALID_CREDENTIALS", 401, 40144),
        /** A token that was good. */
        TOKEN_EXPIRED(401, "TOKEN_EXPIRED", 401, 40142),
        /** A token that was taken back. */
        TOKEN_REVOKED(401, "TOKEN_REVOKED", 401, 40141),
        /** Known, but not allowed to do this here. */
        FORBIDDEN(403, "FORBIDDEN", 401, 40160),
        /** Known, but not under the client id that is claimed. */
        WRONG_CLIENT_ID(403, "WRONG_CLIENT_ID", 401, 40102),
        /** What was asked for makes no sense. */
        BAD_REQUEST(400, "BAD_REQUEST", 400, 40003),
        /** A capability that says nothing. */
        BAD_CAPABILITY(400, "BAD_CAPABILITY", 400, 40000),
        /** A client id that nobody can have. */
        BAD_CLIENT_ID(400, "BAD_CLIENT_ID", 400, 40012),
        /** A token request from another time. */
        STALE_REQUEST(401, "STALE_REQUEST", 401, 40104),
        /** A token request that was made before. */
        REPLAYED_REQUEST(401, "REPLAYED_REQUEST", 401, 40105),
        /** Only the key itself may do this, not its tokens. */
        KEY_NEEDED(401, "KEY_NEEDED", 401, 40162),
        /** Only the key that issued the tokens may do this. */
        WRONG_KEY(401, "WRONG_KEY", 401, 40133),
        /** The key's tokens cannot be revoked. */
        NOT_REVOCABLE(403, "NOT_REVOCABLE", 401, 40163),
        /** One of our bounds is reached; later it may work. */
        TOO_MANY(429, "TOO_MANY", 429, 42910);

        private final int status;
        private final String code;
        private final int sessionStatus;
        private final int sessionCode;

        Reason(int status, String code, int sessionStatus, int sessionCode) {
            this.status = status;
            this.code = code;
            this.sessionStatus = sessionStatus;
            this.sessionCode = sessionCode;
        }
    }
}
