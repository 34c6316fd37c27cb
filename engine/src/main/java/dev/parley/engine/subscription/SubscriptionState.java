package dev.parley.engine.subscription;

import dev.parley.engine.memory.Owner;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a subscription is at one moment, but for its links. Immutable.
 *
 * @param id given by the client
 * @param incarnation journal position of its creation: tells it from an earlier one of the same id
 * @param config as asked for, without the streams
 * @param hash of the configuration with the streams
 * @param baseUrl how the server was addressed when it was created
 * @param owner whoever its memory is counted for; null if it is counted for nobody
 * @param createdAt milliseconds since 1970
 * @param links how many there are
 * @param generation number of the last wake, 0 before the first
 * @param wake the wake in flight, or null
 * @param attempts deliveries that have failed since the last that did not
 * @param nextAttemptAt no delivery is tried before this, in milliseconds since 1970; 0 if the last one went well
 */
public record SubscriptionState(
        String id,
        long incarnation,
        SubscriptionConfig config,
        String hash,
        String baseUrl,
        @Nullable Owner owner,
        long createdAt,
        int links,
        long generation,
        @Nullable Wake wake,
        int attempts,
        long nextAttemptAt) {

    /** The memory that a subscription takes besides its texts and links, by estimate. */
    static final int BYTES = 1 << 10;

    /** The end of a lease that nobody holds. */
    public static final long NO_LEASE = 0;

    /**
     * A message to a worker that there is something to do. It exists until the work is done.
     *
     * @param id different for all wakes
     * @param stream a stream that has something new
     * @param since when the wake was made, in milliseconds since 1970
     * @param delivered whether the wake was delivered
     * @param holder the worker that has claimed it, or null
     * @param leaseUntil when the lease ends, in milliseconds since 1970, or {@link #NO_LEASE}
     */
    public record Wake(
            String id,
            String stream,
            long since,
            boolean delivered,
            @Nullable String holder,
            long leaseUntil) {
        /** Whether a worker held the wake and has sent nothing for too long. */
        public boolean isOver(long time) {
            return leaseUntil != NO_LEASE && leaseUntil <= time;
        }

        private int chars() {
            return id.length() + stream.length() + (holder == null ? 0 : holder.length());
        }
    }

    /** The memory that the subscription takes without its links, by estimate. */
    long bytes() {
        int chars = id.length()
                + config.chars()
                + hash.length()
                + baseUrl.length()
                + (wake == null ? 0 : wake.chars())
                + (owner == null ? 0 : owner.chars());
        return BYTES + (long) Character.BYTES * chars;
    }

    /** The state that {@code create}, which is at {@code position} in the journal, makes before there are links. */
    static SubscriptionState of(SubscriptionCommand.Create create, long position) {
        SubscriptionConfig config = create.config();
        return new SubscriptionState(
                create.id(),
                position,
                config.withoutStreams(),
                config.hash(),
                create.baseUrl(),
                create.owner(),
                create.time(),
                0,
                0,
                null,
                0,
                0);
    }

    /** Whether wakes are delivered by HTTP. */
    public boolean isWebhook() {
        return config.target() instanceof Webhook;
    }

    /** Whether a wake may be made at {@code time}, if there is something to do. */
    boolean mayWake(long time) {
        return wake == null && nextAttemptAt <= time;
    }

    /** Whether the worker with {@code wakeId} holds the present wake. */
    public boolean holds(long ofGeneration, String wakeId, long time) {
        return wake != null && ofGeneration == generation && wake.id().equals(wakeId) && !wake.isOver(time);
    }

    SubscriptionState withLinks(int count) {
        return with(count, generation, wake, attempts, nextAttemptAt);
    }

    SubscriptionState idle() {
        return with(links, generation, null, attempts, nextAttemptAt);
    }

    /** The state with a new wake. For a webhook, the lease begins with the wake, and otherwise with the claim (7.3). */
    SubscriptionState woken(String wakeId, String stream, long time) {
        long lease = isWebhook() ? time + config.leaseMillis() : NO_LEASE;
        return with(links, generation + 1, new Wake(wakeId, stream, time, false, null, lease), attempts, nextAttemptAt);
    }

    /** The state after a worker has reported: the lease begins again. */
    SubscriptionState held(@Nullable String holder, long time) {
        Wake held = Objects.requireNonNull(wake);
        return with(
                links,
                generation,
                new Wake(held.id(), held.stream(), held.since(), true, holder, time + config.leaseMillis()),
                0,
                0);
    }

    SubscriptionState delivered() {
        Wake sent = Objects.requireNonNull(wake);
        return with(
                links,
                generation,
                new Wake(sent.id(), sent.stream(), sent.since(), true, sent.holder(), sent.leaseUntil()),
                0,
                0);
    }

    SubscriptionState failed(long retryAt) {
        return with(links, generation, wake, attempts + 1, retryAt);
    }

    private SubscriptionState with(
            int newLinks, long newGeneration, @Nullable Wake newWake, int newAttempts, long newNextAttemptAt) {
        return new SubscriptionState(
                id,
                incarnation,
                config,
                hash,
                baseUrl,
                owner,
                createdAt,
                newLinks,
                newGeneration,
                newWake,
                newAttempts,
                newNextAttemptAt);
    }
}
