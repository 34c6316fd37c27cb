package dev.parley.server.auth;

import org.jspecify.annotations.Nullable;

/**
 * Who makes a request, in the server's own words.
 *
 * @param keyName the key that was shown or that signed the token; empty for the anonymous user of an open server
 * @param clientId the name that the token gives its bearer, if any
 */
public record Principal(String keyName, @Nullable String clientId, Capabilities capabilities) {

    /** Everybody, on a server without configured keys. */
    public static final Principal ANONYMOUS = new Principal("", null, Capabilities.ALL);

    public boolean may(Operation operation, String resource) {
        return capabilities.allows(operation, resource);
    }

    public boolean isAnonymous() {
        return keyName.isEmpty();
    }
}
