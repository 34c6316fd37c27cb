package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.codec.FolderFormat;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.journal.LocalJournal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program opens what it can read, says in one line what it cannot, and leaves that as it is. */
class FolderFormatTest {
    private static final String CURRENT = "parley data folder, format " + FolderFormat.NEWEST + "\n";

    @TempDir
    Path folder;

    private Path format() {
        return folder.resolve("format");
    }

    private EngineOptions options() {
        return EngineOptions.in(folder);
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> Engine.open(options()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void aFolderSaysWhichFormatItHas() throws IOException {
        Engine.open(options()).close();
        assertThat(format()).hasContent(CURRENT);
        Engine.open(options()).close();
        assertThat(format()).hasContent(CURRENT);
    }

    @Test
    void anOlderFolderBecomesANewOne() throws IOException {
        Engine.open(options()).close();
        Files.delete(format());
        Engine.open(options()).close();
        assertThat(format()).hasContent(CURRENT);
    }

    @Test
    void aNewerFolderIsRefusedBeforeAnythingInItIsTouched() throws IOException {
        String newer = "parley data folder, format " + (FolderFormat.NEWEST + 1) + "\n";
        Files.writeString(format(), newer);
        assertRefused("has format " + (FolderFormat.NEWEST + 1) + ", and this program reads formats up to "
                + FolderFormat.NEWEST + ": a newer Parley has written to it");
        assertThat(format()).hasContent(newer);
        assertThat(folder.resolve("store")).doesNotExist();
        assertThat(folder.resolve("journal")).isEmptyDirectory();
    }

    @Test
    void aFolderThatDoesNotSayItIsRefused() throws IOException {
        for (String text : new String[] {"", "2", "parley data folder, format \n", "parley data folder, format -1"}) {
            Files.writeString(format(), text);
            assertRefused("is damaged: it does not say which format the data folder has");
        }
    }

    /** As a program would leave it that forgot to raise the folder's format. */
    @Test
    void aCommandOfAnotherVersionIsRefusedWithItsPlace() throws IOException {
        Engine.open(options()).close();
        long position;
        try (LocalJournal journal = new LocalJournal(
                new FolderDisk(folder.resolve("journal")),
                options().segmentBytes(),
                options().maxRecordBytes(),
                Runnable::run)) {
            journal.replay(0, (at, record) -> {});
            position = journal.append(ByteBuffer.wrap(new byte[] {64, 99}));
            journal.sync();
        }
        assertRefused("the journal has a command at position " + position
                + " that this program does not know (format version 99, this program reads 1)");
    }
}
