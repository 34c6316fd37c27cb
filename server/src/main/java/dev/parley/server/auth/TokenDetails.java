package dev.parley.server.auth;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A token that was issued, and its content. */
public record TokenDetails(
        String token,
        String keyName,
        Instant issued,
        Instant expires,
        Capabilities capabilities,
        @Nullable String clientId) {

    /** The token is a secret. */
    @Override
    public String toString() {
        return "TokenDetails[" + keyName + "]";
    }
}
