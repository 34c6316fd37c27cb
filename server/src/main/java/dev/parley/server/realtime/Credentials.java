package dev.parley.server.realtime;

import dev.parley.engine.registry.Revocation;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.Principal;
import dev.parley.server.auth.Revocations;
import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Who the client of one connection is, and how long its token lets it stay. The client is asked for a new token before
 * its token ends. Used on the connection's event loop.
 */
final class Credentials {
    /** How long before a token expires its client is asked for a new one, if the token lives longer than that. */
    private static final Duration REAUTH_LEAD = Duration.ofSeconds(30);

    private static final ErrorInfo REVOKED = new ErrorInfo(40141, 401, "The token was revoked.");

    private final Site site;
    private final Outbox outbox;
    private Principal principal;
    private @Nullable Instant askedToRenew;

    /** When the client's token ends because it was revoked. */
    private @Nullable Instant revokedAt;

    Credentials(Site site, Outbox outbox, Principal principal) {
        this.site = site;
        this.outbox = outbox;
        this.principal = principal;
    }

    Principal principal() {
        return principal;
    }

    /** Returns why the connection has to end now, or null. Called about every second. */
    @Nullable
    ErrorInfo tick(Instant now) {
        Instant revoked = revokedAt;
        if (revoked != null && !now.isBefore(revoked)) {
            return REVOKED;
        }
        Instant expires = principal.expires();
        if (expires == null) {
            return null;
        }
        if (!now.isBefore(expires)) {
            return new ErrorInfo(40142, 401, "The token has expired.");
        }
        if (askedToRenew == null && !now.isBefore(expires.minus(REAUTH_LEAD)) && livesLong(expires)) {
            askedToRenew = now;
            askForToken();
        }
        return null;
    }

    private boolean livesLong(Instant expires) {
        Instant issued = principal.issued();
        return issued != null && Duration.between(issued, expires).compareTo(REAUTH_LEAD) > 0;
    }

    private void askForToken() {
        outbox.send(Frames.auth(outbox.format()));
    }

    /** Replaces the client's token by the one that it has sent. */
    void renew(@Nullable String token) throws WireException {
        if (token == null) {
            throw new WireException(ErrorInfo.badRequest("The frame AUTH has no access token."));
        }
        Access access = site.gate().sessionToken(token);
        if (access instanceof Access.Granted(Principal shown) && !shown.app().equals(principal.app())) {
            throw new WireException(new ErrorInfo(40102, 401, "The token belongs to another app."));
        }
        String clientId = principal.clientId();
        if (access instanceof Access.Granted(Principal shown)
                && clientId != null
                && !clientId.equals(Principal.ANY_CLIENT)) {
            access = site.gate().as(shown, clientId);
        }
        switch (access) {
            // Clients react to most codes of bad tokens by getting a new one, which they have just done.
            case Access.Refused refused
            when refused.reason() == Access.Reason.INVALID_TOKEN ->
                throw new WireException(new ErrorInfo(40101, 401, refused.message()));
            case Access.Refused refused -> throw new WireException(Refusals.of(refused));
            case Access.Granted(Principal renewed) -> {
                principal = renewed;
                askedToRenew = null;
            }
        }
    }

    /** Notes when the token ends, if it was revoked before the client sent it but is still valid for a while. */
    void heedRevocation() {
        revokedAt = site.gate().revokedFrom(principal);
        if (revokedAt != null) {
            askForToken();
        }
    }

    /** Notes that tokens were revoked. Returns why the connection has to end now, or null. */
    @Nullable
    ErrorInfo revoked(Revocation revocation) {
        if (!Revocations.covers(revocation, principal)) {
            return null;
        }
        Instant appliesAt = Instant.ofEpochMilli(revocation.appliesAt());
        if (!site.clock().wall().instant().isBefore(appliesAt)) {
            return REVOKED;
        }
        revokedAt = appliesAt;
        askForToken();
        return null;
    }
}
