package dev.parley.server.streams.subscription;

import dev.parley.engine.memory.Owner;
import dev.parley.engine.memory.OwnerShares;
import dev.parley.server.http.RefusedException;
import org.jspecify.annotations.Nullable;

/** The refusals of requests about subscriptions. */
final class SubscriptionRefusals {
    private SubscriptionRefusals() {}

    static RefusedException notFound() {
        return new RefusedException(404, "SUBSCRIPTION_NOT_FOUND", "There is no such subscription.");
    }

    /** The request is about a wake that is over. */
    static RefusedException fenced() {
        return new RefusedException(409, "FENCED", "This wake is over; another worker may hold a newer one.");
    }

    /** The request is meant for subscriptions of the other type. */
    static RefusedException wrongType() {
        return SubscriptionRequests.invalid("Subscriptions of this type do not have this request.");
    }

    static RefusedException tooMany(String message) {
        return new RefusedException(409, "LIMIT_EXCEEDED", message);
    }

    static RefusedException tooManyLinks(int limit) {
        return tooMany("A subscription follows at most " + limit
                + " streams; the paths of those that a new subscription" + " is linked to have at most "
                + SubscriptionManagement.MAX_LINKED_CHARS + " characters together.");
    }

    /**
     * There is no memory for what the request makes.
     *
     * @param owner whose share is used up; null if nobody has any room
     */
    static RefusedException noRoom(@Nullable Owner owner) {
        return tooMany(
                owner == null
                        ? "This server has no room for more subscriptions and links to streams, see limits.subscription-bytes;"
                                + " delete subscriptions that are not needed."
                        : whose(owner) + " has no room for more subscriptions and links to streams: it may have "
                                + OwnerShares.part(100, owner)
                                + " % of limits.subscription-bytes; delete subscriptions that are not needed.");
    }

    /** Names an owner in a message for it. */
    static String whose(Owner owner) {
        if (owner.isAddress()) {
            return "This address";
        }
        return owner.principal().isEmpty() ? "This app" : "This client";
    }

    static RefusedException overloaded() {
        return RefusedException.unavailable("OVERLOADED", "Too many requests are in progress; try again soon.");
    }
}
