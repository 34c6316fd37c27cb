package dev.parley.server.auth;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An authenticated client.
 *
 * @param app the app whose sessions can be reached; empty for the anonymous user of open streams
 * @param keyName the name of the key in the request, or of the key that signed the token; empty for the anonymous user
 *     of open streams, and for visitors of sessions, who have shown nothing
 * @param clientId the client id of the bearer: null if there is none, {@link #ANY_CLIENT} if the bearer may choose one
 * @param issued when the token was issued; null for a key
 * @param expires when the token expires; null for a key
 * @param revocationKey the group of tokens to which the token belongs for {@link Revocations}
 * @param roles what the token says that its bearer is, which counts where somebody asks for a role
 */
public record Principal(
        String app,
        String keyName,
        @Nullable String clientId,
        Capabilities capabilities,
        @Nullable Instant issued,
        @Nullable Instant expires,
        @Nullable String revocationKey,
        List<String> roles) {
    /** The greatest number of roles of one token. */
    public static final int MAX_ROLES = 32;

    /** The longest role. */
    public static final int MAX_ROLE_CHARS = 64;

    /** Nobody says what the client is. */
    public Principal(
            String app,
            String keyName,
            @Nullable String clientId,
            Capabilities capabilities,
            @Nullable Instant issued,
            @Nullable Instant expires,
            @Nullable String revocationKey) {
        this(app, keyName, clientId, capabilities, issued, expires, revocationKey, List.of());
    }

    /** The client id of bearers who may choose any client id. */
    public static final String ANY_CLIENT = "*";

    /** Everybody, on a server without configured keys. For streams only. */
    public static final Principal ANONYMOUS = new Principal("", "", null, Capabilities.ALL, null, null, null);

    /** Somebody without credentials, whom a server that only this machine can reach admits to the sessions of {@code app}. */
    public static Principal visitor(String app) {
        return new Principal(app, "", ANY_CLIENT, Capabilities.ALL, null, null, null);
    }

    static Principal of(ApiKey key) {
        return new Principal(key.app(), key.name(), ANY_CLIENT, key.capabilities(), null, null, null);
    }

    /**
     * Whether the capabilities allow an operation.
     *
     * @param resource the path of a stream or the name of a session, depending on the operation
     */
    public boolean may(CapabilityOp operation, String resource) {
        return capabilities.allows(operation, resource);
    }

    /**
     * The same principal under the client id that the client claims beside its credentials.
     *
     * @param claimed null if it claims none
     */
    Access as(@Nullable String claimed) {
        if (claimed == null || claimed.equals(clientId)) {
            return new Access.Granted(this);
        }
        if (claimed.isEmpty() || claimed.length() > Tokens.MAX_CLIENT_ID_CHARS || claimed.equals(ANY_CLIENT)) {
            return new Access.Refused(
                    Access.Reason.BAD_CLIENT_ID,
                    "A client id has 1 to " + Tokens.MAX_CLIENT_ID_CHARS + " characters and is not '*'.");
        }
        if (!ANY_CLIENT.equals(clientId)) {
            return new Access.Refused(Access.Reason.WRONG_CLIENT_ID, "The client id is not that of the token.");
        }
        return new Access.Granted(
                new Principal(app, keyName, claimed, capabilities, issued, expires, revocationKey, roles));
    }

    /** Whether there were no credentials, so that the client id is only what the client claims. */
    public boolean isAnonymous() {
        return keyName.isEmpty();
    }

    /** Whether the client was authenticated by a token and not by a key. */
    public boolean isToken() {
        return expires != null;
    }
}
