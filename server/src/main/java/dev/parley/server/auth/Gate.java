package dev.parley.server.auth;

import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Says who makes a request and whether they may. There is one per server, shared by all doors and threads.
 *
 * <p>Credentials come in the header Authorization: {@code Basic} with a key, {@code Bearer} with a key or a token,
 * plain or, as some clients send it, in base64.
 */
public final class Gate {

    private static final Access ANONYMOUS = new Access.Granted(Principal.ANONYMOUS);

    private final Map<String, ApiKey> keys;
    private final boolean open;
    private final Tokens tokens;
    private final RefusalLog refusals;

    /**
     * The gate of a server.
     *
     * @param keys all keys that count, the root key among them
     * @param open whether who shows no good credentials is anonymous and may do everything
     * @param tokenLifetime how far ahead a token's expiry may lie
     */
    public Gate(
            Collection<ApiKey> keys, boolean open, Duration tokenLifetime, InstantSource clock, MeterRegistry meters) {
        this.keys = keys.stream().collect(Collectors.toUnmodifiableMap(ApiKey::name, Function.identity()));
        this.open = open;
        this.tokens = new Tokens(this.keys, tokenLifetime, clock);
        this.refusals = new RefusalLog(clock, meters);
    }

    /**
     * Whether a request may do an operation on a resource.
     *
     * @param authorization the value of the header Authorization
     * @param resource the undecoded name of what is asked for, as in {@link Capabilities}
     */
    public Access check(@Nullable String authorization, Operation operation, String resource) {
        Access access = identify(authorization);
        if (access instanceof Access.Granted granted && !granted.principal().may(operation, resource)) {
            access = Access.Refused.forbidden(operation, resource);
            refusals.record((Access.Refused) access, granted.principal().keyName(), operation, resource);
        } else if (access instanceof Access.Refused refused) {
            refusals.record(refused, "", operation, resource);
        }
        return access;
    }

    /** Only who it is: for what needs no capability, or checks {@link Principal#may} later. */
    public Access authenticate(@Nullable String authorization) {
        Access access = identify(authorization);
        if (access instanceof Access.Refused refused) {
            refusals.record(refused, "", null, "");
        }
        return access;
    }

    /** An open gate knows good credentials, so that they can be tried out, but minds no others. */
    private Access identify(@Nullable String authorization) {
        if (authorization == null) {
            return open
                    ? ANONYMOUS
                    : Access.Refused.unauthenticated("This server wants a key or a token in the header Authorization.");
        }
        Access access = credentials(authorization);
        return open && access instanceof Access.Refused ? ANONYMOUS : access;
    }

    private Access credentials(String authorization) {
        int space = authorization.indexOf(' ');
        String scheme = authorization.substring(0, Math.max(space, 0));
        String value = authorization.substring(space + 1).strip();
        if (scheme.equalsIgnoreCase("Basic")) {
            String key = decode(value);
            return key == null ? Access.Refused.invalid("The credentials are no valid base64.") : key(key);
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
        ApiKey key = keys.get(shown.substring(0, Math.max(colon, 0)));
        if (key == null || !key.hasSecret(shown.substring(colon + 1))) {
            return Access.Refused.invalid("This server has no such key.");
        }
        return new Access.Granted(new Principal(key.name(), null, key.capabilities()));
    }

    private static @Nullable String decode(String base64) {
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
