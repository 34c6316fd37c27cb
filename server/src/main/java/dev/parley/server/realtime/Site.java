package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.config.Config;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.Netty;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.time.NodeClock;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wire.ObjectMessages;
import io.vertx.core.http.ServerWebSocket;
import org.jspecify.annotations.Nullable;

/**
 * What all connections of a server share.
 *
 * @param commands makes commands of what clients publish
 * @param timelines remembers what happens between sessions and their readers
 * @param attachments limits the number of attachments
 * @param shares the shares that clients have of the memory
 * @param serverId different for each run of the server
 */
record Site(
        Engine engine,
        Gate gate,
        Apps apps,
        ChannelCommands commands,
        Config.Realtime settings,
        ConnectionKeys keys,
        Occupancy occupancy,
        Timelines timelines,
        Footprints footprints,
        Permits attachments,
        Shares shares,
        NodeClock clock,
        String serverId) {
    /** How long a client continues to send unacknowledged requests again. */
    static final long CONNECTION_STATE_TTL_MILLIS = 120_000;

    /** The shortest heartbeat interval that a client can ask for, unless the setting is shorter. */
    static final long MIN_HEARTBEAT_MILLIS = 5_000;

    /** The longest one. */
    static final long MAX_HEARTBEAT_MILLIS = 1_800_000;

    /**
     * The longest time for which a client can ask its members to remain when it is lost, or the setting if that is
     * longer.
     */
    static final long MAX_REMAIN_MILLIS = 3_600_000;

    /** The number of messages per second that clients are told they may send. Only back-pressure enforces it. */
    static final int MAX_INBOUND_RATE = 1_000;

    /** How long tombstones of objects are kept. */
    static final long OBJECTS_GRACE_PERIOD_MILLIS = ObjectLimits.DEFAULT.graceMillis();

    /** The one site at which the operations of a session get their order. */
    static final String SITE_CODE = ObjectMessages.SITE_CODE;

    /**
     * The holder of {@code socket}, with its shares of each purse.
     *
     * @param principal null if it is not known
     */
    Shares.Holder holder(ServerWebSocket socket, @Nullable Principal principal) {
        return shares.holder(Netty.context(socket).channel(), principal);
    }
}
