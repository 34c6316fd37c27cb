package dev.parley.server.wire;

/** A request of a client is refused, and the client is told the error. */
public final class WireException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient ErrorInfo error;

    /** Refused for this reason. */
    public WireException(ErrorInfo error) {
        // The exception is for answers and not for logs, so it needs no stack trace.
        super(error.message(), null, false, false);
        this.error = error;
    }

    /** The error for the client. */
    public ErrorInfo error() {
        return error;
    }
}
