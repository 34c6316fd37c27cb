package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.SessionCommand.Fork;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Forked;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.NotNew;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Inheritance;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Makes sessions that go on from what was said in others.
 *
 * @param maxBytes the greatest size of what a fork has of its source, roughly
 * @param turns for the forks that are made at a time
 */
record ForkResource(
        Engine engine, Gate gate, Publisher publisher, AgentsResource agents, long maxBytes, Semaphore turns) {
    /** The number of forks that are made at a time, as what they have is in memory meanwhile. */
    static final int MAX_AT_A_TIME = 2;

    /** The greatest number of messages that a fork has of its source. */
    static final int MAX_MESSAGES = 10_000;

    private static final int STEP = 500;
    private static final int STEP_BYTES = 1 << 20;
    private static final int CONFLICT = 40900;

    /** Makes a session with what was said in another one, up to a message. */
    Answer fork(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.HISTORY, session.full());
        Fields body = request.body().length == 0 ? null : Fields.of(request.tree(), "body");
        String at = body == null ? null : InputsResource.id(body, "atMessageId");
        String chosen = body == null ? null : body.text("newSessionId");
        ChannelName fork = ChannelName.parse(chosen == null ? UUID.randomUUID().toString() : chosen);
        if (!fork.qualifier().isEmpty() || !session.qualifier().isEmpty()) {
            throw new WireException(ErrorInfo.INVALID_CHANNEL_NAME);
        }
        permit(principal, CapabilityOp.SESSION_CREATE, fork);
        permit(principal, CapabilityOp.PUBLISH, fork);
        String by = MakeResource.by(request, gate, principal);
        SessionName source = session.in(principal.app());
        SessionName target = fork.in(principal.app());
        SessionState state = find(source);
        if (!isDone(target, state, at)) {
            turns.acquireUninterruptibly();
            try {
                make(state, target, at, by);
            } finally {
                turns.release();
            }
            if (may(principal, session) && may(principal, fork)) {
                agents.inherit(state, target);
            }
        }
        return Answer.of(
                201,
                to -> to.beginObject()
                        .field("sessionId", fork.full())
                        .field("offset", "-1")
                        .field("streamUrl", SessionsResource.streamUrl(fork.full()))
                        .endObject());
    }

    private void permit(Principal principal, CapabilityOp operation, ChannelName session) throws WireException {
        var _ = Refusals.granted(gate.permit(principal, operation, session.full()));
    }

    private static boolean may(Principal principal, ChannelName session) {
        return principal.may(CapabilityOp.AGENT_MANAGE, session.full());
    }

    private SessionState find(SessionName name) throws WireException {
        SessionState state = engine.sessions().find(name);
        if (state == null) {
            boolean isErased = engine.sessions().erasures().of(name) != null;
            throw new WireException(isErased ? ErrorInfo.SESSION_ERASED : SessionsResource.noSuchSession());
        }
        return state;
    }

    /** Whether the same request for all of the session was answered before: more was said in the session since. */
    private boolean isDone(SessionName target, SessionState source, @Nullable String at) {
        SessionState known = at != null ? null : engine.sessions().find(target);
        Inheritance has = known == null ? null : engine.sessions().index().inheritance(known);
        return has != null
                && has.filled()
                && has.origin().ancestors().getFirst().equals(source.id());
    }

    private void make(SessionState source, SessionName target, @Nullable String at, String by) throws WireException {
        Heritage heritage = read(source, at);
        var origin = new Origin(source.name().name(), heritage.upTo(), ancestors(source));
        submit(new Fork(target, publisher.clock().millis(), by, origin, false, List.of(), List.of()));
        // Who erases the source with its forks looks for them after that, and finds this one by now.
        if (find(source.name()).id() != source.id()) {
            throw new WireException(ErrorInfo.SESSION_ERASED);
        }
        List<Create> messages = heritage.messages();
        submit(new Fork(target, publisher.clock().millis(), by, origin, true, heritage.serials(), messages));
    }

    private Heritage read(SessionState source, @Nullable String at) throws WireException {
        var heritage = new Heritage(at, MAX_MESSAGES, maxBytes);
        boolean more = true;
        for (long from = 0; more && !heritage.isTooLarge(); ) {
            Page<MessageEntry> page = engine.sessions()
                    .messages()
                    .page(source, new PositionRange(from, source.last(), false), STEP, STEP_BYTES);
            page.entries().forEach(heritage::see);
            more = page.more();
            from = more ? page.entries().getLast().serial() + 1 : from;
        }
        if (heritage.isTooLarge()) {
            throw new WireException(new ErrorInfo(
                    41300,
                    413,
                    "A fork has at most %d messages and %d bytes of its source; fork at an earlier message."
                            .formatted(MAX_MESSAGES, maxBytes)));
        }
        if (!heritage.isFound()) {
            throw new WireException(ErrorInfo.notFound("There is no message " + at + " in the session."));
        }
        return heritage;
    }

    private List<Long> ancestors(SessionState source) throws WireException {
        List<Long> ancestors = new ArrayList<>(List.of(source.id()));
        Inheritance its = engine.sessions().index().inheritance(source);
        if (its != null) {
            ancestors.addAll(its.origin().ancestors());
        }
        if (ancestors.size() > Origin.MAX_ANCESTORS) {
            throw new WireException(ErrorInfo.invalidValue(
                    "A session is a fork of a fork at most " + Origin.MAX_ANCESTORS + " times over."));
        }
        return ancestors;
    }

    private void submit(Fork command) throws WireException {
        switch (Commands.await(engine.submit(command))) {
            case Forked done -> {}
            case NotNew n ->
                throw new WireException(new ErrorInfo(
                        CONFLICT,
                        409,
                        "There is a session " + command.session().name()
                                + ", or there was one; choose another newSessionId, or leave it out."));
            case NoSuchSession gone -> throw new WireException(ErrorInfo.SESSION_ERASED);
        }
    }
}
