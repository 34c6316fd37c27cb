package dev.parley.server.auth;

/** The gate's answer. */
public sealed interface Access {

    /** Yes, and who it is. */
    record Granted(Principal principal) implements Access {}

    /**
     * No, and what to tell the client.
     *
     * @param status 401: show (other) credentials; 403: these do not suffice
     * @param code for programs, in upper case
     * @param message for people; holds no secret
     */
    record Refused(int status, String code, String message) implements Access {

        /** The value of the header WWW-Authenticate that goes with status 401. */
        public static final String CHALLENGE = "Bearer realm=\"parley\"";

        static Refused unauthenticated(String message) {
            return new Refused(401, "UNAUTHENTICATED", message);
        }

        static Refused invalid(String message) {
            return new Refused(401, "INVALID_CREDENTIALS", message);
        }

        static Refused expired() {
            return new Refused(401, "TOKEN_EXPIRED", "The token has expired.");
        }

        static Refused forbidden(Operation operation, String resource) {
            return new Refused(
                    403,
                    "FORBIDDEN",
                    "These credentials do not allow to " + operation.wireName() + " " + resource + ".");
        }
    }
}
