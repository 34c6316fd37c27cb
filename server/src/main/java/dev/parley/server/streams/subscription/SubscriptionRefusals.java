package dev.parley.server.streams.subscription;

import dev.parley.server.http.RefusedException;

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

    static RefusedException overloaded() {
        return RefusedException.unavailable("OVERLOADED", "Too many requests are in progress; try again soon.");
    }
}
