package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RootKeyTest {

    @TempDir
    Path parent;

    @Test
    void isMadeOnceForItsOwnerOnly() throws IOException {
        Path folder = parent.resolve("data");

        RootKey first = RootKey.in(folder, false);
        RootKey second = RootKey.in(folder, false);

        assertThat(first.created()).isTrue();
        assertThat(second.created()).isFalse();
        assertThat(second.key().name()).isEqualTo(first.key().name()).startsWith("root.");
        assertThat(second.key().secret()).isEqualTo(first.key().secret());
        assertThat(second.key().capabilities()).isEqualTo(Capabilities.ALL);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(first.file())))
                .isEqualTo("rw-------");
        assertThat(folder).isDirectoryContaining(file -> file.equals(first.file()));
    }

    @Test
    void survivesADraftThatACrashHasLeft() throws IOException {
        Files.writeString(parent.resolve("root.key.new"), "root.half");

        assertThat(RootKey.in(parent, false).created()).isTrue();
    }

    @Test
    void complainsAboutADamagedFileWithoutShowingIt() throws IOException {
        Files.writeString(parent.resolve("root.key"), "root.x:SECRET");

        assertThatThrownBy(() -> RootKey.in(parent, false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("root.key")
                .hasMessageNotContaining("SECRET");
    }

    @Test
    void isNotMadeAnewWhereSecretsAreEncryptedWithIt() throws IOException {
        assertThatThrownBy(() -> RootKey.in(parent, true))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("root.key is missing")
                .hasMessageContaining("restore it");
        assertThat(parent).isEmptyDirectory();

        Files.writeString(parent.resolve("root.key"), "root.x:SECRET");
        assertThatThrownBy(() -> RootKey.in(parent, true))
                .hasMessageContaining("restore it")
                .hasMessageNotContaining("Remove");
    }
}
