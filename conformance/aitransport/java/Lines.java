import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Calls as lines of JSON on the standard input, with their answers on the standard output; java-process.mjs is the other side. */
final class Lines {
    /** What a program can be asked. */
    interface Calls {
        JsonNode call(String method, JsonNode args) throws Exception;
    }

    private static final PrintStream OUTPUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Lines() {}

    /** Answers calls side by side until the input ends. */
    static void serve(Calls calls) throws Exception {
        say(event("ready"));
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonNode call = JsonMapper.shared().readTree(line);
            Thread.ofVirtual().start(() -> answer(calls, call));
        }
    }

    private static void answer(Calls calls, JsonNode call) {
        ObjectNode answer = JsonMapper.shared().createObjectNode();
        answer.set("call", call.path("call"));
        try {
            answer.set("result", calls.call(call.path("method").asString(), call.path("args")));
        } catch (Exception e) {
            e.printStackTrace();
            answer.put("error", e.toString());
        }
        say(answer);
    }

    static ObjectNode event(String name) {
        return JsonMapper.shared().createObjectNode().put("event", name);
    }

    static synchronized void say(JsonNode line) {
        OUTPUT.println(line);
    }
}
