package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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
    private Revocations revocations;

    @BeforeEach
    void open() throws IOException {
        revocations = Revocations.in(folder, LIFETIME, () -> now);
    }

    private static Principal token(ApiKey key, String clientId, Instant issued) {
        return new Principal("a", key.name(), clientId, key.capabilities(), issued, issued.plusSeconds(60), null);
    }

    @Test
    void concernsOnlyOlderTokensOfTheKey() throws Exception {
        revocations.revoke(KEY, "clientId:ada", NOW, false);

        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isTrue();
        assertThat(revocations.cover(token(KEY, "ada", NOW))).isFalse();
        assertThat(revocations.cover(token(KEY, "bob", NOW.minusMillis(1)))).isFalse();
        assertThat(revocations.cover(token(OTHER, "ada", NOW.minusMillis(1)))).isFalse();
        assertThat(revocations.cover(Principal.of(KEY))).isFalse();
    }

    @Test
    void aChannelIsThePatternInTheTokenAndNoOther() throws Exception {
        revocations.revoke(KEY, "channel:room", NOW, false);
        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isFalse();

        revocations.revoke(KEY, "channel:*", NOW, false);
        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isTrue();
    }

    @Test
    void survivesARestartInASecretFile() throws Exception {
        revocations.revoke(KEY, "clientId:ada", NOW, false);

        open();

        assertThat(revocations.cover(token(KEY, "ada", NOW.minusMillis(1)))).isTrue();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(Revocations.FILE_NAME))))
                .isEqualTo("rw-------");
    }

    @Test
    void aMarginIsOneForTheTokenHoweverOftenItIsShown() throws Exception {
        Principal shown = token(KEY, "ada", NOW.minusMillis(1));
        assertThat(revocations.endOf(shown)).isNull();

        revocations.revoke(KEY, "clientId:ada", NOW, true);

        assertThat(revocations.endOf(shown)).isEqualTo(NOW.plus(Revocations.REAUTH_MARGIN));
        assertThat(revocations.endOf(token(KEY, "ada", NOW))).isNull();
        revocations.revoke(KEY, "clientId:ada", NOW, false);
        assertThat(revocations.endOf(shown)).as("the earlier end counts").isEqualTo(NOW);
    }

    @Test
    void aMarginDelaysOnlyWhatIsNew() throws Exception {
        revocations.revoke(KEY, "clientId:ada", NOW.minusSeconds(100), false);
        Revocation delayed = revocations.revoke(KEY, "clientId:ada", NOW, true);

        assertThat(delayed.appliesAt()).isEqualTo(NOW.plusSeconds(30));
        Principal older = token(KEY, "ada", NOW.minusSeconds(101));
        Principal newer = token(KEY, "ada", NOW.minusSeconds(1));
        assertThat(revocations.cover(older)).isTrue();
        assertThat(revocations.cover(newer)).isFalse();
        now = NOW.plusSeconds(30);
        assertThat(revocations.cover(newer)).isTrue();
    }

    @Test
    void tellsListenersWhenItIsDurable() throws Exception {
        var heard = new ArrayList<Revocation>();
        revocations.onRevoked(revocation -> {
            assertThat(folder.resolve(Revocations.FILE_NAME)).content().contains(revocation.target());
            heard.add(revocation);
        });

        Revocation revocation = revocations.revoke(KEY, "clientId:ada", NOW, false);

        assertThat(heard).containsExactly(revocation);
    }

    @Test
    void forgetsWhatNoTokenCanOutlive() throws Exception {
        revocations.revoke(KEY, "clientId:ada", NOW, false);
        now = NOW.plus(LIFETIME).plus(Revocations.REAUTH_MARGIN).plusMillis(1);
        revocations.revoke(KEY, "clientId:bob", now, false);

        assertThat(folder.resolve(Revocations.FILE_NAME))
                .content()
                .contains("bob")
                .doesNotContain("ada");
    }

    @Test
    void isBounded() throws Exception {
        var json = new StringBuilder("[");
        for (int i = 0; i < Revocations.MAX_REVOCATIONS; i++) {
            json.append(i == 0 ? "" : ",")
                    .append(
                            "{\"keyName\":\"a.key\",\"target\":\"clientId:%d\",\"issuedBefore\":\"%s\",\"appliesAt\":\"%s\"}"
                                    .formatted(i, NOW, NOW));
        }
        Files.writeString(folder.resolve(Revocations.FILE_NAME), json.append(']'));
        open();

        assertThatThrownBy(() -> revocations.revoke(KEY, "clientId:one-more", NOW, false))
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        e -> assertThat(e.refused().sessionStatus()).isEqualTo(429));
        // The same again takes no room.
        revocations.revoke(KEY, "clientId:7", NOW, false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ada", "clientId:", "invalidType:abc", "clientid:ada"})
    void refusesOtherTargets(String target) {
        assertThatThrownBy(() -> revocations.revoke(KEY, target, NOW, false))
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        e -> assertThat(e.refused().sessionStatus()).isEqualTo(400));
    }

    @Test
    void refusesToRevokeTheFuture() {
        assertThatThrownBy(() -> revocations.revoke(KEY, "clientId:ada", NOW.plusMillis(1), false))
                .isInstanceOf(AccessRefusedException.class);
    }

    @Test
    void doesNotStartWithoutKnowingWhatIsRevoked() throws IOException {
        Files.writeString(folder.resolve(Revocations.FILE_NAME), "[{");

        assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessageContaining(Revocations.FILE_NAME);
    }
}
