package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.wake.NamedAgents;
import dev.parley.server.wake.WakeForm;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What the agents of a session have to do, and who does it. */
final class WakesResource {
    /** The longest time for which a worker has a wake. */
    static final long MAX_LEASE_MILLIS = 600_000;

    private static final long MIN_LEASE_MILLIS = 1_000;
    private static final long DEFAULT_LEASE_MILLIS = 30_000;

    /** The longest pause before a wake that is given back may be claimed again. */
    private static final long MAX_RETRY_MILLIS = 3_600_000;

    private static final int MAX_WORKER_CHARS = 128;

    private final Engine engine;
    private final Gate gate;
    private final InstantSource clock;
    private final WakeClaims claims;

    WakesResource(Engine engine, Gate gate, InstantSource clock) {
        this.engine = engine;
        this.gate = gate;
        this.clock = clock;
        this.claims = new WakeClaims(engine, clock);
    }

    /** Nobody waits any longer. */
    void stop() {
        claims.stop();
    }

    /** What agents have to do. */
    Answer list(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SUBSCRIBE, session.full());
        SessionState state = engine.sessions().find(session.in(principal.app()));
        ObjectNode answer = JsonMapper.shared().createObjectNode();
        var wakes = answer.putArray("wakes");
        if (state != null) {
            wakes.addAll(new NamedAgents(engine).wakes(state, clock.millis()));
        }
        return Answer.of(200, answer);
    }

    /** Gives a worker what its agent has to do in a session, as soon as there is something. */
    Answer claim(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.AGENT_WORK, session.full());
        return claim(request, principal, session.in(principal.app()));
    }

    /** Gives a worker what its agent has to do in any session that the worker may see, as soon as there is something. */
    Answer claimAnywhere(Request request) throws WireException {
        return claim(request, request.permittedSomewhere(gate, CapabilityOp.AGENT_WORK), null);
    }

    private Answer claim(Request request, Principal principal, @Nullable SessionName session) throws WireException {
        Fields body = body(request);
        String agent = body.text("agentId");
        if (agent == null) {
            agent = Principal.ANY_CLIENT.equals(principal.clientId()) ? null : principal.clientId();
        }
        if (agent == null || agent.isEmpty() || agent.length() > AgentSpecs.MAX_ID_CHARS) {
            throw new WireException(ErrorInfo.invalidValue("The field agentId names the agent that works."));
        }
        own(principal, agent);
        String name = body.text("worker");
        if (name != null && (name.isEmpty() || name.length() > MAX_WORKER_CHARS)) {
            throw new WireException(
                    ErrorInfo.invalidValue("The field worker has 1 to " + MAX_WORKER_CHARS + " characters."));
        }
        long lease = within(body, "leaseMs", DEFAULT_LEASE_MILLIS, MIN_LEASE_MILLIS, MAX_LEASE_MILLIS);
        long wait = within(body, "waitMs", 0, 0, WakeClaims.MAX_WAIT_MILLIS);
        var worker = new WakeClaims.Worker(principal, agent, name == null ? agent : name, lease);
        Wake wake = claims.claim(worker, session, wait);
        return wake == null
                ? Answer.noContent()
                : Answer.of(200, WakeForm.invocation(wake, JsonMapper.shared().createObjectNode()));
    }

    /** The worker has done it. */
    Answer done(Request request, ChannelName session, String wakeId) throws WireException {
        return settle(request, session, wakeId, Settlement.DONE, 0);
    }

    /** The worker needs more time. */
    Answer extend(Request request, ChannelName session, String wakeId) throws WireException {
        long lease = within(body(request), "leaseMs", DEFAULT_LEASE_MILLIS, MIN_LEASE_MILLIS, MAX_LEASE_MILLIS);
        return settle(request, session, wakeId, Settlement.EXTEND, clock.millis() + lease);
    }

    /** The worker does not do it: another one may, or nobody can. */
    Answer release(Request request, ChannelName session, String wakeId) throws WireException {
        Fields body = body(request);
        boolean isOver = body.isTrue("giveUp");
        long pause = within(body, "retryAfterMs", 0, 0, MAX_RETRY_MILLIS);
        return settle(
                request, session, wakeId, isOver ? Settlement.GIVE_UP : Settlement.RELEASE, clock.millis() + pause);
    }

    private Answer settle(Request request, ChannelName session, String wakeId, Settlement settlement, long until)
            throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.AGENT_WORK, session.full());
        Fields body = body(request);
        if (body.get("lease") == null) {
            throw new WireException(ErrorInfo.invalidValue("The field lease is that of the wake."));
        }
        long lease = within(body, "lease", 0, 0, Long.MAX_VALUE);
        SessionName name = session.in(principal.app());
        SessionState state = engine.sessions().find(name);
        Wake wake = state == null
                ? null
                : engine.sessions().wakes().of(state).stream()
                        .filter(known -> known.id().equals(wakeId))
                        .findFirst()
                        .orElse(null);
        if (wake == null) {
            throw new WireException(new ErrorInfo(
                    Refusals.NOT_HELD, 409, "There is no such wake: it was done or given up, or there was none."));
        }
        own(principal, wake.agentId());
        Refusals.check(Refusals.of(Commands.await(engine.submit(
                new SettleWake(name, clock.millis(), wake.agentId(), wakeId, lease, settlement, until)))));
        return Answer.noContent();
    }

    /** An agent works for itself, unless its credentials are for any client id. */
    private void own(Principal principal, String agentId) throws WireException {
        var _ = Refusals.granted(gate.as(principal, agentId));
    }

    private static Fields body(Request request) throws WireException {
        return Fields.of(request.body().length == 0 ? JsonMapper.shared().createObjectNode() : request.tree(), "body");
    }

    private static long within(Fields body, String field, long absent, long min, long max) throws WireException {
        long value = body.number(field, absent);
        if (value < min || value > max) {
            throw new WireException(
                    ErrorInfo.invalidValue("The field " + field + " is from " + min + " to " + max + "."));
        }
        return value;
    }
}
