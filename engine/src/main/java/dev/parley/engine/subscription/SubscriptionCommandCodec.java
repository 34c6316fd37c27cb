package dev.parley.engine.subscription;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.subscription.SubscriptionCommand.Ack;
import dev.parley.engine.subscription.SubscriptionCommand.Acked;
import dev.parley.engine.subscription.SubscriptionCommand.AddStreams;
import dev.parley.engine.subscription.SubscriptionCommand.Claim;
import dev.parley.engine.subscription.SubscriptionCommand.Create;
import dev.parley.engine.subscription.SubscriptionCommand.Delete;
import dev.parley.engine.subscription.SubscriptionCommand.Delivered;
import dev.parley.engine.subscription.SubscriptionCommand.DeliveryFailed;
import dev.parley.engine.subscription.SubscriptionCommand.Expire;
import dev.parley.engine.subscription.SubscriptionCommand.Forget;
import dev.parley.engine.subscription.SubscriptionCommand.Gone;
import dev.parley.engine.subscription.SubscriptionCommand.Notice;
import dev.parley.engine.subscription.SubscriptionCommand.Release;
import dev.parley.engine.subscription.SubscriptionCommand.RemoveStream;
import java.util.ArrayList;
import java.util.List;

/** Encodes commands for subscriptions as journal records. The first byte, the kind, is from 32 to 63 for them. */
public final class SubscriptionCommandCodec {
    private static final int CREATE = 32;
    private static final int DELETE = 33;
    private static final int ADD_STREAMS = 34;
    private static final int REMOVE_STREAM = 35;
    private static final int NOTICE = 36;
    private static final int FORGET = 37;
    private static final int CLAIM = 38;
    private static final int ACK = 39;
    private static final int RELEASE = 40;
    private static final int EXPIRE = 41;
    private static final int DELIVERED = 42;
    private static final int DELIVERY_FAILED = 43;
    private static final int VERSION = 1;
    /** The version of acks that name their stream. */
    private static final int NAMED_ACKS = 2;
    /** The version of creates that say who owns the subscription. */
    private static final int OWNED = 2;

    private SubscriptionCommandCodec() {}

    /** Whether a record of this kind is a command for a subscription. */
    public static boolean isKind(int kind) {
        return kind >= CREATE && kind < 64;
    }

    /** Writes the command. */
    public static void write(SubscriptionCommand<?> command, BinaryWriter out) {
        int kind = kind(command);
        out.u8(kind).u8(version(kind)).string(command.id()).varint(command.time());
        switch (command) {
            case Create c -> {
                SubscriptionValues.config(out, c.config());
                SubscriptionValues.owner(out.string(c.baseUrl()), c.owner());
                tails(out, c.tails());
            }
            case Delete c -> {}
            case AddStreams c -> tails(out, c.tails());
            case RemoveStream c -> out.string(c.path());
            case Notice c -> tails(out.string(c.nextWakeId()), c.tails());
            case Forget c -> gone(out, c.streams());
            case Claim c -> tails(out.string(c.worker()).string(c.nextWakeId()), c.tails());
            case Ack c -> {
                out.varint(c.generation()).string(c.wakeId());
                acks(out, c.acks());
                tails(out.bool(c.done()).string(c.nextWakeId()), c.tails());
            }
            case Release c ->
                tails(out.varint(c.generation()).string(c.wakeId()).string(c.nextWakeId()), c.tails());
            case Expire c -> tails(out.string(c.wakeId()).varint(c.retryAt()).string(c.nextWakeId()), c.tails());
            case Delivered c -> out.string(c.wakeId());
            case DeliveryFailed c -> out.string(c.wakeId()).varint(c.retryAt());
        }
    }

    private static int version(int kind) {
        return switch (kind) {
            case ACK -> NAMED_ACKS;
            case CREATE -> OWNED;
            default -> VERSION;
        };
    }

