package dev.parley.server.session;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.server.channel.Requesting;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How what people are asked and decide is shown. */
final class RequestView {
    private RequestView() {}

    /** @param whole whether what is said in the session is shown: what is asked for, and what is answered */
    static void write(WireWriter to, SessionRequest request, boolean whole) {
        Terms terms = request.terms();
        to.beginObject()
                .field("requestId", request.id())
                .field("sessionId", request.session().name())
                .field("kind", Requesting.wireName(terms.kind()))
                .field("status", Requesting.wireName(request.status()))
                .field("title", terms.title())
                .field("by", terms.by())
                .field("runId", terms.runId())
                .field("messageId", terms.messageId())
                .field("toolCallId", terms.toolCallId());
        if (whole) {
            writeJson(to, "arguments", terms.arguments());
        }
        if (!terms.clientIds().isEmpty()) {
            to.name("clientIds").beginArray();
            terms.clientIds().forEach(to::value);
            to.endArray();
        }
        List<String> roles = Requesting.named(terms, Requesting.ROLE);
        if (!roles.isEmpty()) {
            to.name("roles").beginArray();
            roles.forEach(to::value);
            to.endArray();
        }
        Requesting.named(terms, Requesting.CAPABILITY).forEach(operation -> to.field("capability", operation));
        to.field("quorum", terms.quorum());
        if (terms.due() != 0) {
            to.field("due", terms.due()).field("whenDue", Requesting.wireName(terms.whenDue()));
        }
        to.field("serial", Serials.render(request.since())).field("createdAt", Positions.millis(request.since()));
        if (request.closed() != 0) {
            to.field("closedAt", Positions.millis(request.closed()));
        }
        to.name("decisions").beginArray();
        request.decisions().forEach(decision -> write(to, decision, whole));
        to.endArray().endObject();
    }

    private static void write(WireWriter to, Decision decision, boolean whole) {
        to.beginObject()
                .field("decision", Requesting.wireName(decision.verdict()))
                .field("by", decision.clientId())
                .field("key", decision.key().isEmpty() ? null : decision.key())
                .field("at", decision.time())
                .field("connectionId", decision.connectionId())
                .field("deviceId", decision.device());
        if (decision.key().isEmpty()) {
            to.field("claimed", true);
        }
        if (whole) {
            to.field("comment", decision.comment());
            writeJson(to, Requesting.editedField(decision.verdict()), decision.edited());
        }
        to.endObject();
    }

    private static void writeJson(WireWriter to, String field, @Nullable String text) {
        if (text != null && Requesting.isJson(text)) {
            to.jsonField(field, text);
        } else {
            to.field(field, text);
        }
    }
}
