package dev.parley.server.wake;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Agent.Trigger;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunTexts.Notice;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.wake.WakeMachine;
import dev.parley.server.auth.SecretSeal;
import dev.parley.server.channel.Mentions;
import dev.parley.server.http.RefusedException;
import dev.parley.server.webhook.WebhookUrl;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads descriptions of agents, and shows agents without their secrets. Words what a session says about wakes, so that the engine
 * need not know how messages are written.
 *
 * @param seal encrypts what a call needs before it goes into the log
 * @param allowLocal whether agents may be called by plain HTTP on this machine, for development
 * @param inside where else they may be called
 */
public record AgentSpecs(SecretSeal seal, boolean allowLocal, WebhookUrl.Inside inside) {
    /** The name of the message that says what has become of a wake. */
    public static final String NAME = "parley.wake";

    /** The greatest number of characters of an agent's id. */
    public static final int MAX_ID_CHARS = 128;

    /** The greatest number of characters of an agent's name. */
    static final int MAX_NAME_CHARS = 256;

    /** The greatest number of patterns of mentions of an agent. */
    static final int MAX_PATTERNS = 16;

    /** The longest debounce, in milliseconds. */
    static final long MAX_DEBOUNCE_MILLIS = 600_000;

    /** The greatest number of headers of a call. */
    static final int MAX_HEADERS = 32;

    /** The greatest size of what a call needs: its headers, and the template of its body. */
    static final int MAX_SECRET_BYTES = 32 << 10;

    /** Headers that a call has from the server. */
    private static final Set<String> OUR_HEADERS = Set.of(
            "connection",
            "content-encoding",
            "content-length",
            "content-type",
            "expect",
            "host",
            "keep-alive",
            "parley-wake-id",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "webhook-signature");

    /** The field that says what becomes of an agent's answer. */
    private static final String ANSWERS = "answers";

    /** It is what the agent says. */
    private static final String SSE = "sse";

    private static final String HEADERS = "headers";
    private static final String BODY_TEMPLATE = "bodyTemplate";

    /**
     * What a call needs besides its URL.
     *
     * @param body the fields that the body has besides those of the wake
     */
    public record Call(Map<String, String> headers, ObjectNode body) {}

    /** What the secrets of the agents of a session are encrypted for. */
    public static String place(SessionName session) {
        return session.key();
    }

    /** What the secrets of the agents of a namespace are encrypted for. No session has such a key. */
    public static String place(String app, String namespace) {
        return "/" + app + "/" + namespace;
    }

    /**
     * Reads the agents that a request names, at least one.
     *
     * @param place what their secrets are encrypted for
     */
    public List<Agent> readAll(String place, JsonNode body) throws WireException {
        return readAll(place, Fields.of(body, "body").elements("agents"), false);
    }

    /**
     * The same with the descriptions of the agents.
     *
     * @param streams whether an agent with an endpoint answers with what it says if its description says nothing about that
     */
    public List<Agent> readAll(String place, Iterable<JsonNode> descriptions, boolean streams) throws WireException {
        List<Agent> agents = new ArrayList<>();
        for (JsonNode agent : descriptions) {
            agents.add(read(place, agent, streams));
            if (agents.size() > WakeMachine.MAX_AGENTS) {
                break;
            }
        }
        if (agents.isEmpty()) {
            throw invalid("The field agents is an array of at least one agent.");
        }
        return agents;
    }

    private Agent read(String place, JsonNode json, boolean streams) throws WireException {
        Fields spec = Fields.of(json, "agent");
        String id = spec.requiredText("id");
        if (id.isEmpty() || id.length() > MAX_ID_CHARS) {
            throw invalid("The id of an agent has 1 to " + MAX_ID_CHARS + " characters.");
        }
        String name = spec.text("name");
        if (name != null && name.length() > MAX_NAME_CHARS) {
            throw invalid("The name of an agent has at most " + MAX_NAME_CHARS + " characters.");
        }
        String method = spec.text("method");
        if (method != null && !method.equals("POST")) {
            throw invalid("The method of an agent's calls is POST.");
        }
        long debounce = spec.number("debounceMs", 0);
        if (debounce < 0 || debounce > MAX_DEBOUNCE_MILLIS) {
            throw invalid("The field debounceMs is from 0 to " + MAX_DEBOUNCE_MILLIS + ".");
        }
        return new Agent(
                id,
                name,
                endpoint(owner(place, id), spec, streams(spec, streams && spec.text("endpoint") != null)),
                trigger(spec.text("triggers")),
                patterns(id, spec),
                debounce,
                spec.isTrue("onlyWhenWatched"),
                notice(id, "given-up", "wakeId", "\""),
                notice(id, "loop-ended", "turns", ""));
    }

