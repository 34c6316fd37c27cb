package dev.parley.client.agent;

import dev.parley.client.ParleyClient;
import dev.parley.client.TestServer;
import dev.parley.conversation.Node;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/**
 * The process of an agent that {@link AgentCrashes} ends at random points. It says on its standard output where it is. Its tools
 * keep what they do in files, as a service elsewhere would keep it.
 */
public final class CrashingProcess {
    /** The exit status after a SIGKILL. */
    private static final int KILLED = 137;

    /** The number of places that are left until the process ends itself. */
    private static int left;

    private CrashingProcess() {}

    /**
     * Serves a session until the process is ended.
     *
     * @param args the server, a key, a folder, the event of the question, and the number of the last place, or 0
     * @param agent makes the agent of what its tools do
     */
    public static void run(String[] args, Function<Effects, RunHandler> agent) throws Exception {
        left = Integer.parseInt(args[4]);
        RunHandler handler = agent.apply(new Effects(Path.of(args[2])));
        try (ParleyClient client = ParleyClient.of(TestServer.options(URI.create(args[0]), args[1])
                        .clientId("agent")
                        .build());
                AgentSession session = AgentSession.open(client, "s")) {
            session.serve(handler);
            at("open");
            try {
                boolean isTaken = session.read(known -> known.nodes().stream().anyMatch(Node.Run.class::isInstance));
                if (isTaken || !session.abandonedRuns().isEmpty()) {
                    session.abandonedRuns().forEach(run -> session.adopt(run, handler));
                } else {
                    session.run(new Invocation(args[3], "s"), handler);
                }
            } catch (IllegalStateException e) {
                at("at work already: " + e.getMessage());
            }
            at("ready");
            // It goes on when somebody gives a result, until it is ended.
            Thread.currentThread().join();
        }
    }

    /** The process is at a place, which may be its last. */
    public static synchronized void at(String place) {
        System.out.println(place);
        System.out.flush();
        if (--left == 0) {
            // As by SIGKILL, nothing else runs.
            Runtime.getRuntime().halt(KILLED);
        }
    }

    /** What the two tools do: one takes keys, and one does not. */
    public record Effects(Path folder) {
        /** Pays, once for each key. */
        public String pay(String key) throws IOException {
            at("pay");
            try {
                Files.createFile(folder.resolve("paid-" + key));
            } catch (FileAlreadyExistsException e) {
                at("paid before");
            }
            at("paid");
            return "paid";
        }

        /** Tells, each time it is called. */
        public String tell(String key) throws IOException {
            at("tell");
            Files.writeString(folder.resolve("told"), key + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            at("told");
            return "told";
        }
    }
}
