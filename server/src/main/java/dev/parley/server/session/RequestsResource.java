package dev.parley.server.session;

import dev.parley.conversation.Inputs;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.AlreadyDecided;
import dev.parley.engine.session.SessionOutcome.OfDecide;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.request.Requests;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.channel.Requesting;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.WireException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What people are asked and what they decide: {@code /v1/sessions/<session>/requests}, and {@code /v1/requests} for all
 * sessions.
 *
 * @param pageBytes the greatest size of a page, roughly
 */
record RequestsResource(Sessions sessions, Gate gate, Publisher publisher, int pageBytes) {
    /** The end of the event id of the answer that nobody has given; the id of the request is before it. */
    private static final String DUE = ":due";

    /** The reasons of answers that nobody has given. */
    private static final String NOBODY_DECIDED = "Nobody has decided in time.";

    private static final String NOBODY_OBJECTED = "Nobody has objected in time.";

    private static final char SEPARATOR = '\n';

    /**
     * What somebody decides.
     *
     * @param id the id of the decision
     * @param chosen whether the client has chosen the id, as {@code txid}
     * @param edited as in {@link Decision}
     */
    record Decided(
            String id,
            boolean chosen,
            Verdict verdict,
            @Nullable String device,
            @Nullable String comment,
            @Nullable String edited) {}

    /** The request, or null. */
    @Nullable
    SessionRequest find(SessionName name, String id) {
        SessionState session = sessions.find(name);
        return session == null ? null : sessions.requests().find(session, id);
    }

    /** The requests of a session. */
    Answer list(Request request, ChannelName session) throws WireException {
        String app =
                request.permitted(gate, CapabilityOp.HISTORY, session.full()).app();
        Wanted wanted = Wanted.of(request);
        String cursor = request.param("cursor");
        SessionState state = sessions.find(session.in(app));
        Page<SessionRequest> page = state == null
                ? new Page<>(List.of(), false)
                : sessions.requests().of(state, cursor == null ? "" : decoded(cursor), request.limit(), pageBytes);
        List<SessionRequest> shown = page.entries().stream()
                .filter(found -> wanted.takes(found.status()))
                .toList();
        String next = page.more() ? encoded(page.entries().getLast().id()) : null;
        return Answer.of(200, to -> {
            to.beginObject().name("requests").beginArray();
            shown.forEach(found -> RequestView.write(to, found, true));
            to.endArray().field("next", next).endObject();
        });
    }

    /** One request. */
    Answer get(Request request, ChannelName session, String id) throws WireException {
        String app =
                request.permitted(gate, CapabilityOp.HISTORY, session.full()).app();
        SessionRequest found = found(session.in(app), id);
        return Answer.of(200, to -> RequestView.write(to, found, true));
    }

    /** What has become of a request, for somebody who may not be allowed to read what is said in the session. */
    private static Answer shown(int status, SessionRequest request, Principal principal, ChannelName session) {
        boolean whole = principal.may(CapabilityOp.HISTORY, session.full());
        return Answer.of(status, to -> RequestView.write(to, request, whole));
    }

    private SessionRequest found(SessionName name, String id) throws WireException {
        SessionRequest found = find(name, id);
        if (found == null) {
            throw new WireException(ErrorInfo.notFound("There is no request with the id " + id + " in the session."));
        }
        return found;
    }

    /** The requests of all sessions, by session. */
    Answer inbox(Request request) throws WireException {
        String prefix = Objects.requireNonNullElse(request.param("prefix"), "");
        Principal principal = request.permitted(gate, CapabilityOp.HISTORY, prefix + "*");
        Wanted wanted = Wanted.of(request);
        String cursor = request.param("cursor");
        Requests.Inbox inbox = sessions.requests()
                .inbox(
                        principal.app(),
                        prefix,
                        wanted.status() == null || wanted.takes(Status.OPEN),
                        cursor == null ? null : place(cursor),
                        filter(request, wanted, principal),
                        request.limit(),
                        pageBytes);
        Requests.Place next = inbox.next();
        return Answer.of(200, to -> {
            to.beginObject().name("requests").beginArray();
            inbox.requests().forEach(found -> RequestView.write(to, found, true));
            to.endArray();
            if (next != null) {
                to.field("next", encoded(next.session() + SEPARATOR + next.requestId()));
            }
            to.endObject();
        });
    }

    /**
     * Which requests are wanted.
     *
     * @param status as the request says; null if it does not say
     * @param exact the status; null if the request does not name one
     */
    private record Wanted(@Nullable String status, @Nullable Status exact) {
        static Wanted of(Request request) throws WireException {
            String status = request.param("status");
            return new Wanted(
                    status,
                    status == null || status.equals("closed") ? null : named(Status.values(), "status", status));
        }

        boolean takes(Status found) {
            return status == null || (exact == null ? found != Status.OPEN : exact == found);
        }
    }

