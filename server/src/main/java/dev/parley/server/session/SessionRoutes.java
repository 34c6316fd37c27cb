package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.Gate;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Members;
import dev.parley.server.config.Config;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.request.Resources;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.wake.NamedAgents;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/** Which resource answers which request: the table of all methods and paths of the door. */
final class SessionRoutes implements Resources {
    /** All methods of the door. */
    static final String METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

    /** The path of the description. */
    static final String DESCRIPTION = "/v1/openapi.json";

    /** The path of the requests of all sessions. */
    static final String INBOX = "/v1/requests";

    /** The path at which a worker claims what there is to do in any session. */
    static final String CLAIM = "/v1/wakes/claim";

    /** The beginning of the paths of what namespaces name for their sessions. */
    static final String NAMESPACES = "/v1/namespaces";

    /** Answers a request whose path fits a route. */
    @FunctionalInterface
    private interface Handler {
        /**
         * Answers; blocks.
         *
         * @param its the resources
         * @param path the values of the variable segments, in order
         */
        Answer answer(SessionRoutes its, Request request, List<String> path)
                throws WireException, AccessRefusedException, IOException;
    }

    /**
     * A method and a path.
     *
     * @param template the path, with variable segments in braces
     */
    private record Route(String method, String template, Handler handler) {
        boolean fits(List<String> path) {
            String[] segments = template.substring(1).split("/", -1);
            if (segments.length != path.size()) {
                return false;
            }
            for (int i = 0; i < segments.length; i++) {
                if (!isVariable(segments[i]) && !segments[i].equals(path.get(i))) {
                    return false;
                }
            }
            return true;
        }

        List<String> variables(List<String> path) {
            String[] segments = template.substring(1).split("/", -1);
            List<String> variables = new ArrayList<>();
            for (int i = 0; i < segments.length; i++) {
                if (isVariable(segments[i])) {
                    variables.add(path.get(i));
                }
            }
            return variables;
        }

        private static boolean isVariable(String segment) {
            return segment.startsWith("{");
        }
    }

