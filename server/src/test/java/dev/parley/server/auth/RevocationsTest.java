package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.registry.RegistryMachine;
import dev.parley.engine.registry.Revocation;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RevocationsTest {

    private static final Duration LIFETIME = Duration.ofHours(24);
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final ApiKey KEY =
            ApiKey.parse("a.key:0123456789abcdef0123456789abcdef", Capabilities.parse("{\"*\":[\"*\"]}"));
    private static final ApiKey OTHER = ApiKey.parse("a.other:0123456789abcdef0123456789abcdef", Capabilities.ALL);

    @TempDir
    Path folder;

    private Instant now = NOW;
    private Engine engine;
    private Revocations revocations;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        revocations = new Revocations(engine, LIFETIME, () -> now);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Revocations.Revoked revoke(String target, Instant issuedBefore, boolean margin) {
        return revocations.revoke(KEY, target, issuedBefore, margin).join();
    }

    private static Principal token(ApiKey key, String clientId, Instant issued) {
        return new Principal("a", key.name(), clientId, key.capabilities(), issued, issued.plusSeconds(60), null);
    }

    @Test
    void concernsOnlyOlderTokensOfTheKey() throws Exception {
        revoke("clientId:ada", NOW, false);

        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isTrue();
        assertThat(revocations.cover(token(KEY, "ada", NOW))).isFalse();
        assertThat(revocations.cover(token(KEY, "bob", NOW.minusMillis(1)))).isFalse();
        assertThat(revocations.cover(token(OTHER, "ada", NOW.minusMillis(1)))).isFalse();
        assertThat(revocations.cover(Principal.of(KEY))).isFalse();
    }

    @Test
    void aChannelIsThePatternInTheTokenAndNoOther() throws Exception {
        revoke("channel:room", NOW, false);
        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isFalse();

        revoke("channel:*", NOW, false);
        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isTrue();
    }

    @Test
    void survivesARestart() throws Exception {
        revoke("clientId:ada", NOW, false);

        close();
        open();

        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isTrue();
        assertThat(revocations.cover(token(KEY, "ada", NOW))).isFalse();
    }

    @Test
    void tokensOfTheMillisecondThatHasBegunAreOlder() {
        Instant half = NOW.plusNanos(500_000);
        now = half;

        Revocations.Revoked revoked = revoke("clientId:ada", half, false);

        assertThat(revoked.issuedBefore().toEpochMilli()).isEqualTo(NOW.toEpochMilli());
        assertThat(revocations.cover(token(KEY, "ada", NOW))).isTrue();
        assertThat(revocations.cover(token(KEY, "ada", NOW.plusMillis(1)))).isFalse();
    }

    @Test
    void aMarginIsOneForTheTokenHoweverOftenItIsShown() throws Exception {
        Principal shown = token(KEY, "ada", NOW.minusMillis(1));
        assertThat(revocations.endOf(shown)).isNull();

        revoke("clientId:ada", NOW, true);

        assertThat(revocations.endOf(shown)).isEqualTo(NOW.plus(Revocations.REAUTH_MARGIN));
        assertThat(revocations.endOf(token(KEY, "ada", NOW))).isNull();
        revoke("clientId:ada", NOW, false);
        assertThat(revocations.endOf(shown)).as("the earlier end counts").isEqualTo(NOW);
    }

    @Test
    void aMarginDelaysOnlyWhatIsNew() throws Exception {
        revoke("clientId:ada", NOW.minusSeconds(100), false);
        Revocations.Revoked delayed = revoke("clientId:ada", NOW, true);

        assertThat(delayed.appliesAt()).isEqualTo(NOW.plusSeconds(30));
        Principal older = token(KEY, "ada", NOW.minusSeconds(101));
        Principal newer = token(KEY, "ada", NOW.minusSeconds(1));
        assertThat(revocations.cover(older)).isTrue();
        assertThat(revocations.cover(newer)).isFalse();
        now = NOW.plusSeconds(30);
        assertThat(revocations.cover(newer)).isTrue();
    }

    @Test
    void tellsListeners() {
        var heard = new CompletableFuture<Revocation>();
        revocations.onRevoked(heard::complete);

        revoke("clientId:ada", NOW, true);

        assertThat(heard.join())
                .isEqualTo(new Revocation(
                        KEY.name(),
                        "clientId:ada",
                        NOW.toEpochMilli(),
                        NOW.plusSeconds(30).toEpochMilli()));
        assertThat(Revocations.covers(heard.join(), token(KEY, "ada", NOW.minusMillis(1))))
                .isTrue();
        assertThat(Revocations.covers(heard.join(), token(OTHER, "ada", NOW.minusMillis(1))))
                .isFalse();
        assertThat(Revocations.covers(heard.join(), token(KEY, "bob", NOW.minusMillis(1))))
                .isFalse();
    }

    @Test
    void forgetsWhatNoTokenCanOutlive() {
        revoke("clientId:ada", NOW, false);
        revoke("clientId:bob", NOW.minusMillis(1), false);
        Instant over = NOW.plus(LIFETIME).plus(Revocations.REAUTH_MARGIN);

        revocations.forget(over.minusMillis(1));
        revoke("clientId:eve", NOW, false);
        assertThat(engine.registry().revocationCount()).isEqualTo(3);

        revocations.forget(over);
        revoke("clientId:kim", NOW, false);
        assertThat(engine.registry().revocationCount()).as("without bob").isEqualTo(3);
        assertThat(engine.registry().revocations(KEY.name(), "clientId:bob")).isEmpty();
    }

    @Test
    void isBounded() {
        var attempts = new ArrayList<CompletableFuture<Revocations.Revoked>>();
        for (int i = 0; i < RegistryMachine.MAX_REVOCATIONS; i++) {
            attempts.add(revocations.revoke(KEY, "clientId:" + i, NOW, false));
            if (attempts.size() == 500) {
                attempts.forEach(CompletableFuture::join);
                attempts.clear();
            }
        }
        attempts.forEach(CompletableFuture::join);

        assertThatThrownBy(() -> revoke("clientId:one-more", NOW, false))
                .hasCauseInstanceOf(AccessRefusedException.class)
                .extracting(e -> ((AccessRefusedException) Objects.requireNonNull(e.getCause()))
                        .refused()
                        .sessionStatus())
                .isEqualTo(429);
        // The same again takes no room.
        revoke("clientId:7", NOW, false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ada", "clientId:", "invalidType:abc", "clientid:ada"})
    void refusesOtherTargets(String target) {
        assertThatThrownBy(() -> revoke(target, NOW, false))
                .hasCauseInstanceOf(AccessRefusedException.class)
                .extracting(e -> ((AccessRefusedException) Objects.requireNonNull(e.getCause()))
                        .refused()
                        .sessionStatus())
                .isEqualTo(400);
    }

    @Test
    void refusesToRevokeTheFuture() {
        assertThatThrownBy(() -> revoke("clientId:ada", NOW.plusMillis(1), false))
                .hasCauseInstanceOf(AccessRefusedException.class);
        assertThat(engine.registry().revocationCount()).isZero();
    }
}