    private static int kind(SubscriptionCommand<?> command) {
        return switch (command) {
            case Create c -> CREATE;
            case Delete c -> DELETE;
            case AddStreams c -> ADD_STREAMS;
            case RemoveStream c -> REMOVE_STREAM;
            case Notice c -> NOTICE;
            case Forget c -> FORGET;
            case Claim c -> CLAIM;
            case Ack c -> ACK;
            case Release c -> RELEASE;
            case Expire c -> EXPIRE;
            case Delivered c -> DELIVERED;
            case DeliveryFailed c -> DELIVERY_FAILED;
        };
    }

    /** Reads a command whose kind byte has been read. */
    public static SubscriptionCommand<?> read(int kind, BinaryReader in) {
        int version = in.version(VERSION, version(kind));
        String id = in.string();
        long time = in.varint();
        return switch (kind) {
            case CREATE ->
                new Create(
                        id,
                        time,
                        SubscriptionValues.config(in),
                        in.string(),
                        version < OWNED ? null : SubscriptionValues.owner(in),
                        tails(in));
            case DELETE -> new Delete(id, time);
            case ADD_STREAMS -> new AddStreams(id, time, tails(in));
            case REMOVE_STREAM -> new RemoveStream(id, time, in.string());
            case NOTICE -> {
                String nextWakeId = in.string();
                yield new Notice(id, time, tails(in), nextWakeId);
            }
            case FORGET -> new Forget(id, time, gone(in));
            case CLAIM -> {
                String worker = in.string();
                String nextWakeId = in.string();
                yield new Claim(id, time, worker, tails(in), nextWakeId);
            }
            case ACK -> {
                long generation = in.varint();
                String wakeId = in.string();
                List<Acked> acks = acks(in, version >= NAMED_ACKS);
                boolean done = in.bool();
                String nextWakeId = in.string();
                yield new Ack(id, time, generation, wakeId, acks, done, tails(in), nextWakeId);
            }
            case RELEASE -> {
                long generation = in.varint();
                String wakeId = in.string();
                String nextWakeId = in.string();
                yield new Release(id, time, generation, wakeId, tails(in), nextWakeId);
            }
            case EXPIRE -> {
                String wakeId = in.string();
                long retryAt = in.varint();
                String nextWakeId = in.string();
                yield new Expire(id, time, wakeId, retryAt, tails(in), nextWakeId);
            }
            case DELIVERED -> new Delivered(id, time, in.string());
            case DELIVERY_FAILED -> new DeliveryFailed(id, time, in.string(), in.varint());
            default -> throw new MalformedBinaryException("an unknown subscription command of kind " + kind, null);
        };
    }

    private static void tails(BinaryWriter out, List<StreamTail> tails) {
        out.varint(tails.size());
        for (StreamTail tail : tails) {
            out.string(tail.path()).fixed64(tail.streamId()).varint(tail.position());
        }
    }

    private static List<StreamTail> tails(BinaryReader in) {
        int count = in.count();
        List<StreamTail> tails = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tails.add(new StreamTail(in.string(), in.fixed64(), in.varint()));
        }
        return List.copyOf(tails);
    }

    private static void gone(BinaryWriter out, List<Gone> streams) {
        out.varint(streams.size());
        for (Gone gone : streams) {
            out.string(gone.path()).fixed64(gone.streamId());
        }
    }

    private static List<Gone> gone(BinaryReader in) {
        int count = in.count();
        List<Gone> streams = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            streams.add(new Gone(in.string(), in.fixed64()));
        }
        return List.copyOf(streams);
    }

    private static void acks(BinaryWriter out, List<Acked> acks) {
        out.varint(acks.size());
        for (Acked ack : acks) {
            out.string(ack.path()).fixed64(ack.streamId()).varint(ack.position());
        }
    }

    private static List<Acked> acks(BinaryReader in, boolean named) {
        int count = in.count();
        List<Acked> acks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            acks.add(new Acked(in.string(), named ? in.fixed64() : StreamTail.UNBORN, in.varint()));
        }
        return List.copyOf(acks);
    }
}
