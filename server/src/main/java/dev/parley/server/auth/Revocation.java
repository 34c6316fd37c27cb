package dev.parley.server.auth;

import java.time.Instant;
import java.util.stream.Stream;

/**
 * Some tokens of a key are good no longer.
 *
 * @param target which: {@code clientId:} and a client id, {@code revocationKey:} and the value of that claim, or {@code
 *     channel:} and a pattern that stands in the token's capability just so
 * @param issuedBefore only those that were made before
 * @param appliesAt from when on
 */
public record Revocation(String keyName, String target, Instant issuedBefore, Instant appliesAt) {

    /** Whether {@code principal} has shown such a token. */
    public boolean covers(Principal principal) {
        Instant issued = principal.issued();
        return issued != null
                && issued.isBefore(issuedBefore)
                && keyName.equals(principal.keyName())
                && targetsOf(principal).anyMatch(target::equals);
    }

    /** All targets that stand for the token, among others. */
    static Stream<String> targetsOf(Principal principal) {
        return Stream.concat(
                Stream.of("clientId:" + principal.clientId(), "revocationKey:" + principal.revocationKey()),
                principal.capabilities().operationsByPattern().keySet().stream().map(pattern -> "channel:" + pattern));
    }

    /** Whether {@code other} adds nothing to this. */
    boolean includes(Revocation other) {
        return keyName.equals(other.keyName)
                && target.equals(other.target)
                && !issuedBefore.isBefore(other.issuedBefore)
                && !appliesAt.isAfter(other.appliesAt);
    }
}
