package dev.parley.server.cli.remote;

import dev.parley.server.http.Urls;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code parley sessions}: the sessions of the app that the key belongs to. */
@Command(
        name = "sessions",
        description = "List, show, follow, export and erase sessions of a running server.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class SessionsCommand extends CommandGroup {
    private static final String ROOT = "/v1/sessions";
    private static final Pattern NEXT = Pattern.compile("<([^>]*)>; *rel=\"next\"");

    private static String path(String session) {
        return ROOT + "/" + Urls.escaped(session);
    }

    @Command(name = "ls", description = "List sessions by name.", mixinStandardHelpOptions = true)
    void list(
            @Mixin Remote remote,
            @Option(names = "--prefix", paramLabel = "TEXT", description = "Only those whose names begin with this.")
                    @Nullable
                    String prefix,
            @Option(
                            names = "--label",
                            paramLabel = "KEY:VALUE",
                            description = "Only those with this label; may be repeated.")
                    @Nullable
                    List<String> labels,
            @Option(names = "--open-runs", description = "Only those in which agents work.") boolean openRuns,
            @Option(names = "--pending-requests", description = "Only those in which people are asked something.")
                    boolean pendingRequests) {
        var query = new StringBuilder();
        add(query, "prefix", prefix);
        if (labels != null) {
            labels.forEach(label -> add(query, "label", label));
        }
        add(query, "openRuns", openRuns ? "true" : null);
        add(query, "pendingRequests", pendingRequests ? "true" : null);
        remote.list(
                ROOT + query,
                "sessions",
                session -> "%s  %8d bytes  %s"
                        .formatted(
                                Show.time(session.path("lastActivity")),
                                session.path("bytes").longValue(0),
                                session.path("sessionId").stringValue("")));
    }

    private static void add(StringBuilder query, String name, @Nullable String value) {
        if (value != null) {
            query.append(query.isEmpty() ? '?' : '&').append(name).append('=').append(Urls.escaped(value));
        }
    }

    @Command(
            name = "show",
            description = "Show what is known of a session, without what is said in it.",
            mixinStandardHelpOptions = true)
    void show(@Mixin Remote remote, @Parameters(paramLabel = "SESSION") String session) {
        JsonNode found = remote.get(path(session));
        if (remote.json()) {
            Remote.out().println(found);
        } else {
            Show.fields(Remote.out(), found);
        }
    }

    @Command(
            name = "tail",
            description = "Follow a session: the events of its stream, as JSON lines, until interrupted.",
            mixinStandardHelpOptions = true)
    void tail(@Mixin Remote remote, @Parameters(paramLabel = "SESSION") String session, @Mixin Tail tail)
            throws InterruptedException {
        tail.follow(remote, "/v1/stream/sessions/" + Urls.escaped(session));
    }

    @Command(
            name = "export",
            description = "Write the whole log of a session, for auditors, as JSON lines.",
            mixinStandardHelpOptions = true)
    void export(
            @Mixin Remote remote,
            @Parameters(paramLabel = "SESSION") String session,
            @Option(
                            names = {"-o", "--output"},
                            paramLabel = "FILE",
                            description = "Write to a new file.")
                    @Nullable
                    Path file) {
        try (OutputStream out = new BufferedOutputStream(
                file == null ? Remote.out() : Files.newOutputStream(file, StandardOpenOption.CREATE_NEW))) {
            @Nullable URI next = URI.create(remote.base() + path(session) + "/export");
            while (next != null) {
                HttpRequest.Builder request = remote.request(next);
                HttpResponse<byte[]> page = remote.ask(request);
                out.write(page.body());
                Matcher link = NEXT.matcher(String.join(", ", page.headers().allValues("Link")));
                next = link.find() ? page.uri().resolve(link.group(1)) : null;
            }
        } catch (FileAlreadyExistsException e) {
            throw new RemoteException(file + " is there already, and is not written over.", e);
        } catch (IOException e) {
            throw new RemoteException("The export cannot be written: " + e, e);
        }
    }

    @Command(
            name = "rm",
            description = "Erase a session with everything in it, for good.",
            mixinStandardHelpOptions = true)
    void remove(
            @Mixin Remote remote,
            @Parameters(paramLabel = "SESSION") String session,
            @Option(names = "--yes", description = "Needed, because nothing brings it back.") boolean yes) {
        if (!yes) {
            throw wrong("Nothing brings back a session that was erased: repeat the command with --yes.");
        }
        HttpResponse<byte[]> answer = remote.ask(remote.request(path(session)).DELETE());
        JsonNode erased = answer.body().length == 0
                ? Remote.JSON.createObjectNode().put("sessionId", session)
                : Remote.tree(answer);
        remote.write(erased, "erased " + session);
    }
}
