package dev.parley.server.cli.remote;

import dev.parley.server.http.Urls;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code parley streams}: streams of a running server. */
@Command(
        name = "streams",
        description = "List and follow streams of a running server.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class StreamsCommand extends CommandGroup {
    private static final String ROOT = "/v1/stream/";

    /** What stands for itself in a path, besides letters and digits. */
    private static final String UNESCAPED = "/-._~!$&'()*+,;=:@";

    @Command(name = "ls", description = "List streams by path.", mixinStandardHelpOptions = true)
    void list(
            @Mixin Remote remote,
            @Option(names = "--prefix", paramLabel = "TEXT", description = "Only those whose paths begin with this.")
                    @Nullable
                    String prefix) {
        remote.list(
                prefix == null ? ROOT : ROOT + "?prefix=" + Urls.escaped(escaped(prefix)),
                "streams",
                stream -> "%s  %s%s  %s"
                        .formatted(
                                Show.time(stream.path("createdAt")),
                                stream.path("closed").booleanValue(false) ? "closed  " : "",
                                stream.path("contentType").stringValue(""),
                                stream.path("path").stringValue("")));
    }

    @Command(
            name = "tail",
            description = "Follow a stream until interrupted: JSON as lines, all else as it is.",
            mixinStandardHelpOptions = true)
    void tail(
            @Mixin Remote remote,
            @Parameters(paramLabel = "STREAM", description = "Its path, without /v1/stream/.") String stream,
            @Mixin Tail tail)
            throws InterruptedException {
        tail.follow(remote, ROOT + escaped(stream));
    }

    /** A path as it stands in a URL. What is escaped already stays so, because lists have paths in this form. */
    private static String escaped(String path) {
        var escaped = new StringBuilder();
        for (int i = 0; i < path.length(); ) {
            int end = path.offsetByCodePoints(i, 1);
            String part = path.substring(i, end);
            boolean isEscape = path.startsWith("%", i) && path.substring(i).matches("(?s)%[0-9A-Fa-f]{2}.*");
            escaped.append(isEscape || UNESCAPED.indexOf(part) >= 0 ? part : Urls.escaped(part));
            i = end;
        }
        return escaped.toString();
    }
}
