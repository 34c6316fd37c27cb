package dev.parley.engine.subscription;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The form of subscriptions in the store: one row for the state, and one for each link. */
final class SubscriptionRows {
    private static final int STATE = 1;
    private static final int LINK = 2;
    private static final int VERSION = 1;
    /** The version of states that say who owns the subscription. */
    private static final int OWNED = 2;

    private SubscriptionRows() {}

    static byte[] stateKey(String id) {
        return new BinaryWriter(64)
                .u8(STATE)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] firstStateKey() {
        return new byte[] {STATE};
    }

    static byte[] lastStateKey() {
        return new byte[] {LINK};
    }

    /** The key of a link. It contains the incarnation and not the id, so that no link outlives its subscription. */
    static byte[] linkKey(long incarnation, String path) {
        return new BinaryWriter(64)
                .u8(LINK)
                .fixed64(incarnation)
                .raw(path.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] firstLinkKey(long incarnation) {
        return linkKey(incarnation, "");
    }

    static byte[] state(SubscriptionState s) {
        BinaryWriter out = new BinaryWriter(256).u8(OWNED).string(s.id()).fixed64(s.incarnation());
        SubscriptionValues.config(out, s.config());
        SubscriptionValues.owner(out.string(s.hash()).string(s.baseUrl()), s.owner());
        out.varint(s.createdAt());
        out.varint(s.links()).varint(s.generation());
        Wake wake = s.wake();
        out.bool(wake != null);
        if (wake != null) {
            out.string(wake.id()).string(wake.stream()).varint(wake.since());
            out.bool(wake.delivered()).optional(wake.holder()).varint(wake.leaseUntil());
        }
        return out.varint(s.attempts()).varint(s.nextAttemptAt()).toBytes();
    }

    static SubscriptionState state(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        int version = in.version(VERSION, OWNED);
        return new SubscriptionState(
                in.string(),
                in.fixed64(),
                SubscriptionValues.config(in),
                in.string(),
                in.string(),
                version < OWNED ? null : SubscriptionValues.owner(in),
                in.varint(),
                in.count(),
                in.varint(),
                wake(in),
                in.count(),
                in.varint());
    }

    private static @Nullable Wake wake(BinaryReader in) {
        return in.bool()
                ? new Wake(in.string(), in.string(), in.varint(), in.bool(), in.optional(), in.varint())
                : null;
    }

    static byte[] link(Link link) {
        return new BinaryWriter(24)
                .u8(1)
                .fixed64(link.streamId())
                .varint(link.acked() + 1)
                .bool(link.explicit())
                .bool(link.glob())
                .toBytes();
    }

    static Link link(byte[] key, byte[] row) {
        int prefix = 1 + Long.BYTES;
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Link(
                new String(key, prefix, key.length - prefix, StandardCharsets.UTF_8),
                in.fixed64(),
                in.varint() - 1,
                in.bool(),
                in.bool());
    }
}
