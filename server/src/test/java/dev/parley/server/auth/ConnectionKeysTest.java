package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectionKeysTest {

    @TempDir
    private Path folder;

    @Test
    void aKeyNamesItsConnectionAlsoAfterARestart() throws IOException {
        var keys = ConnectionKeys.in(folder);
        String id = keys.newId();
        String key = keys.issue(id, "app", "alice");

        assertThat(keys.open(key, "app", "alice")).isEqualTo(id);
        assertThat(ConnectionKeys.in(folder).open(key, "app", "alice")).isEqualTo(id);
    }

    @Test
    void noTwoKeysAreTheSame() throws IOException {
        var keys = ConnectionKeys.in(folder);
        String id = keys.newId();

        assertThat(keys.issue(id, "app", null)).isNotEqualTo(keys.issue(id, "app", null));
        assertThat(keys.newId()).isNotEqualTo(id);
    }

    @Test
    void aKeyIsGoodForItsUserOnly() throws IOException {
        var keys = ConnectionKeys.in(folder);
        String key = keys.issue(keys.newId(), "app", "alice");

        assertThat(keys.open(key, "app", "bob")).isNull();
        assertThat(keys.open(key, "app", null)).isNull();
        assertThat(keys.open(key, "other", "alice")).isNull();
    }

    @Test
    void whatThisServerDidNotSignIsNoKey() throws IOException {
        var keys = ConnectionKeys.in(folder);
        String key = keys.issue(keys.newId(), "app", null);
        String foreign = ConnectionKeys.in(folder.resolve("another")).issue(keys.newId(), "app", null);

        assertThat(keys.open(foreign, "app", null)).isNull();
        assertThat(keys.open(keys.newId() + key.substring(16), "app", null)).isNull();
        assertThat(keys.open("_____!ablyjs_test_fake-key____", "app", null)).isNull();
        assertThat(keys.open("", "app", null)).isNull();
    }

    @Test
    void aSecretThatIsNoneIsNotUsed() throws IOException {
        Files.writeString(folder.resolve(ConnectionKeys.FILE_NAME), "short");

        assertThatThrownBy(() -> ConnectionKeys.in(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Remove");
    }
}
