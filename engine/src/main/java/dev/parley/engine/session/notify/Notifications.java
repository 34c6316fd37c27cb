package dev.parley.engine.session.notify;

import dev.parley.engine.session.Notification;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.store.Store.Range;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the applications of sessions are to be told. As thread-safe as the view; reads block on the disk. */
public final class Notifications {
    private final View view;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    /** Reads what {@code view} shows. */
    public Notifications(View view) {
        this.view = view;
    }

    /** A notification of which an application is to be told. */
    public record Due(SessionName session, String id) {}

    /**
     * Has {@code listener} called when there is something new of which an application is to be told. Called by an engine thread: it
     * must return at once.
     */
    public void listen(Runnable listener) {
        listeners.add(listener);
    }

    void tell(Consumer<Runnable> each) {
        listeners.forEach(each);
    }

    /** The range of keys of the list of when notifications are due, which all sessions share. */
    public static Range times() {
        return new Range(Table.NOTIFICATION_TIMES, NotifyRows.timesStart(), NotifyRows.timesEnd(Long.MAX_VALUE - 1));
    }

    /** A notification that is still to be told, or null. */
    public @Nullable Notification find(SessionState session, String id) {
        byte[] row = view.get(Table.NOTIFICATIONS, NotifyRows.notificationKey(session.id(), id));
        return row == null ? null : NotifyRows.notification(row);
    }

    /** The notifications of a session that are still to be told, the oldest first. */
    public List<Notification> of(SessionState session) {
        return view
                .list(
                        Table.NOTIFICATIONS,
                        SessionRows.idKey(session.id()),
                        SessionRows.idKey(session.id() + 1),
                        NotifyMachine.MAX_PENDING)
                .stream()
                .map(row -> NotifyRows.notification(row.value()))
                .toList();
    }

    /** The id of the notification that was made for a client that was not there, and is not yet; null if there was none. */
    public @Nullable String told(SessionState session, String clientId) {
        byte[] row = view.get(Table.NOTIFIED, NotifyRows.toldKey(session.id(), clientId));
        return row == null ? null : NotifyRows.told(row);
    }

    /** The notifications that are due at {@code now}, at most {@code limit}; what has waited longest comes first. */
    public List<Due> due(long now, int limit) {
        return rows(now, limit).stream()
                .map(row -> NotifyRows.time(row.value()))
                .toList();
    }

    /** When the first notification is due; {@link Long#MAX_VALUE} if there is none. */
    public long next() {
        return rows(Long.MAX_VALUE - 1, 1).stream()
                .mapToLong(row -> NotifyRows.dueAt(row.key()))
                .findFirst()
                .orElse(Long.MAX_VALUE);
    }

    private List<Row> rows(long now, int limit) {
        return view.list(Table.NOTIFICATION_TIMES, NotifyRows.timesStart(), NotifyRows.timesEnd(now), limit);
    }
}
