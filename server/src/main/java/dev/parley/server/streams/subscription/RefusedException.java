package dev.parley.server.streams.subscription;

/** A request that gets an error for an answer. */
final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;

    RefusedException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    static RefusedException invalid(String message) {
        return new RefusedException(400, "INVALID_REQUEST", message);
    }

    static RefusedException notFound() {
        return new RefusedException(404, "SUBSCRIPTION_NOT_FOUND", "There is no such subscription.");
    }

    static RefusedException fenced() {
        return new RefusedException(409, "FENCED", "This wake is over; another one may be in other hands.");
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }
}
