package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.ControlChange;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Controlling;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Who has the control of a session, an agent or a person.
 *
 * @param pageBytes the greatest size of a page, roughly
 */
record ControlResource(Engine engine, Gate gate, InstantSource clock, int pageBytes) {

    /** Who has it now. */
    Answer get(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SUBSCRIBE, session.full());
        return answer(session.in(principal.app()));
    }

    /** Who has had it, also when the messages that have said so are gone. */
    Answer changes(Request request, ChannelName session) throws WireException {
        String app =
                request.permitted(gate, CapabilityOp.HISTORY, session.full()).app();
        String cursor = request.param("cursor");
        OptionalLong after = cursor == null ? OptionalLong.of(0) : Serials.parse(cursor);
        if (after.isEmpty()) {
            throw new WireException(ErrorInfo.invalidValue("The cursor is the field next of the page before."));
        }
        SessionState state = engine.sessions().find(session.in(app));
        Page<ControlChange> page = state == null
                ? new Page<>(List.of(), false)
                : engine.sessions().controls().changes(state, after.getAsLong(), request.limit(), pageBytes);
        String next = page.more() ? Serials.render(page.entries().getLast().position()) : null;
        return Answer.of(200, to -> {
            to.beginObject().name("changes").beginArray();
            page.entries().forEach(change -> write(to, change));
            to.endArray().field("next", next).endObject();
        });
    }

    /** Writes a change as the message has said it, with its position. */
    static void write(WireWriter to, ControlChange change) {
        writeTo(to.beginObject().field("position", Serials.render(change.position())), change);
        to.endObject();
    }

    /** Adds to an object what the message has said. */
    static void writeTo(WireWriter to, ControlChange change) {
        Data data = change.notice().data();
        if (data != null && data.text()) {
            to.jsonField("control", data.asText());
        }
    }

    /** Gives it to somebody. */
    Answer change(Request request, ChannelName session) throws WireException {
        Principal principal = request.principal();
        JsonNode body = request.tree();
        String actor = text(body, "actorId");
        JsonNode onWrite = body.path("onWrite");
        if (!onWrite.isMissingNode() && !onWrite.isBoolean()) {
            throw new WireException(ErrorInfo.invalidValue("The field onWrite is true or false."));
        }
        SessionName name = session.in(principal.app());
        ChangeControl command = new Controlling(gate, principal, session.full())
                .change(
                        name,
                        clock.millis(),
                        mode(text(body, "mode")),
                        actor == null ? request.headers().get("X-Actor-Id") : actor,
                        until(body.path("until")),
                        onWrite.asBoolean(false));
        Refusals.check(Refusals.of(Commands.await(engine.submit(command))));
        return answer(name);
    }

    private Answer answer(SessionName name) {
        SessionState state = engine.sessions().find(name);
        Control control = state == null ? Control.DEFAULT : state.control();
        return Answer.of(200, to -> {
            to.beginObject().field("mode", Controlling.wireName(control.mode()));
            if (control.holder() != null) {
                to.field("holder", control.holder());
            }
            if (control.since() != 0) {
                to.field("since", Serials.render(control.since()));
            }
            if (control.until() != 0) {
                to.field("until", control.until());
            }
            to.field("onWrite", control.onWrite()).endObject();
        });
    }

    private static Control.Mode mode(@Nullable String name) throws WireException {
        for (Control.Mode mode : Control.Mode.values()) {
            if (Controlling.wireName(mode).equals(name)) {
                return mode;
            }
        }
        throw new WireException(ErrorInfo.invalidValue("The field mode is agent, person or shared."));
    }

    private static @Nullable String text(JsonNode body, String field) throws WireException {
        JsonNode value = body.path(field);
        if (!value.isMissingNode() && !value.isString()) {
            throw new WireException(ErrorInfo.invalidValue("The field " + field + " is a text."));
        }
        return value.isString() ? value.stringValue() : null;
    }

    private static long until(JsonNode until) throws WireException {
        if (until.isMissingNode()) {
            return 0;
        }
        if (!until.isIntegralNumber() || !until.canConvertToLong() || until.longValue() <= 0) {
            throw new WireException(ErrorInfo.invalidValue("The field until is a time in milliseconds since 1970."));
        }
        return until.longValue();
    }
}
