package dev.parley.engine.memory;

/**
 * Whose memory is counted together.
 *
 * @param app the app; empty for clients without credentials
 * @param principal a principal of the app, or empty for the app as a whole; the address of clients without credentials
 */
public record Owner(String app, String principal) {
    /** Whether these are clients without credentials, which are known by their address only. */
    public boolean isAddress() {
        return app.isEmpty();
    }

    /** The number of characters of the names. */
    public int chars() {
        return app.length() + principal.length();
    }

    /** Whether what is held by {@code other} also counts for this owner. */
    public boolean includes(Owner other) {
        return equals(other) || (!isAddress() && principal.isEmpty() && app.equals(other.app));
    }

    /** The app as a whole; the same owner for clients without credentials. */
    public Owner whole() {
        return isAddress() ? this : new Owner(app, "");
    }
}
