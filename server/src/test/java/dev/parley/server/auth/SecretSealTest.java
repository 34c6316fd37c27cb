package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.SealedSecret;
import dev.parley.server.auth.SecretSeal.BrokenSealException;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class SecretSealTest {

    private static final ApiKey ROOT = ApiKey.parse("root.a:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final ApiKey KEY = ApiKey.parse("app.a:abcdefghijklmnopqrstuvwxyz012345", Capabilities.ALL);

    private final SecretSeal seal = SecretSeal.with(ROOT);

    private static RegisteredApp.Key sealed(String name, byte[] secret) {
        return new RegisteredApp.Key(name, new SealedSecret(secret), "{\"*\":[\"*\"]}", false);
    }

    @Test
    void opensWhatAServerWithTheSameRootKeyHasSealed() throws Exception {
        byte[] bytes = seal.seal(KEY).bytes();

        ApiKey opened = SecretSeal.with(ROOT).open(sealed(KEY.name(), bytes));

        assertThat(opened.written()).isEqualTo(KEY.written());
        assertThat(seal.seal(KEY)).as("sealed twice").isNotEqualTo(new SealedSecret(bytes));
    }

    /** Sealed by the first version: what is in a log must be opened for ever. */
    @Test
    void opensWhatWasSealedBefore() throws Exception {
        byte[] bytes = HexFormat.of()
                .parseHex(
                        "01000102030405060708090a0bb6625141bdc8121336513976aa0b85c6da94911e46095c2f03af5c89cbab4c7a836bbaa6e956fc9317b2f71fa10b03d6");

        assertThat(seal.open(sealed(KEY.name(), bytes)).written()).isEqualTo(KEY.written());
    }

    @Test
    void aSecretIsGoodForItsKeyOnly() {
        byte[] bytes = seal.seal(KEY).bytes();

        assertThatThrownBy(() -> seal.open(sealed("app.b", bytes)))
                .isInstanceOf(BrokenSealException.class)
                .hasMessageContaining("app.b");
    }

    @Test
    void otherSecretsAreGoodForTheirOwnerOnly() throws Exception {
        byte[] secret = {1, 2, 3};
        byte[] bytes = seal.seal(secret, "agent bot of app/chat:\u00FC");

        assertThat(SecretSeal.with(ROOT).open(bytes, "agent bot of app/chat:\u00FC"))
                .isEqualTo(secret);
        assertThat(seal.seal(secret, "agent bot of app/chat:\u00FC"))
                .as("sealed twice")
                .isNotEqualTo(bytes);
        assertThatThrownBy(() -> seal.open(bytes, "agent bot of app/chat"))
                .isInstanceOf(BrokenSealException.class)
                .hasMessageContaining("agent bot of app/chat");
        // Nor does the secret of a key pass for one of them.
        assertThatThrownBy(() -> seal.open(seal.seal(KEY).bytes(), KEY.name())).isInstanceOf(BrokenSealException.class);
        assertThatThrownBy(() -> seal.open(sealed(KEY.name(), seal.seal(KEY.secret(), KEY.name()))))
                .isInstanceOf(BrokenSealException.class);
    }

    @Test
    void anotherRootKeyOpensNothing() {
        ApiKey other = ApiKey.parse("root.a:0123456789abcdef0123456789abcdeF", Capabilities.ALL);

        assertThatThrownBy(() -> SecretSeal.with(other)
                        .open(sealed(KEY.name(), seal.seal(KEY).bytes())))
                .isInstanceOf(BrokenSealException.class);
    }

    @Test
    void noByteCanBeChangedOrLeftOut() {
        byte[] bytes = seal.seal(KEY).bytes();
        for (int i = 0; i < bytes.length; i++) {
            byte[] changed = bytes.clone();
            changed[i] ^= 1;
            assertThatThrownBy(() -> seal.open(sealed(KEY.name(), changed))).isInstanceOf(BrokenSealException.class);
            byte[] cut = Arrays.copyOf(bytes, i);
            assertThatThrownBy(() -> seal.open(sealed(KEY.name(), cut))).isInstanceOf(BrokenSealException.class);
        }
    }
}
