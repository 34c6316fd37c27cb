package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.IdTaken;
import dev.parley.engine.registry.RegistryOutcome.TooManyApps;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.server.apps.AppSpec;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Commands;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundPresence;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The admin API: creates and removes apps, with bodies in the form that the test suites of Ably's clients expect. Its
 * methods block.
 */
final class AppsResource {

    private final Engine engine;
    private final Apps apps;
    private final Gate gate;
    private final ApiKey rootKey;
    private final boolean forEverybody;
    private final InstantSource clock;

    /**
     * The admin API of a server.
     *
     * @param forEverybody whether everybody may create apps; otherwise only the holder of the root key
     */
    AppsResource(Engine engine, Apps apps, Gate gate, ApiKey rootKey, boolean forEverybody, InstantSource clock) {
        this.engine = engine;
        this.apps = apps;
        this.gate = gate;
        this.rootKey = rootKey;
        this.forEverybody = forEverybody;
        this.clock = clock;
    }

    /**
     * The sender of a request, and the address at which it reaches this server.
     *
     * @param origin the header Origin, which browsers add to the requests of web pages
     */
    record Caller(@Nullable String authorization, @Nullable String origin, String host, int port, boolean tls) {}

    /** {@code POST /apps}: 201 with the app and the secrets of its keys. */
    ObjectNode create(Caller caller, @Nullable JsonNode body) throws AccessRefusedException, WireException {
        // Web pages in a browser on this machine also reach the server, and they may not create apps.
        if (!forEverybody || caller.origin() != null || caller.authorization() != null) {
            requireKey(caller.authorization(), rootKey.name());
        }
        AppSpec spec;
        Map<String, List<PresenceOp>> members;
        try {
            spec = AppSpec.of(body);
            members = members(spec);
        } catch (IllegalArgumentException e) {
            throw new WireException(ErrorInfo.invalidValue("The app cannot be created: " + e.getMessage() + "."));
        }
        switch (Commands.await(apps.add(spec.app(), clock.millis()))) {
            case Done done -> {}
            case IdTaken taken ->
                throw new WireException(
                        ErrorInfo.invalidValue("There is an app " + spec.app().id() + " already."));
            case TooManyApps(int max) ->
                throw new WireException(new ErrorInfo(40128, 429, "There are " + max + " apps already."));
        }
        for (var entry : members.entrySet()) {
            enter(new SessionName(spec.app().id(), entry.getKey()), entry.getValue());
        }
        return describe(spec, caller);
    }

    /** {@code DELETE /apps/{id}}: 204. */
    void remove(Caller caller, String id) throws AccessRefusedException, WireException {
        Principal principal = requireHolder(caller.authorization());
        if (!principal.keyName().equals(rootKey.name()) && !principal.app().equals(id)) {
            throw new AccessRefusedException(new Access.Refused(
                    Access.Reason.FORBIDDEN, "Only one of the app's own keys, or the root key, can remove the app."));
        }
        if (!Commands.await(apps.remove(id, clock.millis()))) {
            throw new WireException(ErrorInfo.notFound("There is no app " + id + " that the admin API has made."));
        }
    }

    /**
     * {@code POST /stats}: accepts the statistics that test suites send. Requires a key. The statistics are discarded.
     */
    void takeStats(Caller caller) throws AccessRefusedException {
        requireHolder(caller.authorization());
    }

    private void requireKey(@Nullable String authorization, String keyName) throws AccessRefusedException {
        if (!requireHolder(authorization).keyName().equals(keyName)) {
            throw new AccessRefusedException(
                    new Access.Refused(Access.Reason.FORBIDDEN, "Only the holder of the root key can create apps."));
        }
    }

    private Principal requireHolder(@Nullable String authorization) throws AccessRefusedException {
        return switch (gate.sessionHeader(authorization)) {
            case Access.Refused refused -> throw new AccessRefusedException(refused);
            case Access.Granted(Principal principal) -> {
                if (principal.isToken()) {
                    throw new AccessRefusedException(
                            new Access.Refused(Access.Reason.KEY_NEEDED, "This request needs a key, not a token."));
                }
                yield principal;
            }
        };
    }

    private static Map<String, List<PresenceOp>> members(AppSpec spec) throws WireException {
        var members = new LinkedHashMap<String, List<PresenceOp>>();
        for (AppSpec.FixedMember member : spec.members()) {
            // Members in the description of an app have no action.
            ObjectNode message = ((ObjectNode) member.message()).deepCopy().put("action", 2);
            InboundPresence presence = InboundPresence.readAll(List.of(message)).getFirst();
            ChannelName channel = ChannelName.parse(member.session());
            var ofSession = members.computeIfAbsent(channel.full(), name -> new ArrayList<>());
            String clientId = presence.clientId();
            if (clientId == null || clientId.isEmpty()) {
                throw new WireException(ErrorInfo.noClientId());
            }
            ofSession.add(new PresenceOp(
                    PresenceEntry.Action.ENTER,
                    Apps.FIXED_MEMBERS_CONNECTION + ":0:" + ofSession.size(),
                    clientId,
                    presence.body()));
        }
        return members;
    }

    private void enter(SessionName session, List<PresenceOp> events) throws WireException {
        SessionOutcome.OfPresence outcome = Commands.await(engine.submit(new ChangePresence(
                session, clock.millis(), null, Apps.FIXED_MEMBERS_CONNECTION, events, events.size())));
        Refusals.check(Refusals.of(outcome));
    }

    private static ObjectNode describe(AppSpec spec, Caller caller) {
        var app = JsonMapper.shared().createObjectNode();
        app.put("appId", spec.app().id()).put("accountId", "parley");
        var keys = app.putArray("keys");
        for (ApiKey key : spec.app().keys()) {
            String written = key.written();
            keys.addObject()
                    .put("id", key.name().substring(key.app().length() + 1))
                    .put("keyName", key.name())
                    .put("keySecret", written.substring(key.name().length() + 1))
                    .put("value", written.substring(key.name().length() + 1))
                    .put("keyStr", written)
                    .put("capability", key.capabilities().toJson())
                    .put("revocableTokens", key.uses().revocation());
        }
        var namespaces = app.putArray("namespaces");
        spec.asked()
                .forEach(namespace -> namespaces
                        .addObject()
                        .put("id", namespace.id())
                        .put("persisted", namespace.isPersisted())
                        .put("mutableMessages", namespace.mutableMessages()));
        return app.put("endpoint", caller.host()).put("port", caller.port()).put("tls", caller.tls());
    }
}