    private static Trigger trigger(@Nullable String name) throws WireException {
        if (name == null) {
            return Trigger.USER_MESSAGES;
        }
        for (Trigger trigger : Trigger.values()) {
            if (wireName(trigger).equals(name)) {
                return trigger;
            }
        }
        throw invalid("The field triggers is user-messages, mention, all or invocation.");
    }

    private static String wireName(Trigger trigger) {
        return trigger.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static List<String> patterns(String id, Fields spec) throws WireException {
        List<String> patterns = new ArrayList<>();
        for (JsonNode pattern : spec.elements("mentions")) {
            String text = pattern.isString() ? pattern.stringValue().toLowerCase(Locale.ROOT) : "";
            int star = text.indexOf(Agent.ANYTHING);
            if (!text.startsWith("@")
                    || text.length() < 2
                    || text.length() > Mentions.MAX_MENTION_CHARS
                    || (star >= 0 && star < text.length() - 1)) {
                throw invalid("A mention begins with @, has 2 to " + Mentions.MAX_MENTION_CHARS
                        + " characters, and * only at its end.");
            }
            patterns.add(text);
        }
        if (patterns.size() > MAX_PATTERNS) {
            throw invalid("An agent has at most " + MAX_PATTERNS + " mentions.");
        }
        return spec.get("mentions") == null ? List.of("@" + id.toLowerCase(Locale.ROOT)) : List.copyOf(patterns);
    }

    /** Whether an agent answers with what it says. */
    private static boolean streams(Fields spec, boolean unless) throws WireException {
        return switch (spec.text(ANSWERS)) {
            case null -> unless;
            case SSE -> true;
            case "status" -> false;
            default -> throw invalid("The field answers is sse or status.");
        };
    }

    /**
     * Reads where somebody is called, and with what; null if nobody is.
     *
     * @param owner whose secrets these are
     */
    public Agent.@Nullable Endpoint endpoint(String owner, Fields spec) throws WireException {
        return endpoint(owner, spec, false);
    }

    private Agent.@Nullable Endpoint endpoint(String owner, Fields spec, boolean streams) throws WireException {
        String url = spec.text("endpoint");
        Map<String, String> headers = headers(spec);
        Fields template = spec.object(BODY_TEMPLATE, BODY_TEMPLATE);
        if (url == null) {
            if (!headers.isEmpty() || template != null || streams) {
                throw invalid("An agent without an endpoint is not called, and needs neither headers nor bodyTemplate,"
                        + " nor does it answer with sse.");
            }
            return null;
        }
        parse(url);
        if (headers.isEmpty() && template == null) {
            return new Agent.Endpoint(url, null, streams);
        }
        ObjectNode secrets = JsonMapper.shared().createObjectNode();
        secrets.set(HEADERS, JsonMapper.shared().valueToTree(headers));
        if (template != null) {
            secrets.set(BODY_TEMPLATE, template.node());
        }
        byte[] plain = secrets.toString().getBytes(StandardCharsets.UTF_8);
        if (plain.length > MAX_SECRET_BYTES) {
            throw invalid("The headers and bodyTemplate of an agent have at most " + MAX_SECRET_BYTES + " bytes.");
        }
        return new Agent.Endpoint(url, Data.of(seal.seal(plain, owner)), streams);
    }

    private WebhookUrl parse(String url) throws WireException {
        try {
            return WebhookUrl.parse(url, allowLocal, inside);
        } catch (RefusedException e) {
            throw invalid("The endpoint cannot be called. " + e.getMessage());
        }
    }

    private static Map<String, String> headers(Fields spec) throws WireException {
        Map<String, String> headers = new LinkedHashMap<>();
        Fields all = spec.object(HEADERS, HEADERS);
        if (all != null) {
            for (var header : all.node().properties()) {
                String name = header.getKey();
                boolean isOurs = OUR_HEADERS.contains(name.toLowerCase(Locale.ROOT));
                if (isOurs || !name.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")) {
                    throw invalid("The header " + name + " cannot be set for calls of an agent.");
                }
                String value = header.getValue().isString() ? header.getValue().stringValue() : "\n";
                if (!value.matches("[\\t\\x20-\\x7E]*")) {
                    throw invalid("The value of the header " + name + " is not a text of ASCII in one line.");
                }
                headers.put(name, value);
            }
        }
        if (headers.size() > MAX_HEADERS) {
            throw invalid("Calls of an agent have at most " + MAX_HEADERS + " headers.");
        }
        return headers;
    }

    /** The URL at which an agent is called, if it still may be called there. */
    public WebhookUrl url(Agent.Endpoint endpoint) throws WireException {
        return parse(endpoint.url());
    }

    /** What a call of an agent needs. */
    Call call(String place, String agentId, Agent.Endpoint endpoint) throws SecretSeal.BrokenSealException {
        return call(owner(place, agentId), endpoint);
    }

    /** What a call needs. */
    public Call call(String owner, Agent.Endpoint endpoint) throws SecretSeal.BrokenSealException {
        Map<String, String> headers = new LinkedHashMap<>();
        Data secrets = endpoint.secrets();
        if (secrets == null) {
            return new Call(headers, JsonMapper.shared().createObjectNode());
        }
        JsonNode plain = JsonMapper.shared().readTree(seal.open(secrets.bytes(), owner));
        plain.path(HEADERS)
                .properties()
                .forEach(
                        header -> headers.put(header.getKey(), header.getValue().stringValue()));
        return new Call(
                headers,
                plain.path(BODY_TEMPLATE) instanceof ObjectNode template
                        ? template
                        : JsonMapper.shared().createObjectNode());
    }

    /** The same agent in another session: what it is called with is sealed for one session. */
    public Agent moved(Agent agent, SessionName from, SessionName to) {
        Agent.Endpoint endpoint = agent.endpoint();
        Data secrets = endpoint == null ? null : endpoint.secrets();
        if (endpoint == null || secrets == null) {
            return agent;
        }
        try {
            byte[] plain = seal.open(secrets.bytes(), owner(place(from), agent.id()));
            return agent.at(endpoint.with(Data.of(seal.seal(plain, owner(place(to), agent.id())))));
        } catch (SecretSeal.BrokenSealException e) {
            throw new IllegalStateException("what the agent " + agent.id() + " is called with cannot be read", e);
        }
    }

    private static String owner(String place, String agentId) {
        return "agent " + agentId + " of " + place;
    }

    /** An agent as clients see it: without what it is called with. */
    public static ObjectNode shown(Agent agent) {
        ObjectNode shown = JsonMapper.shared().createObjectNode().put("id", agent.id());
        if (agent.name() != null) {
            shown.put("name", agent.name());
        }
        if (agent.endpoint() != null) {
            shown.put("endpoint", agent.endpoint().url());
            if (agent.endpoint().streams()) {
                shown.put(ANSWERS, SSE);
            }
        }
        shown.put("triggers", wireName(agent.trigger()));
        agent.patterns().forEach(shown.putArray("mentions")::add);
        return shown.put("debounceMs", agent.debounceMillis()).put("onlyWhenWatched", agent.onlyWhenWatched());
    }

    private static Notice notice(String agentId, String state, String field, String quote) {
        String start = JsonMapper.shared()
                .createObjectNode()
                .put("agentId", agentId)
                .put("state", state)
                .toString();
        // What is inserted has no characters that would have to be escaped.
        return new Notice(
                NAME,
                start.substring(0, start.length() - 1) + ",\"" + field + "\":" + quote,
                quote + ",\"at\":",
                "}",
                "json");
    }

    private static WireException invalid(String message) {
        return new WireException(ErrorInfo.invalidValue(message));
    }
}
