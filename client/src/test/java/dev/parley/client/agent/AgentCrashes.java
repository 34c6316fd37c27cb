package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.client.ParleyClient;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The process of an agent is killed at random points of its tool loop, and started again. Whoever makes an agent with a framework
 * tests it so: its model calls the tools {@code pay}, which takes keys, and {@code tell}, which does not, {@value #ROUNDS} times
 * each, and then says "Paid and told." The agent says on its standard output where it is.
 */
@ExtendWith(SharedServer.class)
public abstract class AgentCrashes {
    /** How often the model calls both tools. */
    public static final int ROUNDS = 3;

    private static final int KILLS = 6;

    /** The places that a process tells of before it is killed. */
    private static final int POINTS = 9;

    private static final Duration LONG = Duration.ofSeconds(60);

    private final TestServer server;
    private final Class<?> agent;

    /**
     * Tests an agent.
     *
     * @param agent has the main method of its process, with these arguments: the server, a key, a folder in which the tools keep
     *     what they do ({@code paid-} with the key as files, and the keys as lines of {@code told}), the event of the question,
     *     and the number of the place at which the process ends itself, or 0
     */
    protected AgentCrashes(TestServer server, Class<?> agent) {
        this.server = server;
        this.agent = agent;
    }

    /** {@code -Dparley.crash.seed} repeats one. */
    protected static Stream<Long> seeds() {
        Long given = Long.getLong("parley.crash.seed");
        int count = System.getenv("PARLEY_TEST_FULL") == null ? 3 : 30;
        return given == null ? Stream.iterate(1L, seed -> seed + 1).limit(count) : Stream.of(given);
    }

    /** Starts the agent. It ends itself, as by SIGKILL, at the place with this number; 0 means never. */
    private Process start(String key, Path folder, Sent question, int last) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dlogback.configurationFile=" + System.getProperty("logback.configurationFile"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        agent.getName(),
                        server.uri().toString(),
                        key,
                        folder.toString(),
                        question.eventId(),
                        Integer.toString(last))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static List<ToolCall> calls(Node.Run run) {
        return run.messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .toList();
    }

    @ParameterizedTest
    @MethodSource("seeds")
    protected void everyToolTakesEffectOnce(long seed, @TempDir Path folder) throws Exception {
        Random random = new Random(seed);
        String key = server.newKey();
        try (ParleyClient client = client(key, "ann");
                ClientSession ann = ClientSession.open(client, "s");
                ParleyClient other = client(key, "agent");
                AgentSession agent = AgentSession.open(other, "s", AgentOptions.DEFAULT.withEndOnShutdown(false))) {
            Sent question = ann.send("Pay and tell");
            // With every second seed, another process of the agent looks what has become of the calls; else a person
            // does.
            Settling settling = seed % 2 == 0 ? () -> settle(agent, folder) : () -> settle(ann, question);
            for (int kill = 0; kill < KILLS && !isOver(ann, question); kill++) {
                int place = 1 + random.nextInt(POINTS);
                // At the place itself, where for example a tool has had its effect and its result is not written; or
                // anywhere after it.
                boolean atOnce = random.nextInt(3) > 0;
                Process process = start(key, folder, question, atOnce ? place : 0);
                try {
                    killAfter(process, place, random.nextInt(20_000_000));
                } finally {
                    assertThat(process.destroyForcibly().waitFor(30, TimeUnit.SECONDS))
                            .isTrue();
                }
                settling.settle();
            }
            Process last = start(key, folder, question, 0);
            try {
                await("seed " + seed).atMost(LONG).until(() -> {
                    settling.settle();
                    return isOver(ann, question);
                });
            } finally {
                assertThat(last.destroyForcibly().waitFor(30, TimeUnit.SECONDS)).isTrue();
            }
            check(client, ann, question, folder, seed);
            if (seed % 2 == 0) {
                // What had not been told was told again, and nothing twice.
                assertThat(Files.readAllLines(folder.resolve("told"))).hasSize(ROUNDS);
                assertThat(agent.unknownOutcomes()).isEmpty();
            }
        }
    }

    private static boolean isOver(ClientSession ann, Sent question) {
        return ann.runOf(question).filter(run -> run.status().isTerminal()).isPresent();
    }

    private static void killAfter(Process process, int places, int nanos) throws IOException {
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        for (int i = 0; i < places; i++) {
            String line = output.readLine();
            if (line == null || line.equals("ready")) {
                return;
            }
        }
        LockSupport.parkNanos(nanos);
        process.destroyForcibly();
    }

    private interface Settling {
        void settle() throws IOException;
    }

    private ParleyClient client(String key, String clientId) {
        return ParleyClient.of(
                TestServer.options(server.uri(), key).clientId(clientId).build());
    }

    /** Settles calls whose outcome is not known as the agent, which looks whether they have had their effect. */
    private static void settle(AgentSession agent, Path folder) throws IOException {
        Path told = folder.resolve("told");
        for (UnknownOutcome call : agent.unknownOutcomes()) {
            assertThat(call.call().toolName()).isEqualTo("tell");
            boolean isDone = Files.exists(told)
                    && Files.readAllLines(told).contains(call.key().value());
            agent.settle(
                    call,
                    isDone
                            ? new Settlement.Result(JsonNodeFactory.instance.stringNode("told"))
                            : new Settlement.NotDone());
        }
    }

    /** Gives the results of calls whose outcome is not known. */
    private static void settle(ClientSession ann, Sent question) {
        Node.Run run = ann.runOf(question).orElse(null);
        if (run != null && run.status() == RunStatus.SUSPENDED) {
            List<String> unknown = run.messages().stream()
                    .flatMap(message -> message.parts().stream())
                    .filter(Part.Data.class::isInstance)
                    .map(Part.Data.class::cast)
                    .filter(data -> data.name().equals(ToolLoop.OUTCOME_UNKNOWN))
                    .map(data -> String.valueOf(data.id()))
                    .toList();
            for (ToolCall call : calls(run)) {
                if (!call.state().isFinal()) {
                    assertThat(call.toolName()).isEqualTo("tell");
                    assertThat(unknown).contains(call.toolCallId());
                    ann.toolResult(call.toolCallId(), JsonNodeFactory.instance.stringNode("settled"));
                }
            }
        }
    }

    private static void check(ParleyClient client, ClientSession ann, Sent question, Path folder, long seed)
            throws Exception {
        Node.Run run = ann.awaitRun(question, LONG).orElseThrow();
        assertThat(run.status()).as("seed %d", seed).isEqualTo(RunStatus.COMPLETE);
        List<ToolCall> calls = calls(run);
        assertThat(calls)
                .hasSize(2 * ROUNDS)
                .allSatisfy(call -> assertThat(call.state()).isEqualTo(ToolCall.State.OUTPUT_AVAILABLE));
        assertThat(run.messages().get(run.messages().size() - 1).text()).isEqualTo("Paid and told.");

        // The tool with keys has had every effect once, and no other.
        List<String> keys = calls.stream()
                .filter(call -> call.toolName().equals("pay"))
                .map(call -> "paid-" + new ToolKey("s", run.key(), call.toolCallId()).value())
                .toList();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("paid-")))
                    .containsExactlyInAnyOrderElementsOf(keys);
        }
        // The tool without keys was never called twice, and called whenever a result says so.
        List<String> told =
                Files.exists(folder.resolve("told")) ? Files.readAllLines(folder.resolve("told")) : List.of();
        assertThat(told).doesNotHaveDuplicates();
        assertThat(told)
                .containsAll(calls.stream()
                        .filter(call ->
                                JsonNodeFactory.instance.stringNode("told").equals(call.output()))
                        .map(call -> new ToolKey("s", run.key(), call.toolCallId()).value())
                        .toList());

        // The run has ended once, and whoever comes late sees the same.
        long ends = 0;
        for (var page = ann.session().history(); page != null; page = page.hasNext() ? page.next() : null) {
            ends += page.items().stream()
                    .filter(message -> "ai-run-end".equals(message.name()))
                    .count();
        }
        assertThat(ends).isEqualTo(1);
        ClientSession late = ClientSession.open(client, "s");
        while (late.view().loadOlder(100) > 0) {
            assertThat(late.messages()).hasSizeLessThan(1_000);
        }
        assertThat(late.messages()).isEqualTo(ann.messages());
        late.close();
    }
}
