package dev.parley.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A session that the npm library has written is the same conversation as the npm library makes of it, together with what it
 * decodes and does not show: how far a text is, what providers say, and what was decided about a call.
 */
class GoldenTest {
    private static final int ORDERS = 60;

    static Stream<Golden> scenes() {
        return Golden.all();
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void theFormIsTheOneThatWasRecorded(Golden golden) {
        assertThat(golden.json().path("version").stringValue()).isEqualTo(WireForm.VERSION);
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void liveMessagesMakeTheSameConversation(Golden golden) {
        Conversation conversation = new Conversation();
        conversation.applyAll(golden.deliveries());
        assertThat(written(conversation)).isEqualTo(golden.json().path("expected"));
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void historyNewestFirstMakesTheSameConversation(Golden golden) {
        Conversation conversation = new Conversation();
        conversation.applyAll(golden.history());
        assertThat(written(conversation)).isEqualTo(golden.json().path("expected"));
        assertThat(Golden.historyAfter(golden.deliveries())).isEqualTo(golden.history());
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void anyOrderWithDuplicatesAndPagesMakesTheSameConversation(Golden golden) {
        JsonNode expected = golden.json().path("expected");
        for (int seed = 0; seed < ORDERS; seed++) {
            Random random = new Random(seed);
            Conversation conversation = new Conversation();
            for (SessionMessage message : reordered(golden.deliveries(), random)) {
                conversation.apply(message);
                // Whoever looks in between does not change what comes of it.
                if (random.nextInt(10) == 0) {
                    written(conversation);
                }
            }
            assertThat(written(conversation)).as("seed %d", seed).isEqualTo(expected);
        }
    }

    /** All deliveries, some of them twice, and pages of the history as it was at some times, in any order. */
    private static List<SessionMessage> reordered(List<SessionMessage> deliveries, Random random) {
        List<SessionMessage> all = new ArrayList<>(deliveries);
        for (SessionMessage delivery : deliveries) {
            if (random.nextInt(4) == 0) {
                all.add(delivery);
            }
        }
        for (int page = random.nextInt(4); page > 0; page--) {
            List<SessionMessage> history =
                    Golden.historyAfter(deliveries.subList(0, random.nextInt(deliveries.size() + 1)));
            all.addAll(history.subList(0, random.nextInt(history.size() + 1)));
        }
        Collections.shuffle(all, random);
        return all;
    }

    /** A conversation in the form of the golden files. */
    private static JsonNode written(Conversation conversation) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        ArrayNode nodes = json.putArray("nodes");
        conversation.nodes().forEach(node -> nodes.add(written(node)));
        View view = conversation.newView();
        ArrayNode messages = json.putArray("messages");
        ArrayNode branches = json.putArray("branches");
        for (Message message : view.messages()) {
            messages.add(written(message));
            View.Branch branch = view.branch(message.id());
            ObjectNode one = branches.addObject().put("codecMessageId", message.id());
            ArrayNode siblings = one.putArray("siblings");
            branch.alternatives().forEach(sibling -> siblings.add(UiMessages.write(sibling)));
            one.put("index", branch.selected());
        }
        ArrayNode runs = json.putArray("runs");
        view.runs().forEach(run -> putRun(runs.addObject().put("runId", run.key()), run));
        return json;
    }

    private static JsonNode written(Node node) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        put(json, "parent", node.parent());
        if (node instanceof Node.Input input) {
            json.put("kind", "input").put("key", input.key());
            put(json, "forkOf", input.forkOf());
        } else if (node instanceof Node.Run run) {
            json.put("kind", "run").put("key", run.key());
            put(json, "forkOf", run.forkOf());
            put(json, "regenerates", run.regenerates());
            putRun(json, run);
        }
        ArrayNode messages = json.putArray("messages");
        node.messages().forEach(message -> messages.add(written(message)));
        return json;
    }

    private static void putRun(ObjectNode json, Node.Run run) {
        json.put("clientId", run.ownerId())
                .put("invocationId", run.invocationId())
                .put("status", run.status().wireName());
        Node.RunError error = run.error();
        if (error != null) {
            json.putObject("error").put("code", error.code()).put("message", error.message());
        }
        ArrayNode steps = json.putArray("steps");
        for (Node.Step step : run.steps()) {
            ObjectNode one = steps.addObject()
                    .put("stepId", step.id())
                    .put("status", step.status().wireName())
                    .put("attemptCount", step.attempts());
            put(one, "stepClientId", step.clientId());
        }
    }

    private static ObjectNode written(Message message) {
        ObjectNode json = JsonMapper.shared().createObjectNode().put("codecMessageId", message.id());
        json.set("message", UiMessages.write(message));
        return json;
    }

    private static void put(ObjectNode json, String name, @Nullable String value) {
        if (value != null) {
            json.put(name, value);
        }
    }
}
