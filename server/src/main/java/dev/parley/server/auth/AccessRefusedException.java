package dev.parley.server.auth;

/** Something else than access was asked of us, and is refused for the same kinds of reasons. */
public final class AccessRefusedException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient Access.Refused refused;

    public AccessRefusedException(Access.Refused refused) {
        super(refused.message());
        this.refused = refused;
    }

    AccessRefusedException(Access.Reason reason, String message) {
        this(new Access.Refused(reason, message));
    }

    public Access.Refused refused() {
        return refused;
    }
}
