package dev.parley.server.streams.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.subscription.SubscriptionConfig;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.server.http.RefusedException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class WakeTokensTest {
    private static final byte[] SECRET = new byte[32];
    private static final long NOW = 1_000_000;

    private final WakeTokens tokens = new WakeTokens(SECRET::clone);

    private static SubscriptionState subscription(String id, long incarnation) {
        return new SubscriptionState(
                id,
                incarnation,
                new SubscriptionConfig(new SubscriptionConfig.PullWake("wakes"), "**", List.of(), 1_000, null),
                "",
                "",
                null,
                0,
                0,
                7,
                null,
                0,
                0);
    }

    private void assertRefused(String token, SubscriptionState subscription, long now, String code) {
        assertThatThrownBy(() -> tokens.generation(token, subscription, now))
                .isInstanceOfSatisfying(
                        RefusedException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void areForOneGenerationOfOneSubscription() throws RefusedException {
        SubscriptionState a = subscription("a", 1);
        String token = tokens.issue(a, 7, NOW);
        assertThat(tokens.generation(token, a, NOW)).isEqualTo(7);
        assertRefused(token, subscription("b", 1), NOW, "TOKEN_INVALID");
        assertRefused(token, subscription("a", 2), NOW, "TOKEN_INVALID");
        assertRefused(token, a, NOW + WakeTokens.LIFETIME.toMillis() + 1_000, "TOKEN_EXPIRED");
    }

    @Test
    void cannotBeMadeWithoutTheSecret() {
        SubscriptionState a = subscription("a", 1);
        byte[] other = SECRET.clone();
        other[0] = 1;
        assertRefused(new WakeTokens(other::clone).issue(a, 7, NOW), a, NOW, "TOKEN_INVALID");
        // Header {"alg":"none"} and no signature.
        String claims = tokens.issue(a, 7, NOW).split("\\.", -1)[1];
        assertRefused("eyJhbGciOiJub25lIn0." + claims + ".", a, NOW, "TOKEN_INVALID");
        assertRefused("", a, NOW, "TOKEN_INVALID");
        assertRefused("x".repeat(100_000), a, NOW, "TOKEN_INVALID");
    }
}
