package dev.parley.server.cli.remote;

import dev.parley.server.http.Urls;
import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Options of commands that follow a stream, which they do by long-poll: first what is there, then what comes. */
final class Tail {
    @Option(
            names = "--from",
            paramLabel = "OFFSET",
            defaultValue = "now",
            description = "Where to begin: -1 for all there is, now, or an offset.")
    private String from = "now";

    @Option(names = "--no-follow", description = "End when everything that is there was written.")
    private boolean once;

    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** How often in a row a server may not answer, or answer that it is not ready, before we give up. */
    private static final int MAX_FAILURES = 60;

    /**
     * Writes the stream at {@code path}: of JSON, one message on each line, and of others, their bytes. Goes on where it was if the
     * server is away for a while.
     */
    void follow(Remote remote, String path) throws InterruptedException {
        String offset = from;
        String cursor = null;
        boolean caughtUp = false;
        int failures = 0;
        while (true) {
            String query = "?offset=" + Urls.escaped(offset)
                    + (caughtUp ? "&live=long-poll" : "")
                    + (cursor == null ? "" : "&cursor=" + Urls.escaped(cursor));
            HttpResponse<byte[]> answer;
            try {
                answer = remote.send(remote.request(path + query).build());
            } catch (IOException e) {
                if (++failures > MAX_FAILURES) {
                    throw new RemoteException("No server answers at " + remote.base() + " (" + e + ").", e);
                }
                TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
                continue;
            }
            if (answer.statusCode() == 503 && ++failures <= MAX_FAILURES) {
                TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
                continue;
            }
            if (answer.statusCode() >= 300) {
                throw Remote.refused(answer);
            }
            failures = 0;
            write(answer, Remote.out());
            offset = answer.headers().firstValue("Stream-Next-Offset").orElse(offset);
            cursor = answer.headers().firstValue("Stream-Cursor").orElse(null);
            caughtUp = caughtUp || has(answer, "Stream-Up-To-Date");
            if (has(answer, "Stream-Closed") || (caughtUp && once)) {
                return;
            }
        }
    }

    private static boolean has(HttpResponse<byte[]> answer, String header) {
        return answer.headers().firstValue(header).filter("true"::equals).isPresent();
    }

    private static void write(HttpResponse<byte[]> answer, PrintStream out) {
        if (answer.headers().firstValue("Content-Type").orElse("").startsWith("application/json")) {
            if (answer.body().length > 0) {
                for (JsonNode message : Remote.tree(answer)) {
                    out.println(message);
                }
            }
        } else {
            out.writeBytes(answer.body());
        }
        // Whoever reads a pipe wants it now.
        out.flush();
    }
}
