package dev.parley.server.auth;

/** The answer of the gate. */
public sealed interface Access {

    /** Access is granted to {@code principal}. */
    record Granted(Principal principal) implements Access {}

    /**
     * Access is refused.
     *
     * @param message tells the client why; contains no secret
     * @param keyName the name of the key in the credentials, if it has the form of one; otherwise empty
     */
    record Refused(Reason reason, String message, String keyName) implements Access {

        /** The value of the header WWW-Authenticate in answers with status 401. */
        public static final String CHALLENGE = "Bearer realm=\"parley\"";

        public Refused(Reason reason, String message) {
            this(reason, message, "");
        }

        /**
         * The status that the streams door answers with: 401 if other credentials are needed, 403 if the credentials
         * are valid but not sufficient.
         */
        public int status() {
            return reason.status;
        }

        /** The code that the streams door answers with and that is logged, in upper case. */
        public String code() {
            return reason.code;
        }

        /** The status that the doors of sessions answer with. */
        public int sessionStatus() {
            return reason.sessionStatus;
        }

        /** The code that the doors of sessions answer with, a number of Ably's protocol. */
        public int sessionCode() {
            return reason.sessionCode;
        }

        static Refused invalid(String message) {
            return new Refused(Reason.INVALID_CREDENTIALS, message);
        }

        static Refused forbidden(CapabilityOp operation, String resource) {
            return new Refused(
                    Reason.FORBIDDEN,
                    "These credentials do not allow the operation " + operation.wireName() + " " + resource + ".");
        }
    }

    /** The reason for a refusal, with the codes that it has on both families of doors. */
    enum Reason {
        /** There are no credentials. */
        UNAUTHENTICATED(401, "UNAUTHENTICATED", 401, 40101),
        /** The credentials are not a known key, and do not have the form of a token. */
        INVALID_CREDENTIALS(401, "INVALID_CREDENTIALS", 401, 40101),
        /** The token is signed with a key that this server does not have. */
        UNKNOWN_KEY(401, "INVALID_CREDENTIALS", 404, 40400),
        /** The token cannot be read, or was not signed by the key that it names. */
        INVALID_TOKEN(401, "INVALID_CREDENTIALS", 401, 40144),
        /** The token has expired. */
        TOKEN_EXPIRED(401, "TOKEN_EXPIRED", 401, 40142),
        /** The token was revoked. */
        TOKEN_REVOKED(401, "TOKEN_REVOKED", 401, 40141),
        /** The credentials are valid, but do not allow this operation here. */
        FORBIDDEN(403, "FORBIDDEN", 401, 40160),
        /** The credentials are valid, but do not allow the client id that the client claims. */
        WRONG_CLIENT_ID(403, "WRONG_CLIENT_ID", 401, 40102),
        /** The request is invalid. */
        BAD_REQUEST(400, "BAD_REQUEST", 400, 40003),
        /** The capability cannot be parsed. */
        BAD_CAPABILITY(400, "BAD_CAPABILITY", 400, 40000),
        /** The client id is not valid for anybody. */
        BAD_CLIENT_ID(400, "BAD_CLIENT_ID", 400, 40012),
        /** The timestamp of the token request is too far from the server's clock. */
        STALE_REQUEST(401, "STALE_REQUEST", 401, 40104),
        /** The token request was used before. */
        REPLAYED_REQUEST(401, "REPLAYED_REQUEST", 401, 40105),
        /** The operation needs a key, not a token. */
        KEY_NEEDED(401, "KEY_NEEDED", 401, 40162),
        /** Only the key that signed the tokens may do this. */
        WRONG_KEY(401, "WRONG_KEY", 401, 40133),
        /** The key may not revoke its tokens. */
        NOT_REVOCABLE(403, "NOT_REVOCABLE", 401, 40163),
        /** The keys of the identity provider are not known at the moment. The request may succeed later. */
        IDENTITY_UNAVAILABLE(503, "IDENTITY_UNAVAILABLE", 503, 50003),
        /** A limit of the server is reached. The request may succeed later. */
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
