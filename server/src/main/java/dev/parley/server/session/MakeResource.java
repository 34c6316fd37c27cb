package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Described;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.OfDescribe;
import dev.parley.engine.session.SessionOutcome.TooManyLabels;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Publishing;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes sessions, and labels them. */
record MakeResource(Engine engine, Gate gate, InstantSource clock, SessionsResource sessions) {
    /** Makes the session unless it is there. */
    Answer make(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SESSION_CREATE, session.full());
        @Nullable
        List<LabelChange> labels =
                request.body().length == 0 ? null : Labels.in(Fields.of(request.tree(), "body"), "labels");
        if (labels != null) {
            request.permitted(gate, CapabilityOp.SESSION_LABEL, session.full());
        }
        SessionName name = name(session, principal);
        Described done = describe(request, principal, name, true, labels != null, labels == null ? List.of() : labels);
        return sessions.describe(name, done.made() ? 201 : 200);
    }

    /**
     * Changes the labels of a session.
     *
     * @param replace whether it has no others afterwards
     */
    Answer label(Request request, ChannelName session, boolean replace) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SESSION_LABEL, session.full());
        SessionName name = name(session, principal);
        describe(request, principal, name, false, replace, Labels.of(request.tree()));
        return sessions.describe(name, 200);
    }

    private static SessionName name(ChannelName session, Principal principal) throws WireException {
        if (!session.qualifier().isEmpty()) {
            throw new WireException(ErrorInfo.INVALID_CHANNEL_NAME);
        }
        return session.in(principal.app());
    }

    /** Who makes a request: a client id, or else the name of a key; of somebody without credentials, that it is only a claim. */
    static String by(Request request, Gate gate, Principal principal) throws WireException {
        String clientId = Publishing.clientId(gate, principal, request.headers().get("X-Actor-Id"));
        if (principal.isAnonymous()) {
            return clientId == null ? "anonymous" : clientId + " (claimed)";
        }
        return clientId == null ? principal.keyName() : clientId;
    }

    private Described describe(
            Request request,
            Principal principal,
            SessionName name,
            boolean makes,
            boolean replace,
            List<LabelChange> labels)
            throws WireException {
        String by = by(request, gate, principal);
        OfDescribe outcome = Commands.await(
                engine.submit(new Describe(name, clock.millis(), by, makes, replace, labels, Labels.MAX_LABELS)));
        return switch (outcome) {
            case Described done -> done;
            case NoSuchSession none -> throw new WireException(SessionsResource.noSuchSession());
            case TooManyLabels(int most) ->
                throw new WireException(
                        ErrorInfo.invalidValue("A session has at most " + most + " labels; remove some."));
        };
    }
}
