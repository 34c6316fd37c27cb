package dev.parley.server.wire;

import org.jspecify.annotations.Nullable;

/**
 * The details of its connection that a client is told.
 *
 * @param clientId the client id of the client: {@code *} if it may use any, null if it has none
 */
public record ConnectionDetails(
        @Nullable String clientId,
        String connectionKey,
        int maxMessageSize,
        int maxInboundRate,
        int maxFrameSize,
        long connectionStateTtlMillis,
        long maxIdleIntervalMillis,
        String serverId,
        String siteCode,
        long objectsGracePeriodMillis) {

    void write(WireWriter to) {
        to.beginObject()
                .field("clientId", clientId)
                .field("connectionKey", connectionKey)
                .field("maxMessageSize", maxMessageSize)
                .field("maxInboundRate", maxInboundRate)
                .field("maxFrameSize", maxFrameSize)
                .field("connectionStateTtl", connectionStateTtlMillis)
                .field("maxIdleInterval", maxIdleIntervalMillis)
                .field("serverId", serverId)
                .field("siteCode", siteCode)
                .field("objectsGCGracePeriod", objectsGracePeriodMillis)
                .endObject();
    }
}
