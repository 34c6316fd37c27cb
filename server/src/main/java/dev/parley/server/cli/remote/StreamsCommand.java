package dev.parley.server.cli.remote;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code parley streams}: streams of a running server. */
@Command(
        name = "streams",
        description = "List and follow streams of a running server.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class StreamsCommand implements Runnable {
    private static final String ROOT = "/v1/stream/";

    /** What stands for itself in a path, besides letters and digits. */
    private static final String UNESCAPED = "/-._~!$&'()*+,;=:@";

    @Spec
    @Nullable
    CommandSpec spec;

    @Override
    public void run() {
        throw Usage.missing(spec);
    }

    @Command(name = "ls", description = "List streams by path.", mixinStandardHelpOptions = true)
    void list(
            @Mixin Remote remote,
            @Option(names = "--prefix", paramLabel = "TEXT", description = "Only those whose paths begin with this.")
                    @Nullable
                    String prefix) {
        String query = prefix == null ? "?" : "?prefix=" + Remote.segment(escaped(prefix)) + "&";
        String cursor = null;
        do {
            JsonNode answer = remote.get(ROOT + query + (cursor == null ? "" : "cursor=" + Remote.segment(cursor)));
            for (JsonNode stream : answer.path("streams")) {
                Remote.out()
                        .println(
                                remote.json()
                                        ? stream.toString()
                                        : "%s  %s%s  %s"
                                                .formatted(
                                                        Show.time(stream.path("createdAt")),
                                                        stream.path("closed").booleanValue(false) ? "closed  " : "",
                                                        stream.path("contentType")
                                                                .stringValue(""),
                                                        stream.path("path").stringValue("")));
            }
            cursor = answer.path("next").stringValue(null);
        } while (cursor != null);
    }

    @Command(
            name = "tail",
            description = "Follow a stream until interrupted: JSON as lines, all else as it is.",
            mixinStandardHelpOptions = true)
    void tail(
            @Mixin Remote remote,
            @Parameters(paramLabel = "STREAM", description = "Its path, without /v1/stream/.") String stream,
            @Option(
                            names = "--from",
                            paramLabel = "OFFSET",
                            defaultValue = "now",
                            description = "Where to begin: -1 for all there is, now, or an offset.")
                    String from,
            @Option(names = "--no-follow", description = "End when everything that is there was written.") boolean once)
            throws InterruptedException {
        Tail.follow(remote, ROOT + escaped(stream), from, !once, Remote.out());
    }

    /** A path as it stands in a URL. What is escaped already stays so, because lists have paths in this form. */
    private static String escaped(String path) {
        var escaped = new StringBuilder();
        for (int i = 0; i < path.length(); ) {
            int end = path.offsetByCodePoints(i, 1);
            String part = path.substring(i, end);
            boolean isEscape = path.startsWith("%", i) && path.substring(i).matches("(?s)%[0-9A-Fa-f]{2}.*");
            escaped.append(isEscape || UNESCAPED.indexOf(part) >= 0 ? part : Remote.segment(part));
            i = end;
        }
        return escaped.toString();
    }
}