    private static final List<Route> ROUTES = List.of(
            new Route("GET", DESCRIPTION, (its, request, path) -> Description.answer()),
            new Route("GET", "/v1/sessions", (its, request, path) -> its.list(request)),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}",
                    (its, request, path) -> its.sessions.get(request, session(path))),
            new Route("PUT", "/v1/sessions/{sessionId}", (its, request, path) -> its.make.make(request, session(path))),
            new Route(
                    "DELETE",
                    "/v1/sessions/{sessionId}",
                    (its, request, path) -> its.erase.erase(request, session(path))),
            new Route(
                    "PATCH",
                    "/v1/sessions/{sessionId}/labels",
                    (its, request, path) -> its.make.label(request, session(path), false)),
            new Route(
                    "PUT",
                    "/v1/sessions/{sessionId}/labels",
                    (its, request, path) -> its.make.label(request, session(path), true)),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/messages",
                    (its, request, path) -> its.said.messages(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/conversation",
                    (its, request, path) -> its.said.conversation(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/presence",
                    (its, request, path) -> its.sessions.presence(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/presence",
                    (its, request, path) -> its.devices.change(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/login",
                    (its, request, path) -> its.devices.login(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/logout",
                    (its, request, path) -> its.devices.logout(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/fork",
                    (its, request, path) -> its.fork.fork(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/reset",
                    (its, request, path) -> its.reset.reset(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/control",
                    (its, request, path) -> its.control.get(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/control",
                    (its, request, path) -> its.control.change(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/control/changes",
                    (its, request, path) -> its.control.changes(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/timeline",
                    (its, request, path) -> its.timeline.get(request, session(path))),
            new Route("GET", INBOX, (its, request, path) -> its.requests.inbox(request)),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/requests",
                    (its, request, path) -> its.requests.list(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/requests",
                    (its, request, path) -> its.requests.ask(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/requests/{requestId}",
                    (its, request, path) -> its.requests.get(request, session(path), path.get(1))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/requests/{requestId}/decisions",
                    (its, request, path) -> its.requests.decide(request, session(path), path.get(1))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/agents",
                    (its, request, path) -> its.agents.list(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/agents",
                    (its, request, path) -> its.agents.name(request, session(path))),
            new Route(
                    "DELETE",
                    "/v1/sessions/{sessionId}/agents/{agentId}",
                    (its, request, path) -> its.agents.remove(request, session(path), path.get(1))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/agents/{agentId}/wake",
                    (its, request, path) -> its.agents.invoke(request, session(path), path.get(1))),
            new Route(
                    "GET",
                    NAMESPACES + "/{namespaceId}/agents",
                    (its, request, path) -> its.namespaces.list(request, path.getFirst())),
            new Route(
                    "POST",
                    NAMESPACES + "/{namespaceId}/agents",
                    (its, request, path) -> its.namespaces.name(request, path.getFirst())),
            new Route(
                    "DELETE",
                    NAMESPACES + "/{namespaceId}/agents/{agentId}",
                    (its, request, path) -> its.namespaces.remove(request, path.getFirst(), path.get(1))),
            new Route(
                    "GET",
                    NAMESPACES + "/{namespaceId}/notify",
                    (its, request, path) -> its.namespaces.notified(request, path.getFirst())),
            new Route(
                    "PUT",
                    NAMESPACES + "/{namespaceId}/notify",
                    (its, request, path) -> its.namespaces.notify(request, path.getFirst())),
            new Route(
                    "DELETE",
                    NAMESPACES + "/{namespaceId}/notify",
                    (its, request, path) -> its.namespaces.stopNotifying(request, path.getFirst())),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/wakes",
                    (its, request, path) -> its.wakes.list(request, session(path))),
            new Route("POST", CLAIM, (its, request, path) -> its.wakes.claimAnywhere(request)),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/wakes/claim",
                    (its, request, path) -> its.wakes.claim(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/wakes/{wakeId}/done",
                    (its, request, path) -> its.wakes.done(request, session(path), path.get(1))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/wakes/{wakeId}/extend",
                    (its, request, path) -> its.wakes.extend(request, session(path), path.get(1))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/wakes/{wakeId}/release",
                    (its, request, path) -> its.wakes.release(request, session(path), path.get(1))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/objects",
                    (its, request, path) -> its.objects.get(request, session(path))),
            new Route(
                    "GET",
                    "/v1/sessions/{sessionId}/export",
                    (its, request, path) -> its.export.export(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/messages",
                    (its, request, path) -> its.inputs.send(request, session(path))),
            new Route(
                    "PUT",
                    "/v1/sessions/{sessionId}/messages/{messageId}",
                    (its, request, path) -> its.inputs.edit(request, session(path), path.get(1))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/regenerate",
                    (its, request, path) -> its.inputs.regenerate(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/stop",
                    (its, request, path) -> its.inputs.stop(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/tool-results",
                    (its, request, path) -> its.inputs.toolResult(request, session(path))),
            new Route(
                    "POST",
                    "/v1/sessions/{sessionId}/approvals/{approvalId}",
                    (its, request, path) -> its.inputs.approval(request, session(path), path.get(1))));

    private final SessionsResource sessions;
    private final MakeResource make;
    private final EraseResource erase;
    private final ConversationResource said;
    private final TimelineResource timeline;
    private final InputsResource inputs;
    private final ControlResource control;
    private final RequestsResource requests;
    private final ExportResource export;
    private final ObjectsResource objects;
    private final AgentsResource agents;
    private final NamespacesResource namespaces;
    private final WakesResource wakes;
    private final DevicesResource devices;
    private final ResetResource reset;
    private final ForkResource fork;

    /** Routes to the sessions of an engine. */
    SessionRoutes(
            Engine whole,
            Config config,
            Gate gate,
            Publisher publisher,
            Occupancy occupancy,
            Timelines timelines,
            Apps apps,
            AgentSpecs specs) {
        Sessions engine = whole.sessions();
        int pageBytes = config.limits().chunkBytes();
        var conversations = new Conversations(engine, pageBytes);
        this.sessions = new SessionsResource(engine, gate, new Members(engine, gate), occupancy, pageBytes);
        this.make = new MakeResource(publisher.engine(), gate, publisher.clock(), sessions);
        this.erase = new EraseResource(publisher.engine(), gate, publisher.clock(), timelines);
        this.timeline =
                new TimelineResource(engine, new NamedAgents(publisher.engine()), gate, timelines, publisher.clock());
        this.said = new ConversationResource(gate, conversations, publisher.engine(), publisher.clock());
        this.export = new ExportResource(engine, gate, pageBytes);
        this.objects = new ObjectsResource(engine, gate);
        this.requests = new RequestsResource(engine, gate, publisher, pageBytes);
        this.agents = new AgentsResource(publisher.engine(), gate, specs, publisher.clock());
        this.namespaces = new NamespacesResource(publisher.engine(), gate, specs, publisher.clock());
        this.inputs = new InputsResource(engine, gate, publisher, conversations, requests, agents);
        this.devices = new DevicesResource(whole, gate, apps, publisher, agents, new AtomicLong());
        this.fork = new ForkResource(
                whole, gate, publisher, agents, config.limits().bodyBytes(), new Semaphore(ForkResource.MAX_AT_A_TIME));
        this.reset = new ResetResource(whole, gate, publisher, inputs, devices);
        this.control = new ControlResource(publisher.engine(), gate, publisher.clock(), pageBytes);
        this.wakes = new WakesResource(publisher.engine(), gate, publisher.clock());
    }

    /** Lets requests that wait for something be answered with what there is. */
    void stop() {
        wakes.stop();
    }

    private static ChannelName session(List<String> path) throws WireException {
        return ChannelName.parse(path.getFirst());
    }

    private Answer list(Request request) throws WireException {
        return request.truth("erased") ? erase.list(request) : sessions.list(request);
    }

    /** The methods and paths of all routes. */
    static List<String> all() {
        return ROUTES.stream()
                .map(route -> route.method() + " " + route.template())
                .toList();
    }

    /** Whether a path is that of the description, which everybody may read. */
    static boolean isDescription(List<String> path) {
        return DESCRIPTION.equals("/" + String.join("/", path));
    }

    @Override
    public Answer answer(Request request, HttpServerRequest http)
            throws WireException, AccessRefusedException, IOException {
        // HEAD is answered like GET, without the body.
        String method = request.method().equals("HEAD") ? "GET" : request.method();
        List<Route> fitting =
                ROUTES.stream().filter(route -> route.fits(request.path())).toList();
        for (Route route : fitting) {
            if (route.method().equals(method)) {
                return route.handler().answer(this, request, route.variables(request.path()));
            }
        }
        if (fitting.isEmpty()) {
            throw new WireException(
                    ErrorInfo.notFound("There is nothing at this path; " + DESCRIPTION + " says what there is."));
        }
        var methods = new TreeSet<String>();
        fitting.forEach(route -> methods.add(route.method()));
        throw new WireException(new ErrorInfo(
                40500, 405, "This path has the methods " + String.join(", ", methods) + ", and not " + method + "."));
    }
}
