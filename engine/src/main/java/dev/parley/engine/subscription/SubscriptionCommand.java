package dev.parley.engine.subscription;

import dev.parley.engine.command.Command;
import dev.parley.engine.memory.Owner;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command for a subscription. {@code nextWakeId} is the id of the wake that the command may cause. {@code tails} are
 * facts about streams, which were read shortly before.
 *
 * @param <O> the outcomes that the command can have
 */
public sealed interface SubscriptionCommand<O extends SubscriptionOutcome> extends Command<O> {
    /** The subscription's id. */
    String id();

    @Override
    default String key() {
        return "__ds/subscriptions/" + id();
    }

    @Override
    default int weight() {
        return 512;
    }

    @Override
    default boolean stores() {
        return false;
    }

    /**
     * Creates a subscription, or confirms that it exists with the same configuration.
     *
     * @param owner whoever the memory of the subscription and its links is counted for; null if it is counted for nobody
     * @param tails the streams to link: those that it names, and those that its pattern covers now
     */
    record Create(
            String id,
            long time,
            SubscriptionConfig config,
            String baseUrl,
            @Nullable Owner owner,
            List<StreamTail> tails)
            implements SubscriptionCommand<SubscriptionOutcome.OfCreate> {
        @Override
        public int weight() {
            return 1024 + 2 * weigh(tails);
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /** Deletes a subscription. Does nothing if it does not exist. */
    record Delete(String id, long time) implements SubscriptionCommand<SubscriptionOutcome.OfChange> {}

    /** Links streams by name, at their tails. */
    record AddStreams(String id, long time, List<StreamTail> tails)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {
        @Override
        public int weight() {
            return weigh(tails);
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /** Removes a link by name. */
    record RemoveStream(String id, long time, String path)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {}

    /**
     * Tells that streams have advanced or were created. Links those that the pattern covers, and makes a wake if one is
     * due.
     */
    record Notice(String id, long time, List<StreamTail> tails, String nextWakeId)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {
        @Override
        public int weight() {
            return weigh(tails);
        }
    }

    /** A stream that does not exist any more. Another stream may exist at its path. */
    record Gone(String path, long streamId) {}

    /** Tells that streams do not exist any more. Removes links by the pattern, unless they are to newer streams. */
    record Forget(String id, long time, List<Gone> streams)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {
        @Override
        public int weight() {
            int weight = 512;
            for (Gone gone : streams) {
                weight += 64 + gone.path().length();
            }
            return weight;
        }
    }

    /** Claims the wake for a worker. */
    record Claim(String id, long time, String worker, List<StreamTail> tails, String nextWakeId)
            implements SubscriptionCommand<SubscriptionOutcome.OfClaim> {
        @Override
        public int weight() {
            return weigh(tails);
        }
    }

    /**
     * Everything up to {@code position} of a stream is processed.
     *
     * @param streamId the id of the stream, or {@link StreamTail#UNBORN} for the stream that exists at the path
     */
    record Acked(String path, long streamId, long position) {
        /** Acks a position in the stream that exists at the path. */
        public Acked(String path, long position) {
            this(path, StreamTail.UNBORN, position);
        }
    }

    /**
     * Moves cursors, and renews the lease or gives it back.
     *
     * @param done whether the worker has finished
     * @param tails the tails of the acked streams, and of some pending ones
     */
    record Ack(
            String id,
            long time,
            long generation,
            String wakeId,
            List<Acked> acks,
            boolean done,
            List<StreamTail> tails,
            String nextWakeId)
            implements SubscriptionCommand<SubscriptionOutcome.OfAck> {
        @Override
        public int weight() {
            return 2 * weigh(tails);
        }
    }

    /** Gives the lease back although there is work left. */
    record Release(String id, long time, long generation, String wakeId, List<StreamTail> tails, String nextWakeId)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {
        @Override
        public int weight() {
            return weigh(tails);
        }
    }

    /**
     * Ends the wake if its lease is over at {@link #time()}.
     *
     * @param retryAt when to try again if the wake was never delivered
     */
    record Expire(String id, long time, String wakeId, long retryAt, List<StreamTail> tails, String nextWakeId)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {
        @Override
        public int weight() {
            return weigh(tails);
        }
    }

    /** The wake was delivered. */
    record Delivered(String id, long time, String wakeId)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {}

    /** The wake could not be delivered. The next attempt is at {@code retryAt}. */
    record DeliveryFailed(String id, long time, String wakeId, long retryAt)
            implements SubscriptionCommand<SubscriptionOutcome.OfChange> {}

    private static int weigh(List<StreamTail> tails) {
        int weight = 512;
        for (StreamTail tail : tails) {
            weight += 64 + tail.path().length();
        }
        return weight;
    }
}
