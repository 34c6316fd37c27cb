package dev.parley.server.channel;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.request.RequestMachine;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rules for what people are asked in a channel, which are the same for all doors. Makes commands, or refuses them. Words
 * what the channel says about it, so that the engine need not know how messages are written.
 *
 * @param channel the name of the channel in the form that clients use
 */
public record Requesting(Gate gate, Principal principal, String channel) {
    /** The name of the messages that say what is asked, and what has become of it. */
    public static final String NAME = "parley.request";

    /** The longest title of a request. */
    static final int MAX_TITLE_CHARS = 1_000;

    /** The greatest number of clients that one request names. */
    static final int MAX_CLIENTS = 100;

    /** The longest time for which a request is open, if there is one. */
    static final int MAX_DAYS = 366;

    private static final long MILLIS_PER_DAY = 24 * 3_600_000;
    /** Begins what a role grants. */
    public static final String ROLE = "role:";

    /** Begins what an operation of capabilities grants. */
    public static final String CAPABILITY = "capability:";

    private static final String JSON = "json";
    private static final String REQUEST_ID = "requestId";

    /**
     * What credentials grant for a channel, in the words of requests: roles, and operations.
     *
     * @param channel the name of the channel in the form that clients use
     */
    public static List<String> grants(Principal principal, String channel) {
        List<String> grants = new ArrayList<>();
        principal.roles().forEach(role -> grants.add(ROLE + role));
        for (CapabilityOp operation : CapabilityOp.ofSessions()) {
            if (principal.may(operation, channel)) {
                grants.add(CAPABILITY + operation.wireName());
            }
        }
        return grants;
    }

    /**
     * Asks people something.
     *
     * @param asked what is asked, by whoever the request claims, without the words for it
     */
    public Ask ask(SessionName session, long now, String id, Terms asked) throws WireException {
        permit();
        String by = Publishing.clientId(gate, principal, asked.by());
        check(asked, now);
        var terms = new Terms(
                asked.kind(),
                asked.title(),
                by,
                asked.runId(),
                asked.messageId(),
                asked.toolCallId(),
                asked.arguments(),
                asked.clientIds(),
                asked.quorum(),
                asked.due(),
                asked.whenDue(),
                notice(id),
                asked.dueAnswer(),
                asked.grants());
        return new Ask(session, now, id, terms, asked(id, terms, now));
    }

    private static void check(Terms asked, long now) throws WireException {
        if (asked.title().length() > MAX_TITLE_CHARS) {
            throw invalid("A title has at most " + MAX_TITLE_CHARS + " characters.");
        }
        if (asked.clientIds().size() > MAX_CLIENTS || asked.grants().size() > MAX_CLIENTS) {
            throw invalid("A request names at most " + MAX_CLIENTS + " clients, and as many roles.");
        }
        if (asked.quorum() < 1
                || asked.quorum() > RequestMachine.MAX_QUORUM
                || (!asked.clientIds().isEmpty()
                        && asked.grants().isEmpty()
                        && asked.quorum()
                                > asked.clientIds().stream().distinct().count())) {
            throw invalid("The quorum is from 1 to " + RequestMachine.MAX_QUORUM
                    + ", and not more than the clients that are asked.");
        }
        if (asked.due() != 0 && (asked.due() <= now || asked.due() - now > MAX_DAYS * MILLIS_PER_DAY)) {
            throw invalid("The time when a request is due is in the future, by at most " + MAX_DAYS + " days.");
        }
        if (asked.toolCallId() != null && (asked.runId() == null || asked.messageId() == null)) {
            throw invalid("A request about the call of a tool names its run and its message as well.");
        }
        requireRoom(asked.arguments());
    }

    /**
     * Decides a request.
     *
     * @param answer what would publish the messages that go to who has asked, if this is the last decision that it needs
     */
    public Decide decide(SessionName session, long now, SessionRequest request, Decision decision, Publish answer)
            throws WireException {
        permit();
        if (!request.terms().takes(decision.verdict())) {
            throw invalid("An approval is approved or denied; everything else is answered.");
        }
        if (decision.comment() != null && decision.comment().length() > RunNotes.MAX_COMMENT_CHARS) {
            throw invalid("A comment has at most " + RunNotes.MAX_COMMENT_CHARS + " characters.");
        }
        requireRoom(decision.edited());
        return new Decide(
                session,
                now,
                request.id(),
                decision,
                grants(principal, channel).stream()
                        .filter(request.terms().grants()::contains)
                        .toList(),
                decided(request.id(), decision, now),
                answer.messages(),
                answer.runs());
    }

