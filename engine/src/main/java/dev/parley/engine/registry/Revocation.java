package dev.parley.engine.registry;

/**
 * A revocation: some tokens of a key are no longer valid.
 *
 * @param target the tokens: {@code clientId:} and a client id, {@code revocationKey:} and the value of that claim, or
 *     {@code channel:} and a pattern that the token's capability contains literally
 * @param issuedBefore the time before which the tokens were issued, in milliseconds since 1970
 * @param appliesAt the time from which they are invalid
 */
public record Revocation(String keyName, String target, long issuedBefore, long appliesAt) {
    /** Whether {@code other} adds nothing to this revocation. */
    public boolean includes(Revocation other) {
        return keyName.equals(other.keyName)
                && target.equals(other.target)
                && issuedBefore >= other.issuedBefore
                && appliesAt <= other.appliesAt;
    }
}
