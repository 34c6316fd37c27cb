package dev.parley.server.auth;

/** A request about tokens or keys is refused, for one of the reasons for which access is refused. */
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