    private void permit() throws WireException {
        if (gate.permit(principal, CapabilityOp.PUBLISH, channel) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
    }

    private static void requireRoom(@Nullable String arguments) throws WireException {
        long size = arguments == null ? 0 : arguments.getBytes(StandardCharsets.UTF_8).length;
        if (size > RequestMachine.MAX_ARGUMENT_BYTES) {
            throw new WireException(ErrorInfo.tooLarge(size, RequestMachine.MAX_ARGUMENT_BYTES));
        }
    }

    private static WireException invalid(String message) {
        return new WireException(ErrorInfo.invalidValue(message));
    }

    /** The name of a kind, a status, a verdict, or an end on the wire. */
    public static String wireName(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** The field that has what somebody has decided beyond yes and no. */
    public static String editedField(Verdict verdict) {
        return verdict == Verdict.ANSWER ? "answer" : "arguments";
    }

    /** Whether a text can be shown as the JSON that it is. */
    public static boolean isJson(String text) {
        try {
            return !JsonMapper.shared().readTree(text).isMissingNode();
        } catch (JacksonException e) {
            // A tool has its arguments in another form, or they were not whole.
            return false;
        }
    }

    private Body asked(String id, Terms terms, long now) {
        ObjectNode data = object(id).put("status", "open").put("kind", wireName(terms.kind()));
        data.put("title", terms.title());
        put(data, "by", terms.by());
        markClaimed(data);
        put(data, "runId", terms.runId());
        put(data, "toolCallId", terms.toolCallId());
        putJson(data, "arguments", terms.arguments());
        if (!terms.clientIds().isEmpty()) {
            terms.clientIds().forEach(data.putArray("clientIds")::add);
        }
        List<String> roles = named(terms, ROLE);
        if (!roles.isEmpty()) {
            roles.forEach(data.putArray("roles")::add);
        }
        named(terms, CAPABILITY).forEach(operation -> data.put("capability", operation));
        data.put("quorum", terms.quorum());
        if (terms.due() != 0) {
            data.put("due", terms.due()).put("whenDue", wireName(terms.whenDue()));
        }
        return body(data.put("at", now));
    }

    /** Of what a request asks for: the roles, or the operation. */
    public static List<String> named(Terms terms, String kind) {
        return named(terms.grants(), kind);
    }

    /** The same of grants. */
    public static List<String> named(List<String> grants, String kind) {
        return grants.stream()
                .filter(grant -> grant.startsWith(kind))
                .map(grant -> grant.substring(kind.length()))
                .toList();
    }

    private Body decided(String id, Decision decision, long now) {
        ObjectNode data = object(id).put("decision", wireName(decision.verdict()));
        put(data, "by", decision.clientId());
        markClaimed(data);
        put(data, "deviceId", decision.device());
        put(data, "comment", decision.comment());
        putJson(data, editedField(decision.verdict()), decision.edited());
        return body(data.put("at", now));
    }

    /** Without credentials, who it is by is only a claim. */
    private void markClaimed(ObjectNode data) {
        if (principal.isAnonymous()) {
            data.put("claimed", true);
        }
    }

    private static RunTexts.Notice notice(String id) {
        String start = object(id).toString();
        return new RunTexts.Notice(
                NAME, start.substring(0, start.length() - 1) + ",\"status\":\"", "\",\"at\":", "}", JSON);
    }

    private static ObjectNode object(String id) {
        return JsonMapper.shared().createObjectNode().put(REQUEST_ID, id);
    }

    private static Body body(ObjectNode data) {
        return new Body(NAME, Data.of(data.toString()), JSON, null);
    }

    private static void put(ObjectNode data, String field, @Nullable String text) {
        if (text != null) {
            data.put(field, text);
        }
    }

    private static void putJson(ObjectNode data, String field, @Nullable String json) {
        if (json != null) {
            data.set(field, JsonMapper.shared().readTree(json));
        }
    }
}
