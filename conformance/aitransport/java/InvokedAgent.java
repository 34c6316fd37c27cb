import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.Invocation;
import dev.parley.client.agent.Output;
import dev.parley.client.agent.Run;
import dev.parley.client.agent.Step;
import dev.parley.conversation.Message;
import dev.parley.conversation.Role;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.UiChunk;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An agent in Java that is handed invocations: agent.mjs and agent-process.mjs in one. Its model says what model.mjs
 * says.
 */
final class InvokedAgent implements Peers.Peer {
    private static final List<String> ENDINGS =
            List.of(" ", ", ", ".\n\n", " ☃ ", " \"quoted\" ", " <b>&amp;</b> ", " 🎈 ", "\t");
    private static final int STAGES = 3;
    private static final int TOKENS = 20;
    private static final JsonNode NOTHING = JsonMapper.shared().readTree("{}");

    private final Peers.Place place;
    private final ParleyClient client;
    private final AgentSession session;
    private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
    private final Map<String, CountDownLatch> gates = new ConcurrentHashMap<>();

    InvokedAgent(Peers.Place place) {
        this.place = place;
        this.client = place.connect();
        this.session = AgentSession.open(client, place.channel());
    }

    @Override
    public void close() {
        session.leave();
        client.close();
    }

    private ObjectNode event(String name) {
        return Lines.event(name).put("peer", place.peer());
    }

    @Override
    public JsonNode call(String method, JsonNode args) throws Exception {
        JsonNode first = args.path(0);
        switch (method) {
            case "serve": {
                String step = args.path(1).path("stepId").asString(null);
                JsonNode script = args.path(1).path("script");
                return outcome(session.run(invocation(first), run -> {
                    if (script.isObject()) {
                        perform(run, script);
                    } else {
                        respond(run, step);
                    }
                }));
            }
            case "takeOver": {
                Run run = session.adopt(args.path(1).path("runId").asString());
                try (run) {
                    respond(run, args.path(1).path("stepId").asString(null));
                    run.complete();
                }
                return outcome(run);
            }
            case "release":
                gate(first.asString(), args.path(1).asInt(), args.path(2).asInt()).countDown();
                return NOTHING;
            default:
                throw new IllegalArgumentException(method);
        }
    }

    private static Invocation invocation(JsonNode json) {
        return new Invocation(
                json.path("inputEventId").asString(), json.path("sessionName").asString());
    }

    private static JsonNode outcome(Run run) {
        return JsonNodeFactory.instance.stringNode(run.result().map(RunStatus::wireName).orElse("suspend"));
    }

    /** Says what is in a script: rounds of chunks, in and between which a number is a gate that the test opens. */
    private void perform(Run run, JsonNode script) throws Exception {
        String name = script.path("name").asString();
        for (JsonNode round : script.path("rounds").values()) {
            if (round.isNumber()) {
                pass(run, gate(name, 1, round.asInt()));
                continue;
            }
            try (Output output = run.output()) {
                for (JsonNode said : round.values()) {
                    if (said.isNumber()) {
                        pass(run, gate(name, 1, said.asInt()));
                    } else {
                        output.write(new UiChunk((ObjectNode) said));
                    }
                }
            }
        }
        if (script.path("suspends").asBoolean(false)) {
            run.suspend();
        }
    }

    private static void pass(Run run, CountDownLatch gate) throws InterruptedException {
        while (!gate.await(10, TimeUnit.MILLISECONDS)) {
            run.cancelToken().throwIfCancelled();
        }
    }

    private void respond(Run run, String stepId) throws Exception {
        try {
            rounds(run, stepId);
        } catch (RuntimeException e) {
            if (!run.cancelToken().isCancelled()) {
                e.printStackTrace();
            }
            throw e;
        }
    }

    private void rounds(Run run, String stepId) throws Exception {
        try (var hook = run.onSteer(() -> Lines.say(event("steered")))) {
            do {
                if (stepId == null) {
                    round(run, run.output());
                } else {
                    try (Step step = run.step(stepId)) {
                        round(run, step.output());
                    }
                }
            } while (run.isSteered());
        }
        if (run.isWaiting()) {
            run.suspend();
        }
    }

    private void round(Run run, Output begun) throws Exception {
        try (Output output = begun) {
            for (ToolCall call : run.approvedCalls()) {
                output.toolOutput(call.toolCallId(), JsonMapper.shared().readTree("\"it is removed\""));
            }
            List<Message> prompt = run.prompt().messages();
            ObjectNode shown = event("prompt");
            var texts = shown.putArray("texts");
            prompt.forEach(message -> texts.add(message.text()));
            Lines.say(shown);
            String question = question(prompt);
            int time = asked.computeIfAbsent(question, first -> new AtomicInteger())
                    .incrementAndGet();
            if (question.startsWith("use ")) {
                String tool = question.substring(4);
                output.toolCall("call of " + tool, tool, NOTHING);
                if (tool.equals("remove")) {
                    output.requestApproval("call of " + tool);
                }
                return;
            }
            for (int stage = 0; stage < STAGES; stage++) {
                tokens(question, time, stage).forEach(output::text);
                if (question.startsWith("slowly") && stage < STAGES - 1) {
                    pass(run, gate(question, time, stage));
                }
            }
        }
    }

    private static String question(List<Message> prompt) {
        Message last = prompt.get(prompt.size() - 1);
        if (last.role() == Role.USER) {
            return last.text();
        }
        List<ToolCall> calls =
                prompt.stream().flatMap(message -> message.toolCalls().stream()).toList();
        return "after " + calls.get(calls.size() - 1).toolName();
    }

    private static List<String> tokens(String question, int time, int stage) {
        List<String> tokens = new ArrayList<>();
        for (int n = stage * TOKENS; n < (stage + 1) * TOKENS; n++) {
            tokens.add(question + " (" + time + ") " + n + ENDINGS.get(n % ENDINGS.size()));
        }
        return tokens;
    }

    private CountDownLatch gate(String question, int time, int stage) {
        return gates.computeIfAbsent(question + " " + time + " " + stage, name -> new CountDownLatch(1));
    }
}
