package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * The same seeds come to the same in two processes that differ in all that a machine may lean on by mistake: identity hashes,
 * and with them and the salt of each process the order of what has none; locale, time zone and encoding; compiler and
 * collector. Another node, or a later start, is such a process.
 */
class DeterminismTest {
    private static final int HISTORIES = 40;

    @TempDir
    Path folder;

    @Test
    void twoProcessesComeToTheSame() throws Exception {
        Running one = start("one", "-XX:+UseG1GC", "-Duser.language=en", "-Duser.timezone=UTC");
        Running other = start(
                "other",
                "-Xint",
                "-XX:+UseSerialGC",
                "-XX:+UnlockExperimentalVMOptions",
                // All objects have the same identity hash.
                "-XX:hashCode=2",
                "-Duser.language=tr",
                "-Duser.country=TR",
                "-Duser.timezone=Asia/Kathmandu",
                "-Dfile.encoding=ISO-8859-1");
        List<String> hashes = one.lines();
        assertThat(hashes).hasSize(HISTORIES).doesNotHaveDuplicates();
        assertThat(other.lines()).isEqualTo(hashes);
    }

    private record Running(Process process, Path output, Path errors) {
        List<String> lines() throws IOException, InterruptedException {
            assertThat(process.waitFor())
                    .as("status; %s", Files.readString(errors))
                    .isZero();
            return Files.readAllLines(output);
        }
    }

    private Running start(String name, String... flags) throws IOException, URISyntaxException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", classPath(), HistoryHashes.class.getName(), "" + HISTORIES));
        Path output = folder.resolve(name + ".out");
        Path errors = folder.resolve(name + ".err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        return new Running(process, output, errors);
    }

    /** Where this process has its classes from, which its own class path need not tell. */
    private static String classPath() throws URISyntaxException {
        List<URI> places = new ArrayList<>();
        for (Class<?> type : List.of(HistoryHashes.class, Engine.class, Assertions.class, LoggerFactory.class)) {
            places.add(type.getProtectionDomain().getCodeSource().getLocation().toURI());
        }
        return places.stream().map(place -> Path.of(place).toString()).collect(Collectors.joining(File.pathSeparator));
    }
}
