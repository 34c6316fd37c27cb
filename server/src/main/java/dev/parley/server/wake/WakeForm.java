package dev.parley.server.wake;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.Wake.Order;
import dev.parley.server.wire.Serials;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** How wakes are written. */
public final class WakeForm {
    private WakeForm() {}

    /**
     * What an agent is told that has a wake: what AI Transport's invocations have, and what it needs to settle the wake.
     *
     * @param template what else it is told
     */
    public static ObjectNode invocation(Wake wake, JsonNode template) {
        ObjectNode body = JsonMapper.shared().createObjectNode();
        template.properties().forEach(field -> body.set(field.getKey(), field.getValue()));
        body.put("inputEventId", wake.order().newest().eventId())
                .put("sessionName", wake.session().name())
                .put("agentId", wake.agentId())
                .put("wakeId", wake.id())
                .put("lease", wake.epoch())
                .put("leaseUntil", wake.leaseUntil())
                .put("attempt", wake.attempts() + 1);
        order(body, wake.order());
        return body;
    }

    /**
     * A wake as everybody sees it who may read the session.
     *
     * @param rests whether a person has the control
     * @param unwatched whether its agent is to be woken only while somebody watches, and nobody does
     */
    public static ObjectNode shown(Wake wake, boolean rests, boolean unwatched, long now) {
        ObjectNode shown = JsonMapper.shared()
                .createObjectNode()
                .put("agentId", wake.agentId())
                .put("wakeId", wake.id())
                .put("inputEventId", wake.order().newest().eventId())
                .put("state", state(wake, rests, unwatched, now))
                .put("createdAt", wake.order().createdAt())
                .put("attempts", wake.attempts());
        order(shown, wake.order());
        if (wake.holder() != null) {
            shown.put("holder", wake.holder());
        }
        if (wake.isHeld()) {
            shown.put("leaseUntil", wake.leaseUntil());
        } else {
            shown.put("dueAt", wake.order().dueAt());
        }
        Order next = wake.next();
        if (next != null) {
            shown.put("nextInputEventId", next.newest().eventId());
        }
        return shown;
    }

    private static String state(Wake wake, boolean rests, boolean unwatched, long now) {
        if (wake.isHeld()) {
            return "claimed";
        }
        if (unwatched && !rests) {
            return "unwatched";
        }
        return rests ? "resting" : wake.order().dueAt() > now ? "waiting" : "due";
    }

    private static void order(ObjectNode to, Order order) {
        var events = to.putArray("inputEventIds");
        order.inputs().forEach(input -> events.add(input.eventId()));
        if (order.newest().position() != Positions.START) {
            to.put("since", Serials.render(order.since()))
                    .put("upTo", Serials.render(order.newest().position()));
        }
    }
}
