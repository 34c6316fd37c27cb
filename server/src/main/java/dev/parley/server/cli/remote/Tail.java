package dev.parley.server.cli.remote;

import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/** Follows a stream by long-poll: first what is there, then what comes. */
final class Tail {
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** How often in a row a server may not answer, or answer that it is not ready, before we give up. */
    private static final int MAX_FAILURES = 60;

    private Tail() {}

    /**
     * Writes the stream at {@code path} from {@code from} on: of JSON, one message on each line, and of others, their bytes.
     * Goes on where it was if the server is away for a while.
     */
    static void follow(Remote remote, String path, String from, boolean live, PrintStream out)
            throws InterruptedException {
        String offset = from;
        String cursor = null;
        boolean caughtUp = false;
        int failures = 0;
        while (true) {
            String query = "?offset=" + Remote.segment(offset)
                    + (caughtUp ? "&live=long-poll" : "")
                    + (cursor == null ? "" : "&cursor=" + Remote.segment(cursor));
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
            write(answer, out);
            offset = answer.headers().firstValue("Stream-Next-Offset").orElse(offset);
            cursor = answer.headers().firstValue("Stream-Cursor").orElse(null);
            caughtUp = caughtUp || has(answer, "Stream-Up-To-Date");
            if (has(answer, "Stream-Closed") || (caughtUp && !live)) {
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
