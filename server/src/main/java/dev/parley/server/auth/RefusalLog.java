package dev.parley.server.auth;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs refusals, without secrets, and at a limited rate, so that an attacker cannot fill the disk. */
final class RefusalLog {

    static final int MAX_LINES_PER_SECOND = 10;
    static final int MAX_RESOURCE_CHARS = 200;

    private static final Logger LOG = LoggerFactory.getLogger(RefusalLog.class);

    private final InstantSource clock;
    private final MeterRegistry meters;

    @GuardedBy("this")
    private long second;

    @GuardedBy("this")
    private int lines;

    @GuardedBy("this")
    private long unlogged;

    RefusalLog(InstantSource clock, MeterRegistry meters) {
        this.clock = clock;
        this.meters = meters;
    }

    void record(Access.Refused refused, String keyName, @Nullable CapabilityOp operation, String resource) {
        Counter.builder("parley.access.refused")
                .description("Requests refused because their credentials were missing or not sufficient")
                .tag("code", refused.code())
                .register(meters)
                .increment();
        if (!mayLog()) {
            return;
        }
        LOG.atWarn()
                .addKeyValue("code", refused.code())
                .addKeyValue("key", keyName)
                .addKeyValue("peer", Peer.address())
                .addKeyValue("operation", operation == null ? "" : operation.wireName())
                .addKeyValue("resource", resource.substring(0, Math.min(resource.length(), MAX_RESOURCE_CHARS)))
                .log("Access refused");
    }

    private synchronized boolean mayLog() {
        long now = clock.instant().getEpochSecond();
        if (now != second) {
            if (unlogged > 0) {
                LOG.atWarn().addKeyValue("count", unlogged).log("More refusals than were logged");
            }
            second = now;
            lines = 0;
            unlogged = 0;
        }
        if (lines == MAX_LINES_PER_SECOND) {
            unlogged++;
            return false;
        }
        lines++;
        return true;
    }
}
