package dev.parley.server.auth;

import dev.parley.engine.registry.Revocation;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Authenticates requests, and decides what they may do. There is one gate for each server, which all doors and threads
 * share.
 *
 * <p>Credentials are in the header Authorization: {@code Basic} with a key, or {@code Bearer} with a key or a token,
 * plain or, as some clients send it, in base64. The doors of sessions also accept them elsewhere.
 *
 * <p>{@link #check} and {@link #authenticate} are for streams, which may be open to everybody. The methods whose names
 * begin with {@code session} are for sessions, which never are. No method blocks.
 */
public final class Gate {

    private static final Access ANONYMOUS = new Access.Granted(Principal.ANONYMOUS);

    private final Keys keys;
    private final @Nullable String providerKey;
    private final boolean open;
    private final Tokens tokens;
    private final TokenRequests tokenRequests;
    private final Revocations revocations;
    private final InstantSource clock;
    private final RefusalLog refusals;

    /**
     * The gate of a server.
     *
     * @param keys all valid keys, including the root key
     * @param provider whose tokens give access besides those of keys; null for nobody
     * @param open whether clients without valid credentials may do everything with streams
     * @param tokenLifetime how far ahead a token's expiry may lie
     */
    public Gate(
            Keys keys,
            @Nullable IdentityProvider provider,
            boolean open,
            Duration tokenLifetime,
            Revocations revocations,
            InstantSource clock,
            MeterRegistry meters) {
        this.keys = keys;
        this.providerKey = provider == null ? null : provider.terms().keyName();
        this.open = open;
        this.tokens = new Tokens(keys, provider, revocations, tokenLifetime, clock);
        this.tokenRequests = new TokenRequests(tokens, tokenLifetime, clock);
        this.revocations = revocations;
        this.clock = clock;
        this.refusals = new RefusalLog(clock, meters);
    }

    /**
     * Whether a request may perform an operation on a stream.
     *
     * @param authorization the value of the header Authorization
     * @param resource the undecoded name of the resource, as in {@link Capabilities}
     */
    public Access check(@Nullable String authorization, CapabilityOp operation, String resource) {
        Access access = identify(authorization);
        if (access instanceof Access.Granted granted) {
            return permit(granted.principal(), operation, resource);
        } else if (access instanceof Access.Refused refused) {
            refusals.record(refused, refused.keyName(), operation, resource);
        }
        return access;
    }

    /**
     * Authenticates a request to a stream that needs no capability, or for which {@link Principal#may} is checked
     * later.
     */
    public Access authenticate(@Nullable String authorization) {
        return logged(identify(authorization));
    }

    /** Authenticates the holder of a key, {@code app.id:secret}, for sessions. */
    public Access sessionKey(String key) {
        return logged(key(key));
    }

    /** Authenticates the holder of a token, for sessions. */
    public Access sessionToken(String token) {
        return logged(tokens.check(token));
    }

    /** Authenticates the sender of the header Authorization, for sessions. */
    public Access sessionHeader(@Nullable String authorization) {
        return logged(
                authorization == null
                        ? unauthenticated("The request has no key and no token.")
                        : credentials(authorization));
    }

    /**
     * When the token of {@code principal} ends because it was revoked with a margin for getting a new one; null if it
     * was not.
     */
    public @Nullable Instant revokedFrom(Principal principal) {
        return revocations.endOf(principal);
    }

    /**
     * Whether {@code principal} may perform an operation.
     *
     * @param resource the path of a stream or the name of a session, depending on the operation
     */
    public Access permit(Principal principal, CapabilityOp operation, String resource) {
        if (principal.may(operation, resource)) {
            return new Access.Granted(principal);
        }
        var refused = Access.Refused.forbidden(operation, resource);
        refusals.record(refused, principal.keyName(), operation, resource);
        return refused;
    }

    /** Whether there may be a stream or session in which {@code principal} may perform an operation. */
    public Access permitSomewhere(Principal principal, CapabilityOp operation) {
        return principal.capabilities().allowSomewhere(operation)
                ? new Access.Granted(principal)
                : permit(principal, operation, "*");
    }

    /**
     * The same principal under the client id that it claims beside its credentials.
     *
     * @param claimed null if it claims none
     */
    public Access as(Principal principal, @Nullable String claimed) {
        Access access = principal.as(claimed);
        if (access instanceof Access.Refused refused) {
            refusals.record(refused, principal.keyName(), null, "");
        }
        return access;
    }

    /**
     * Issues a token.
     *
     * @param authorization the value of the header Authorization, for requests that are not signed
     */
    public TokenDetails requestToken(@Nullable String authorization, TokenRequest request)
            throws AccessRefusedException {
        try {
            ApiKey key = keys.find(request.keyName());
            if (key == null) {
                throw new AccessRefusedException(Access.Reason.UNKNOWN_KEY, "This server has no such key.");
            }
            boolean shown = request.mac() == null && holder(authorization, key);
            return tokenRequests.answer(key, shown, request);
        } catch (AccessRefusedException e) {
            refusals.record(e.refused(), request.keyName(), null, "requestToken");
            throw e;
        }
    }

    /** The key {@code keyName}, if its holder sends the request and the key may revoke tokens. */
    public ApiKey revokingKey(@Nullable String authorization, String keyName) throws AccessRefusedException {
        try {
            if (authorization == null) {
                throw new AccessRefusedException(unauthenticated("Tokens are revoked by the key that issued them."));
            }
            ApiKey key = keys.find(keyName);
            if (key == null || !holder(authorization, key)) {
                throw new AccessRefusedException(
                        Access.Reason.WRONG_KEY, "Tokens are revoked by the key that issued them.");
            }
            if (!key.uses().revocation()) {
                throw new AccessRefusedException(
                        Access.Reason.NOT_REVOCABLE, "The tokens of this key cannot be revoked.");
            }
            return key;
        } catch (AccessRefusedException e) {
            refusals.record(e.refused(), keyName, null, "revokeTokens");
            throw e;
        }
    }

    /**
     * Revokes tokens of a key from {@link #revokingKey}; see {@link Revocations#revoke}.
     *
     * @param target as in {@link Revocation}
     * @param issuedBefore the time before which the tokens were issued; null means now
     * @param margin whether clients get {@link Revocations#REAUTH_MARGIN} to renew their token
     */
    public CompletableFuture<Revocations.Revoked> revoke(
            ApiKey key, String target, @Nullable Instant issuedBefore, boolean margin) {
        return revocations.revoke(key, target, issuedBefore == null ? clock.instant() : issuedBefore, margin);
    }

    /**
     * Whether the holder of {@code key} sends the request. Returns false if the request has no key, or another one. A
     * token and invalid credentials are refused.
     */
    private boolean holder(@Nullable String authorization, ApiKey key) throws AccessRefusedException {
        if (authorization == null) {
            return false;
        }
        return switch (credentials(authorization)) {
            case Access.Refused refused -> throw new AccessRefusedException(refused);
            case Access.Granted(Principal principal) -> {
                if (principal.isToken()) {
                    throw new AccessRefusedException(
                            Access.Reason.KEY_NEEDED, "Only the key itself can do this, not a token.");
                }
                yield principal.keyName().equals(key.name());
            }
        };
    }

    /**
     * Refuses everybody but the holder of {@code key} itself.
     *
     * @param otherwise what is said to others who have valid credentials
     */
    public void requireKey(@Nullable String authorization, ApiKey key, String otherwise) throws AccessRefusedException {
        switch (sessionHeader(authorization)) {
            case Access.Refused refused -> throw new AccessRefusedException(refused);
            case Access.Granted(Principal principal) -> {
                if (principal.isToken() || !principal.keyName().equals(key.name())) {
                    throw new AccessRefusedException(Access.Reason.FORBIDDEN, otherwise);
                }
            }
        }
    }

    private Access logged(Access access) {
        if (access instanceof Access.Refused refused) {
            refusals.record(refused, refused.keyName(), null, "");
        }
        return access;
    }

    /**
     * Authenticates a request to a stream. An open gate accepts valid credentials, so that they can be tried out, and
     * ignores invalid ones.
     */
    private Access identify(@Nullable String authorization) {
        if (authorization == null) {
            return open
                    ? ANONYMOUS
                    : unauthenticated("This server requires a key or a token in the header Authorization.");
        }
        Access access = credentials(authorization);
        if (access instanceof Access.Granted(Principal principal) && !opensStreams(principal)) {
            access = Access.Refused.invalid("The key gives access to sessions only.");
        }
        return open && access instanceof Access.Refused ? ANONYMOUS : access;
    }

    private boolean opensStreams(Principal principal) {
        if (principal.keyName().equals(providerKey)) {
            return true;
        }
        ApiKey key = keys.find(principal.keyName());
        return key != null && key.uses().streams();
    }

    private static Access.Refused unauthenticated(String message) {
        return new Access.Refused(Access.Reason.UNAUTHENTICATED, message);
    }

    private Access credentials(String authorization) {
        int space = authorization.indexOf(' ');
        String scheme = authorization.substring(0, Math.max(space, 0));
        String value = authorization.substring(space + 1).strip();
        if (scheme.equalsIgnoreCase("Basic")) {
            String key = decode(value);
            return key == null ? Access.Refused.invalid("The credentials are not valid base64.") : key(key);
        } else if (scheme.equalsIgnoreCase("Bearer")) {
            if (isKey(value) || isToken(value)) {
                return keyOrToken(value);
            }
            String decoded = decode(value);
            return decoded == null
                    ? Access.Refused.invalid("The credentials are neither a key nor a token.")
                    : keyOrToken(decoded);
        }
        return Access.Refused.invalid("The header Authorization must start with Bearer or Basic.");
    }

    private Access keyOrToken(String credentials) {
        return isKey(credentials) ? key(credentials) : tokens.check(credentials);
    }

    private static boolean isKey(String credentials) {
        return credentials.indexOf(':') >= 0;
    }

    private static boolean isToken(String credentials) {
        return credentials.indexOf('.') >= 0;
    }

    private Access key(String shown) {
        int colon = shown.indexOf(':');
        String name = shown.substring(0, Math.max(colon, 0));
        ApiKey key = keys.find(name);
        if (key == null || !key.hasSecret(shown.substring(colon + 1))) {
            return new Access.Refused(
                    Access.Reason.INVALID_CREDENTIALS, "This server has no such key.", ApiKey.isName(name) ? name : "");
        }
        return new Access.Granted(Principal.of(key));
    }

    private static @Nullable String decode(String base64) {
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
