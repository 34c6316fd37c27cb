package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.life.Lives;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.presence.Presence;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Devices;
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
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Presence of devices that have no connection: they log in and out, or say how they are.
 *
 * @param arrivals numbers what devices say during this life of the server, so that an earlier one never counts more
 */
record DevicesResource(
        Engine engine, Gate gate, Apps apps, Publisher publisher, AgentsResource agents, AtomicLong arrivals) {
    /** The greatest number of characters of a name. */
    private static final int MAX_NAME_CHARS = 256;

    /** The number of members of a session that are looked at together. */
    private static final int STEP = 500;

    private static final int STEP_BYTES = 1 << 20;
    private static final String ONLINE = "online";
    private static final String OFFLINE = "offline";

    /** Somebody at a device; without a device: at all devices. */
    private record Device(
            Fields body, String actorId, @Nullable String deviceId, ChannelName session, Principal sender) {
        SessionName name() {
            return session.in(sender.app());
        }

        Answer answer(String status) {
            return Answer.of(
                    200,
                    to -> to.beginObject()
                            .field("success", true)
                            .field("actorId", actorId)
                            .field("deviceId", deviceId)
                            .field("status", status)
                            .endObject());
        }
    }

    /** Somebody is there with a device from now on. With {@code defaultAgents}, the session names these agents. */
    Answer login(Request request, ChannelName session) throws WireException {
        Device device = device(request, session, true);
        if (device.body().get("defaultAgents") != null) {
            agents.name(device.sender(), session, device.body().elements("defaultAgents"), true);
        }
        enter(device, ONLINE);
        return device.answer(ONLINE);
    }

    /** Somebody is no longer there with a device, or with {@code allDevices} with none. */
    Answer logout(Request request, ChannelName session) throws WireException {
        Device device = device(request, session, false);
        SessionState state = engine.sessions().find(device.name());
        if (state == null) {
            throw new WireException(SessionsResource.noSuchSession());
        }
        if (device.deviceId() != null) {
            leave(state, device.actorId(), Devices.connectionId(device.deviceId()));
            return device.answer(OFFLINE);
        }
        int left = leave(state, member -> member.clientId().equals(device.actorId()));
        return Answer.of(
                200,
                to -> to.beginObject()
                        .field("success", true)
                        .field("actorId", device.actorId())
                        .field("devicesLoggedOut", left)
                        .field("status", OFFLINE)
                        .endObject());
    }

    /** Somebody says how it is with a device. */
    Answer change(Request request, ChannelName session) throws WireException {
        Device device = device(request, session, true);
        String status = device.body().requiredText("status");
        switch (status) {
            case ONLINE, "away" -> enter(device, status);
            case OFFLINE -> {
                SessionState state = engine.sessions().find(device.name());
                if (state != null) {
                    leave(state, device.actorId(), Devices.connectionId(Objects.requireNonNull(device.deviceId())));
                }
            }
            default -> throw new WireException(ErrorInfo.invalidValue("The field status is online, away or offline."));
        }
        return device.answer(status);
    }

    /** Nobody is there with any device any more. */
    void clear(SessionState state) throws WireException {
        leave(state, member -> true);
    }

    private Device device(Request request, ChannelName session, boolean needsOne) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.PRESENCE, session.full());
        if (!session.qualifier().isEmpty()) {
            throw new WireException(ErrorInfo.INVALID_CHANNEL_NAME);
        }
        Fields body = Fields.of(request.tree(), "body");
        Principal sender = request.speaking(gate, principal, body);
        String actorId = sender.clientId();
        if (actorId == null || actorId.equals(Principal.ANY_CLIENT)) {
            throw new WireException(ErrorInfo.invalidValue("The field actorId says who is there; it is missing."));
        }
        String deviceId = body.text("deviceId");
        if (deviceId == null ? needsOne || !body.isTrue("allDevices") : !Devices.isId(deviceId)) {
            throw new WireException(ErrorInfo.invalidValue("The field deviceId has 1 to " + Devices.MAX_ID_CHARS
                    + " characters, and no colon. To log out everywhere, the field allDevices is true."));
        }
        return new Device(body, actorId, deviceId, session, sender);
    }

    private void enter(Device device, String status) throws WireException {
        SessionName name = device.name();
        String connectionId = Devices.connectionId(Objects.requireNonNull(device.deviceId()));
        long now = publisher.clock().millis();
        long arrival = Lives.epoch(engine.lives().newest(), arrivals.incrementAndGet());
        var op = new PresenceOp(PresenceEntry.Action.UPDATE, newId(), device.actorId(), data(device, status));
        int most = apps.namespace(name.app(), name.name()).maxMembers();
        // Remembered as a request, the device is known as one that has arrived, so that after a crash in between it is
        // waited
        // for as if it had been lost.
        Refusals.check(Refusals.of(Commands.await(engine.submit(new ChangePresence(
                name, now, new Sender(connectionId, arrival, arrival), connectionId, List.of(op), most)))));
        long leaveAt = now + Devices.STAY.toMillis();
        Commands.await(engine.submit(new Lost(name, now, connectionId, arrival, leaveAt, leaveAt, null)));
    }

    private static Body data(Device device, String status) throws WireException {
        ObjectNode data = JsonMapper.shared().createObjectNode();
        data.put("actorType", actorType(device.body()));
        String shown = device.body().text("name");
        if (shown != null) {
            if (shown.length() > MAX_NAME_CHARS) {
                throw new WireException(
                        ErrorInfo.invalidValue("The field name has at most " + MAX_NAME_CHARS + " characters."));
            }
            data.put("name", shown);
        }
        data.put("status", status);
        String txid = InputsResource.id(device.body(), "txid");
        if (txid != null) {
            data.put("txid", txid);
        }
        if (device.sender().isAnonymous()) {
            data.put("claimed", true);
        }
        return new Body(null, Data.of(data.toString()), "json", null);
    }

    private static String actorType(Fields body) throws WireException {
        JsonNode type = body.get("actorType");
        if (type == null) {
            return "user";
        }
        String name = type.asString("");
        if (!name.equals("user") && !name.equals("agent")) {
            throw new WireException(ErrorInfo.invalidValue("The field actorType is user or agent."));
        }
        return name;
    }

    /** Lets members leave that are devices, and returns how many there were. */
    private int leave(SessionState state, Predicate<PresenceEntry> wanted) throws WireException {
        List<PresenceEntry> found = new ArrayList<>();
        Presence.Member after = null;
        boolean more = true;
        while (more) {
            Page<PresenceEntry> page = engine.sessions()
                    .presence()
                    .members(
                            state,
                            after,
                            member -> Devices.is(member.connectionId()) && wanted.test(member),
                            STEP,
                            STEP_BYTES);
            found.addAll(page.entries());
            more = page.more();
            if (more) {
                PresenceEntry last = page.entries().getLast();
                after = new Presence.Member(last.connectionId(), last.clientId());
            }
        }
        for (PresenceEntry member : found) {
            leave(state, member.clientId(), member.connectionId());
        }
        return found.size();
    }

    private void leave(SessionState state, String actorId, String connectionId) throws WireException {
        var op = new PresenceOp(PresenceEntry.Action.LEAVE, newId(), actorId, Body.EMPTY);
        Refusals.check(Refusals.of(Commands.await(engine.submit(new ChangePresence(
                state.name(), publisher.clock().millis(), null, connectionId, List.of(op), Integer.MAX_VALUE)))));
    }

    private String newId() {
        return publisher.connectionKeys().newId() + ":0:0";
    }
}
