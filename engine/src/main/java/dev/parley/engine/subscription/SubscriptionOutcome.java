package dev.parley.engine.subscription;

/** What became of a command to a subscription. */
public sealed interface SubscriptionOutcome {
    /** There is no such subscription. */
    record NotFound() implements OfChange, OfClaim, OfAck {}

    /** The caller's wake is not the current one, or its lease is over (7.3). */
    record Fenced() implements OfChange, OfAck {}

    /** It would have more links than {@code limit}. */
    record TooManyLinks(int limit) implements OfCreate, OfChange {}

    /** What can become of a create. */
    sealed interface OfCreate extends SubscriptionOutcome {}

    /** The subscription is new. */
    record Created() implements OfCreate {}

    /** It exists with the same configuration. */
    record Confirmed() implements OfCreate {}

    /** It exists with another configuration. */
    record ConfigDiffers() implements OfCreate {}

    /** What can become of a change. */
    sealed interface OfChange extends SubscriptionOutcome {}

    /** Nothing to report. */
    record Done() implements OfChange {}

    /** What can become of a claim. */
    sealed interface OfClaim extends SubscriptionOutcome {}

    /** The caller holds the wake. */
    record Claimed(String wakeId, long generation) implements OfClaim {}

    /** Somebody else holds it. */
    record AlreadyClaimed(String holder, long generation) implements OfClaim {}

    /** All is processed. */
    record NoPendingWork() implements OfClaim {}

    /** The subscription delivers by webhook. */
    record NotPullWake() implements OfClaim {}

    /** What can become of an ack. */
    sealed interface OfAck extends SubscriptionOutcome {}

    /** The cursors have moved. */
    record Acked(boolean nextWake) implements OfAck {}

    /** A cursor cannot go there; none has moved. */
    record InvalidOffset(String reason) implements OfAck {}
}
