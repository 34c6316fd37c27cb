package dev.parley.server.auth;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.registry.RegistryCommand.ForgetRevocations;
import dev.parley.engine.registry.RegistryCommand.RevokeTokens;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.TooManyRevocations;
import dev.parley.engine.registry.Revocation;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The revoked tokens. Revocations are stored in the registry of the engine for as long as such a token could still be
 * valid. Thread-safe.
 */
public final class Revocations {

    private static final Duration NO_MARGIN = Duration.ZERO;

    /** The time that clients get to renew their token, if a revocation gives them time. */
    public static final Duration REAUTH_MARGIN = Duration.ofSeconds(30);

    /** The kinds of targets, as the beginnings of their texts. */
    private static final List<String> TARGETS = List.of("clientId:", "revocationKey:", "channel:");

    private static final Logger LOG = LoggerFactory.getLogger(Revocations.class);

    private final Engine engine;
    private final Duration tokenLifetime;
    private final InstantSource clock;

    /**
     * A durable revocation.
     *
     * @param issuedBefore the time before which the tokens were issued
     * @param appliesAt the time from which the tokens are invalid
     */
    public record Revoked(Instant issuedBefore, Instant appliesAt) {}

    /**
     * The revocations in {@code engine}.
     *
     * @param tokenLifetime the longest lifetime of a token
     */
    public Revocations(Engine engine, Duration tokenLifetime, InstantSource clock) {
        this.engine = engine;
        this.tokenLifetime = tokenLifetime;
        this.clock = clock;
    }

    /**
     * Tells {@code listener} of each revocation from now on, whichever server of a cluster received it. The listener is
     * called by an engine thread, and must hand its work over to another thread.
     */
    public void onRevoked(Consumer<Revocation> listener) {
        engine.registry().listen(new Registry.Listener() {
            @Override
            public void tokensRevoked(Revocation revocation) {
                listener.accept(revocation);
            }
        });
    }

    /** Whether {@code principal} uses a token that is revoked by now. */
    public boolean cover(Principal principal) {
        Instant end = endOf(principal);
        return end != null && !clock.instant().isBefore(end);
    }

    /**
     * When the token of {@code principal} ends because it was revoked, which may be in the past; null if it was not
     * revoked.
     */
    @Nullable
    Instant endOf(Principal principal) {
        Registry registry = engine.registry();
        if (!registry.hasRevocations(principal.keyName())) {
            return null;
        }
        long end = targetsOf(principal)
                .flatMap(target -> registry.revocations(principal.keyName(), target).stream())
                .filter(revocation -> concerns(revocation, principal))
                .mapToLong(Revocation::appliesAt)
                .min()
                .orElse(Long.MAX_VALUE);
        return end == Long.MAX_VALUE ? null : Instant.ofEpochMilli(end);
    }

    /** Whether {@code revocation} concerns the token of {@code principal}. */
    public static boolean covers(Revocation revocation, Principal principal) {
        return revocation.keyName().equals(principal.keyName())
                && concerns(revocation, principal)
                && targetsOf(principal).anyMatch(revocation.target()::equals);
    }

    private static boolean concerns(Revocation revocation, Principal principal) {
        Instant issued = principal.issued();
        return issued != null && issued.isBefore(Instant.ofEpochMilli(revocation.issuedBefore()));
    }

    /** All targets that include the token. */
    private static Stream<String> targetsOf(Principal principal) {
        return Stream.concat(
                Stream.of("clientId:" + principal.clientId(), "revocationKey:" + principal.revocationKey()),
                principal.capabilities().operationsByPattern().keySet().stream().map(pattern -> "channel:" + pattern));
    }

    /**
     * Revokes tokens. The revocation is durable when the future completes. The future fails with {@link
     * AccessRefusedException} if the request is invalid or there is no room for it, and otherwise with the failure of
     * the engine.
     *
     * @param issuedBefore the time before which the tokens were issued; not later than now
     * @param margin whether clients get {@link #REAUTH_MARGIN} to renew their token
     */
    public CompletableFuture<Revoked> revoke(ApiKey key, String target, Instant issuedBefore, boolean margin) {
        if (TARGETS.stream().noneMatch(kind -> target.startsWith(kind) && target.length() > kind.length())
                || target.length() > Tokens.MAX_CLIENT_ID_CHARS + "revocationKey:".length()) {
            return CompletableFuture.failedFuture(new AccessRefusedException(
                    Access.Reason.BAD_REQUEST,
                    "A target looks like clientId:x, revocationKey:x or channel:x, with 1 to "
                            + Tokens.MAX_CLIENT_ID_CHARS + " characters for x."));
        }
        Instant now = clock.instant();
        if (issuedBefore.isAfter(now)) {
            return CompletableFuture.failedFuture(
                    new AccessRefusedException(Access.Reason.BAD_REQUEST, "'issuedBefore' lies in the future."));
        }
        var revoked = new Revoked(issuedBefore, now.plus(margin ? REAUTH_MARGIN : NO_MARGIN));
        return engine.submit(command(key.name(), target, revoked, now)).thenApply(outcome -> switch (outcome) {
            case Done done -> revoked;
            case TooManyRevocations(int max) ->
                throw new CompletionException(new AccessRefusedException(
                        Access.Reason.TOO_MANY, "There are " + max + " revocations in force already."));
        });
    }

    /**
     * The command for a revocation. Tokens are issued at whole milliseconds, so a token of the millisecond that
     * contains {@code issuedBefore} was issued before.
     */
    public static RevokeTokens command(String keyName, String target, Revoked revoked, Instant now) {
        long issuedBefore = revoked.issuedBefore.toEpochMilli();
        if (revoked.issuedBefore.isAfter(Instant.ofEpochMilli(issuedBefore))) {
            issuedBefore++;
        }
        return new RevokeTokens(
                now.toEpochMilli(), new Revocation(keyName, target, issuedBefore, revoked.appliesAt.toEpochMilli()));
    }

    /**
     * Removes revocations that no token can outlive, a limited number at a time. Reads the store.
     *
     * @param now a time that has certainly passed
     */
    public void forget(Instant now) {
        long issuedBefore = now.minus(tokenLifetime).minus(REAUTH_MARGIN).toEpochMilli();
        if (engine.registry().hasRevocationsBefore(issuedBefore)) {
            // Nobody waits for the outcome: revocations that are not removed now will be found again.
            var _ = engine.submit(new ForgetRevocations(now.toEpochMilli(), issuedBefore))
                    .whenComplete((forgotten, failure) -> {
                        if (failure != null) {
                            LOG.atDebug().setCause(failure).log("Revocations were not forgotten");
                        }
                    });
        }
    }
}