    private static Predicate<Requests.Listed> filter(Request request, Wanted wanted, Principal principal)
            throws WireException {
        String name = request.param("kind");
        Kind kind = name == null ? null : named(Kind.values(), "kind", name);
        String clientId = request.param("clientId");
        List<String> roles = request.query().getAll("role").stream()
                .map(role -> Requesting.ROLE + role)
                .toList();
        if (roles.size() > Principal.MAX_ROLES) {
            throw new WireException(
                    ErrorInfo.invalidValue("The parameter role is there at most " + Principal.MAX_ROLES + " times."));
        }
        boolean isAnybodys = clientId == null && roles.isEmpty();
        long dueBefore = request.number("dueBefore", Long.MAX_VALUE, Long.MAX_VALUE);
        return listed -> (kind == null || kind == listed.kind())
                && wanted.takes(listed.status())
                && (isAnybodys || listed.asks(clientId, roles))
                && (dueBefore == Long.MAX_VALUE || (listed.due() != 0 && listed.due() < dueBefore))
                && principal.may(CapabilityOp.HISTORY, listed.session().name());
    }

    static String encoded(String place) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(place.getBytes(StandardCharsets.UTF_8));
    }

    static String decoded(String cursor) throws WireException {
        try {
            return new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw noCursor();
        }
    }

    private static Requests.Place place(String cursor) throws WireException {
        String place = decoded(cursor);
        // Names of sessions have no control characters.
        int separator = place.indexOf(SEPARATOR);
        if (separator < 0) {
            throw noCursor();
        }
        return new Requests.Place(place.substring(0, separator), place.substring(separator + 1));
    }

    private static WireException noCursor() {
        return new WireException(ErrorInfo.invalidValue("The parameter cursor is the field next of the page before."));
    }

    /** Asks people something. */
    Answer ask(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.PUBLISH, session.full());
        Fields body = Fields.of(request.tree(), "body");
        String chosen = InputsResource.id(body, "requestId");
        SessionName name = session.in(principal.app());
        String kind = body.text("kind");
        String whenDue = body.text("whenDue");
        long quorum = body.number("quorum", 1);
        String id = chosen == null ? UUID.randomUUID().toString() : chosen;
        var asked = new Terms(
                named(Kind.values(), "kind", kind == null ? "" : kind),
                Objects.requireNonNullElse(body.text("title"), ""),
                request.actor(body),
                InputsResource.id(body, "runId"),
                InputsResource.id(body, "messageId"),
                InputsResource.id(body, "toolCallId"),
                json(body.get("arguments")),
                clientIds(body),
                quorum < 0 || quorum > Integer.MAX_VALUE ? 0 : (int) quorum,
                time(body, "due"),
                whenDue == null ? WhenDue.EXPIRE : named(WhenDue.values(), "whenDue", whenDue),
                null,
                null,
                grants(body));
        Ask command = new Requesting(gate, principal, session.full())
                .ask(name, publisher.clock().millis(), id, withDueAnswer(principal, session, id, asked));
        Refusals.check(Refusals.of(Commands.await(publisher.engine().submit(command))));
        return shown(201, found(name, id), principal, session);
    }

    /** With what goes to the agent that waits for the approval of a call of a tool, if nobody decides in time. */
    private Terms withDueAnswer(Principal principal, ChannelName session, String id, Terms asked) throws WireException {
        String call = asked.toolCallId();
        if (asked.due() == 0
                || asked.kind() != Kind.APPROVAL
                || asked.runId() == null
                || asked.messageId() == null
                || call == null) {
            return asked;
        }
        var placement = new Inputs.Placement(id + DUE, asked.messageId(), null, asked.runId(), asked.messageId(), null);
        boolean approved = asked.whenDue() == WhenDue.APPROVE;
        ObjectNode message = Inputs.approval(placement, call, approved, approved ? NOBODY_OBJECTED : NOBODY_DECIDED)
                .toJson();
        Publish said = publisher.part(principal, session, List.of(InboundMessage.read(message)));
        for (RunNote note : said.runs()) {
            if (note instanceof RunNote.Said input) {
                Body body = said.messages().getFirst().body();
                return new Terms(
                        asked.kind(),
                        asked.title(),
                        asked.by(),
                        asked.runId(),
                        asked.messageId(),
                        call,
                        asked.arguments(),
                        asked.clientIds(),
                        asked.quorum(),
                        asked.due(),
                        asked.whenDue(),
                        asked.notice(),
                        new SessionRequest.DueAnswer(body, input),
                        asked.grants());
            }
        }
        // The namespace of the session takes no note of runs.
        return asked;
    }

    private static List<String> clientIds(Fields body) throws WireException {
        return texts(body, "clientIds", InputsResource.MAX_ID_CHARS);
    }

    /** Whose credentials may answer: those with a role, or with an operation of capabilities. */
    private static List<String> grants(Fields body) throws WireException {
        List<String> grants = new ArrayList<>();
        texts(body, "roles", Principal.MAX_ROLE_CHARS).forEach(role -> grants.add(Requesting.ROLE + role));
        String capability = body.text("capability");
        if (capability != null) {
            if (CapabilityOp.ofSessions().stream()
                    .noneMatch(operation -> operation.wireName().equals(capability))) {
                throw new WireException(ErrorInfo.invalidValue(
                        "The field capability is an operation of capabilities in sessions, such as control."));
            }
            grants.add(Requesting.CAPABILITY + capability);
        }
        return List.copyOf(grants);
    }

    private static List<String> texts(Fields body, String field, int maxChars) throws WireException {
        List<String> texts = new ArrayList<>();
        for (JsonNode text : body.elements(field)) {
            if (!text.isString()
                    || text.stringValue().isEmpty()
                    || text.stringValue().length() > maxChars) {
                throw new WireException(ErrorInfo.invalidValue(
                        "The field " + field + " has texts with 1 to " + maxChars + " characters."));
            }
            texts.add(text.stringValue());
        }
        return List.copyOf(texts);
    }

    private static long time(Fields body, String name) throws WireException {
        long time = body.number(name, 0);
        if (time < 0) {
            throw new WireException(
                    ErrorInfo.invalidValue("The field " + name + " is a time in milliseconds since 1970."));
        }
        return time;
    }

    private static @Nullable String json(@Nullable JsonNode value) {
        return value == null ? null : value.toString();
    }

    /** Decides a request. */
    Answer decide(Request request, ChannelName session, String id) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.PUBLISH, session.full());
        Fields body = Fields.of(request.tree(), "body");
        Principal sender = request.speaking(gate, principal, body);
        String decision = body.text("decision");
        Verdict verdict = named(Verdict.values(), "decision", decision == null ? "" : decision);
        String edited = json(body.get(Requesting.editedField(verdict)));
        if (verdict == Verdict.ANSWER && edited == null) {
            throw new WireException(ErrorInfo.invalidValue("The field answer is missing."));
        }
        String chosen = InputsResource.id(body, "txid");
        var decided = new Decided(
                chosen == null ? UUID.randomUUID().toString() : chosen,
                chosen != null,
                verdict,
                InputsResource.id(body, "deviceId"),
                body.text("comment"),
                verdict == Verdict.DENY ? null : edited);
        SessionName name = session.in(principal.app());
        Answer refused = decide(sender, session, found(name, id), decided);
        return refused == null ? shown(200, found(name, id), principal, session) : refused;
    }

    /** Decides a request; returns the answer if somebody else has before, or it is too late. */
    @Nullable
    Answer decide(Principal sender, ChannelName session, SessionRequest request, Decided decided) throws WireException {
        long now = publisher.clock().millis();
        String clientId = Principal.ANY_CLIENT.equals(sender.clientId()) ? null : sender.clientId();
        var decision = new Decision(
                decided.id(),
                decided.verdict(),
                clientId,
                sender.keyName(),
                now,
                null,
                decided.device(),
                decided.comment(),
                decided.edited());
        Decide command = new Requesting(gate, sender, session.full())
                .decide(
                        session.in(sender.app()),
                        now,
                        request,
                        decision,
                        answer(sender, session, request.terms(), decided, clientId));
        OfDecide outcome = Commands.await(publisher.engine().submit(command));
        ErrorInfo error = Refusals.of(outcome);
        if (error == null) {
            return null;
        }
        if (outcome instanceof AlreadyDecided(SessionRequest winner)) {
            boolean whole = sender.may(CapabilityOp.HISTORY, session.full());
            return Answer.of(error.statusCode(), to -> {
                to.beginObject()
                        .field("error", error.message())
                        .field("code", error.code())
                        .field("statusCode", error.statusCode());
                RequestView.write(to.name("request"), winner, whole);
                to.endObject();
            });
        }
        throw new WireException(error);
    }

    /** What the agent gets that waits for the approval of a call of a tool, as a client of AI Transport would write it. */
    private Publish answer(
            Principal sender, ChannelName session, Terms terms, Decided decided, @Nullable String clientId)
            throws WireException {
        if (terms.runId() == null || terms.messageId() == null || terms.toolCallId() == null) {
            return new Publish(session.in(sender.app()), publisher.clock().millis(), null, List.of());
        }
        var placement =
                new Inputs.Placement(decided.id(), terms.messageId(), clientId, terms.runId(), terms.messageId(), null);
        ObjectNode message = Inputs.approval(
                        placement, terms.toolCallId(), decided.verdict() == Verdict.APPROVE, decided.comment())
                .toJson();
        if (decided.edited() != null) {
            message.withObject("extras")
                    .withObject(WireForm.AI)
                    .withObject(WireForm.CODEC)
                    .put(WireForm.APPROVED_ARGUMENTS, decided.edited());
        }
        if (decided.chosen()) {
            message.put("id", decided.id() + ":0");
            InputsResource.transport(message).put(WireForm.TXID, decided.id());
        }
        InputsResource.markClaimed(message, sender);
        return publisher.part(sender, session, List.of(InboundMessage.read(message)));
    }

    private static <E extends Enum<E>> E named(E[] values, String field, String name) throws WireException {
        for (E value : values) {
            if (Requesting.wireName(value).equals(name)) {
                return value;
            }
        }
        List<String> names = new ArrayList<>();
        for (E value : values) {
            names.add(Requesting.wireName(value));
        }
        throw new WireException(
                ErrorInfo.invalidValue("The field " + field + " is one of " + String.join(", ", names) + "."));
    }
}
