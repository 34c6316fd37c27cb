package dev.parley.server.rest;

import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Gate;
import dev.parley.server.time.NodeClock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code /clock}: lets the operator accept a clock that is in doubt. */
final class ClockResource {
    private final NodeClock clock;
    private final Gate gate;
    private final ApiKey rootKey;

    ClockResource(NodeClock clock, Gate gate, ApiKey rootKey) {
        this.clock = clock;
        this.gate = gate;
        this.rootKey = rootKey;
    }

    /** {@code POST /clock}: 200 with the accepted time, and the difference by which the clock was in doubt. */
    ObjectNode believe(@Nullable String authorization) throws AccessRefusedException {
        gate.requireKey(authorization, rootKey, "Only the holder of the root key can accept the clock.");
        long doubt = clock.doubtMillis();
        clock.believe();
        return JsonMapper.shared()
                .createObjectNode()
                .put("time", clock.millis())
                .put("doubt", doubt);
    }
}
