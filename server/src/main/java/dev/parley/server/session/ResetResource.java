package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;

/** Removes what was said in a session, which stays otherwise. */
record ResetResource(Engine engine, Gate gate, Publisher publisher, InputsResource inputs, DevicesResource devices) {

    /** Asks agents to stop, and removes all messages. With {@code clearPresence}, nobody is there with a device any more. */
    Answer reset(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SESSION_ERASE, session.full());
        SessionName name = session.in(principal.app());
        SessionState state = engine.sessions().find(name);
        if (state == null) {
            throw new WireException(SessionsResource.noSuchSession());
        }
        boolean clears =
                request.body().length > 0 && Fields.of(request.tree(), "body").isTrue("clearPresence");
        inputs.stopAll(principal, session);
        trim(name);
        if (clears) {
            devices.clear(state);
        }
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("success", true)
                        .field("sessionId", session.full())
                        .field("message", "What was said in the session is removed.")
                        .endObject());
    }

    /** A command removes a part of a long session; the horizon shows how far it came. */
    private void trim(SessionName name) throws WireException {
        SessionState state = engine.sessions().find(name);
        long id = state == null ? 0 : state.id();
        long upTo = state == null ? 0 : state.last();
        while (state != null && state.id() == id && state.horizon() < upTo) {
            Commands.await(engine.submit(new Trim(name, publisher.clock().millis(), upTo)));
            state = engine.sessions().find(name);
        }
    }
}
