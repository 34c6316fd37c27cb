package dev.parley.server.wire;

/** Something that a client asked for is refused; it is told the error. */
public final class WireException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient ErrorInfo error;

    /** Refused for this reason. */
    public WireException(ErrorInfo error) {
        // Made for answers and not for logs: where it was thrown is of no interest.
        super(error.message(), null, false, false);
        this.error = error;
    }

    /** What to tell the client. */
    public ErrorInfo error() {
        return error;
    }
}
