package dev.parley.server.cli.remote;

import dev.parley.engine.codec.FolderFormat;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code parley doctor}: looks at a running server, and at the data folder if it is on this machine. */
@Command(
        name = "doctor",
        description =
                "Look whether a server is well: whether it serves, its clock and limits, and the disk and version of its data.",
        mixinStandardHelpOptions = true,
        footer = {"", "The exit status is 1 if something is wrong, and 0 if there are warnings only."})
public final class Doctor implements Callable<Integer> {
    /** Beyond this the clocks of two machines are apart. A token may be refused then. */
    private static final Duration MAX_APART = Duration.ofSeconds(10);

    /** What a server with the default settings needs at most to store anything: see docs/operations.md. */
    private static final long NEEDED_BYTES = 400L << 20;

    private static final long ENOUGH_BYTES = 2L << 30;

    /** For 100,000 connections. */
    private static final int ENOUGH_FILES = 102_048;

    private static final Pattern FORMAT = Pattern.compile("parley data folder, format (\\d{1,9})\\s*");

    private static final Set<PosixFilePermission> OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    /** How something is. */
    private enum State {
        OK,
        WARNING,
        WRONG
    }

    /** What was found. */
    private record Finding(String about, State state, String says) {}

    @Mixin
    private Remote remote = new Remote();

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "The data folder. Without it PARLEY_DATA_DIR, or parley-data; nothing is said if it is not there.")
    private @Nullable Path data;

    private final List<Finding> findings = new ArrayList<>();

    @Override
    public Integer call() {
        server();
        folder();
        for (Finding finding : findings) {
            String state = finding.state().name().toLowerCase(Locale.ROOT);
            Remote.out()
                    .println(
                            remote.json()
                                    ? Remote.JSON
                                            .createObjectNode()
                                            .put("about", finding.about())
                                            .put("state", state)
                                            .put("says", finding.says())
                                            .toString()
                                    : "%-8s %-12s %s".formatted(state, finding.about(), finding.says()));
        }
        return findings.stream().anyMatch(finding -> finding.state() == State.WRONG) ? 1 : 0;
    }

    private void found(String about, State state, String says) {
        findings.add(new Finding(about, state, says));
    }

    private void server() {
        try {
            HttpResponse<byte[]> ready =
                    remote.send(remote.request("/health/ready").build());
            JsonNode health = Remote.tree(ready);
            if (ready.statusCode() != 200) {
                found("server", State.WRONG, remote.base() + " serves nobody yet or any more: " + health);
            } else if (health.has("failing")) {
                found("server", State.WRONG, remote.base() + " serves, but fails at " + health.get("failing"));
            } else {
                found("server", State.OK, remote.base() + " serves");
            }
            long before = System.currentTimeMillis();
            long theirs = remote.get("/time").path(0).longValue(0);
            clock(before, theirs, System.currentTimeMillis());
            metrics(remote.send(remote.request("/metrics").build()));
        } catch (IOException e) {
            found("server", State.WRONG, "no server answers at " + remote.base() + " (" + e + ")");
        }
    }

    private void clock(long before, long theirs, long after) {
        // As far as the time of the request leaves it open, the clocks agree.
        long apart = Math.max(0, Math.max(before - theirs, theirs - after));
        if (apart > MAX_APART.toMillis()) {
            found(
                    "clock",
                    State.WARNING,
                    "the server's clock and this machine's are " + apart / 1000
                            + " s apart: tokens that are made elsewhere may be refused");
        } else {
            found("clock", State.OK, "the server's clock and this machine's agree");
        }
    }

    private void metrics(HttpResponse<byte[]> answer) {
        if (answer.statusCode() != 200) {
            found("metrics", State.WARNING, "there are none (metrics.enabled), so that less is known");
            return;
        }
        String text = new String(answer.body(), StandardCharsets.UTF_8);
        OptionalDouble doubt = metric(text, "parley_clock_doubt_seconds");
        if (doubt.orElse(0) != 0) {
            found(
                    "clock",
                    State.WRONG,
                    "the server doubts its clock, which is %.0f s ahead: nothing is deleted because of its age for an hour"
                            .formatted(doubt.orElse(0)));
        }
        OptionalDouble files = metric(text, "process_files_max_files");
        if (files.isPresent()) {
            found(
                    "open files",
                    files.orElse(0) < ENOUGH_FILES ? State.WARNING : State.OK,
                    "the server may open %.0f files%s"
                            .formatted(
                                    files.orElse(0),
                                    files.orElse(0) < ENOUGH_FILES
                                            ? ", too few for the 100,000 connections of the default limits.connections"
                                            : ""));
        }
    }

    private static OptionalDouble metric(String text, String name) {
        Matcher line = Pattern.compile("^" + name + "(?:\\{[^}]*})? (\\S+)$", Pattern.MULTILINE)
                .matcher(text);
        return line.find() ? OptionalDouble.of(Double.parseDouble(line.group(1))) : OptionalDouble.empty();
    }

    private void folder() {
        Path folder = data == null ? Remote.dataFolder() : data;
        if (!Files.isDirectory(folder)) {
            if (data != null) {
                found("data", State.WRONG, folder + " is no folder");
            }
            return;
        }
        try {
            format(folder);
            permissions(folder);
        } catch (IOException e) {
            found("data", State.WRONG, folder + " cannot be looked at: " + e);
        }
        long free = folder.toFile().getUsableSpace();
        String says = "%s has %d MiB left".formatted(folder, free >> 20);
        if (free < NEEDED_BYTES) {
            found("disk", State.WRONG, says + ": with default settings, nothing more is stored");
        } else if (free < ENOUGH_BYTES) {
            found("disk", State.WARNING, says + ", which is little");
        } else {
            found("disk", State.OK, says);
        }
    }

    private void format(Path folder) throws IOException {
        Path file = folder.resolve("format");
        if (Files.notExists(file)) {
            boolean used = Files.exists(folder.resolve("journal"));
            found(
                    "data",
                    used ? State.OK : State.WARNING,
                    folder + (used ? " has the first format, which this version reads" : " has no data of Parley"));
            return;
        }
        Matcher text = FORMAT.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!text.matches()) {
            found("data", State.WRONG, file + " is damaged");
            return;
        }
        int format = Integer.parseInt(text.group(1));
        found(
                "data",
                format > FolderFormat.NEWEST ? State.WRONG : State.OK,
                folder + " has format " + format + ", and this version reads formats up to " + FolderFormat.NEWEST);
    }

    private void permissions(Path folder) throws IOException {
        if (!folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return;
        }
        Path key = folder.resolve("root.key");
        for (Path each : Files.exists(key) ? List.of(folder, key) : List.of(folder)) {
            if (Files.getPosixFilePermissions(each).stream().anyMatch(OTHERS::contains)) {
                found("permissions", State.WARNING, "other users may use " + each);
                return;
            }
        }
        found("permissions", State.OK, "only their owner may read the data");
    }
}
