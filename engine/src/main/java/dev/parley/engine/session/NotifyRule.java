package dev.parley.engine.session;

import java.util.List;

/**
 * What the application of a session wants to be told of.
 *
 * @param events at least one
 * @param aside the names of messages that nobody needs to see
 * @param gaveUp the message that says that the application could not be told, about the id of the notification
 */
public record NotifyRule(List<Notification.Event> events, List<String> aside, RunTexts.Notice gaveUp) {
    /** Whether it wants to be told of this. */
    public boolean wants(Notification.Event event) {
        return events.contains(event);
    }

    /** The memory that it takes, roughly. */
    public int size() {
        int size = 64 + gaveUp.size();
        for (String name : aside) {
            size += name.length();
        }
        return size;
    }
}
