package dev.parley.server.session;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.timeline.Visit;
import dev.parley.server.wake.NamedAgents;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.time.InstantSource;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** What happened between a session and those who read it: {@code /v1/sessions/<session>/timeline}. */
record TimelineResource(Sessions sessions, NamedAgents agents, Gate gate, Timelines timelines, InstantSource clock) {
    Answer get(Request request, ChannelName channel) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, channel.full())
                .app();
        SessionName name = channel.in(app);
        SessionState session = sessions.find(name);
        Timelines.View view = timelines.of(name);
        if (session == null && view.visits().isEmpty() && view.events().isEmpty()) {
            throw new WireException(SessionsResource.noSuchSession());
        }
        List<ObjectNode> wakes = session == null ? List.of() : agents.wakes(session, clock.millis());
        return Answer.of(200, to -> {
            to.beginObject().name("attachments").beginArray();
            view.visits().forEach(visit -> write(to, visit));
            to.endArray().name("wakes").beginArray();
            wakes.forEach(wake -> to.json(wake.toString()));
            to.endArray().name("events").beginArray();
            view.events().forEach(event -> write(to, event));
            to.endArray().field("forgotten", view.forgotten()).endObject();
        });
    }

    private static void write(WireWriter to, Visit visit) {
        to.beginObject()
                .field("connectionId", visit.connectionId())
                .field("clientId", visit.clientId())
                .field("since", visit.since());
        Visit.Place place = visit.place();
        if (place != null) {
            to.field("attachedAt", place.at())
                    .field("attachPoint", Serials.render(place.position()))
                    .field("resumed", place.resumed())
                    .field("attached", visit.placed());
        }
        if (visit.written() != 0) {
            to.field("written", Serials.render(visit.written()));
        }
        to.field("replayed", visit.replayed()).field("gaps", visit.gaps());
        if (visit.gapAt() != 0) {
            to.field("gapAt", visit.gapAt());
        }
        to.field("waits", visit.waits());
        Visit.End end = visit.end();
        if (end != null) {
            to.field("endedAt", end.at()).field("reason", end.reason());
        }
        to.endObject();
    }

    private static void write(WireWriter to, Timelines.Event event) {
        to.beginObject()
                .field("at", event.at())
                .field("type", event.type())
                .field("who", event.who())
                .field("clientId", event.clientId())
                .field("what", event.what());
        if (event.code() != 0) {
            to.field("code", event.code());
        }
        if (!event.detail().isEmpty()) {
            to.field("detail", event.detail());
        }
        to.endObject();
    }
}
