package dev.parley.engine.subscription;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Target;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The form of a subscription's configuration and owner, in commands in the journal and in rows in the store. */
final class SubscriptionValues {
    private static final int WEBHOOK = 1;
    private static final int PULL_WAKE = 2;

    private SubscriptionValues() {}

    static void config(BinaryWriter out, SubscriptionConfig config) {
        switch (config.target()) {
            case Webhook hook -> out.u8(WEBHOOK).string(hook.url());
            case PullWake pull -> out.u8(PULL_WAKE).string(pull.wakeStream());
        }
        out.optional(config.pattern()).varint(config.streams().size());
        config.streams().forEach(out::string);
        out.varint(config.leaseMillis()).optional(config.description());
    }

    static void owner(BinaryWriter out, @Nullable Owner owner) {
        out.bool(owner != null);
        if (owner != null) {
            out.string(owner.app()).string(owner.principal());
        }
    }

    static @Nullable Owner owner(BinaryReader in) {
        return in.bool() ? new Owner(in.string(), in.string()) : null;
    }

    static SubscriptionConfig config(BinaryReader in) {
        Target target = switch (in.u8()) {
            case WEBHOOK -> new Webhook(in.string());
            case PULL_WAKE -> new PullWake(in.string());
            default -> throw new MalformedBinaryException("an unknown kind of subscription", null);
        };
        String pattern = in.optional();
        int count = in.count();
        List<String> streams = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            streams.add(in.string());
        }
        return new SubscriptionConfig(target, pattern, streams, in.varint(), in.optional());
    }
}
