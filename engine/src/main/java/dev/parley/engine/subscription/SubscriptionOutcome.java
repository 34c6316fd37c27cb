package dev.parley.engine.subscription;

/** The outcome of a command for a subscription. */
public sealed interface SubscriptionOutcome {
    /** There is no such subscription. */
    record NotFound() implements OfChange, OfClaim, OfAck {}

    /** The caller's wake is not the current one, or its lease is over (7.3). */
    record Fenced() implements OfChange, OfAck {}

    /** The subscription would have more links than {@code limit}. */
    record TooManyLinks(int limit) implements OfCreate, OfChange {}

    /** The outcome of a create. */
    sealed interface OfCreate extends SubscriptionOutcome {}

    /** The subscription is new. */
    record Created() implements OfCreate {}

    /** The subscription exists with the same configuration. */
    record Confirmed() implements OfCreate {}

    /** The subscription exists with another configuration. */
    record ConfigDiffers() implements OfCreate {}

    /** The outcome of a change. */
    sealed interface OfChange extends SubscriptionOutcome {}

    /** Nothing to report. */
    record Done() implements OfChange {}

    /** The outcome of a claim. */
    sealed interface OfClaim extends SubscriptionOutcome {}

    /** The caller holds the wake. */
    record Claimed(String wakeId, long generation) implements OfClaim {}

    /** Another worker holds the wake. */
    record AlreadyClaimed(String holder, long generation) implements OfClaim {}

    /** Everything is processed. */
    record NoPendingWork() implements OfClaim {}

    /** The subscription delivers by webhook. */
    record NotPullWake() implements OfClaim {}

    /** The outcome of an ack. */
    sealed interface OfAck extends SubscriptionOutcome {}

    /** The cursors have moved. */
    record Acked(boolean nextWake) implements OfAck {}

    /** One of the offsets is not valid. No cursor has moved. */
    record InvalidOffset(String reason) implements OfAck {}
}
